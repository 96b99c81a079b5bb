import keras
import numpy as np
import pytest

from keras_ccar.benchmark.spec.recipe_book import RECIPES
from keras_ccar.benchmark.training.last_layer import UnitColumns, build_last_layer
from keras_ccar.benchmark.training.models import build_model

FEATURES, CLASSES = 64, 4000


def weights(head, start, features=FEATURES):
    layer = build_last_layer(head, features, CLASSES, start)
    layer.build((None, features))
    return layer.get_weights()


def assert_uniform(values, limit):
    """Whether values have the range, the deviation and the mean of U(±limit)."""
    assert 0.98 * limit < np.abs(values).max() <= limit * (1 + 1e-6)
    assert values.std() == pytest.approx(limit / np.sqrt(3), rel=0.05)
    assert values.mean() == pytest.approx(0, abs=0.05 * limit)


def test_a_layer_of_pytorch():
    kernel, bias = weights("linear", "pytorch")
    # 1/√64; the deviation is 0.072.
    assert_uniform(kernel, 1 / 8)
    assert_uniform(bias, 1 / 8)


def test_pytorch_starts_its_own_layer_so():
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle")
    torch.manual_seed(0)
    layer = torch.nn.Linear(FEATURES, CLASSES, device="cpu")
    assert_uniform(layer.weight.detach().numpy(), 1 / 8)
    assert_uniform(layer.bias.detach().numpy(), 1 / 8)


def test_a_layer_of_ldam():
    kernel, bias = weights("linear", "he")
    assert kernel.std() == pytest.approx(np.sqrt(2 / 64), rel=0.02)
    # Normal, not truncated at two deviations.
    assert np.abs(kernel).max() > 3.5 * kernel.std()
    assert_uniform(bias, 1 / 8)


def test_a_layer_of_keras():
    kernel, bias = weights("linear", "glorot")
    assert_uniform(kernel, np.sqrt(6 / (FEATURES + CLASSES)))
    assert not bias.any()


@pytest.mark.parametrize("features", [4, FEATURES])
def test_cosines_start_with_directions_of_length_one(features):
    (kernel,) = weights("cosine", "glorot", features)
    np.testing.assert_allclose(np.linalg.norm(kernel, axis=0), 1, rtol=1e-6)
    # The largest part of a direction before it was scaled is uniform in (-1, 1), so the
    # corners of the cube are more likely than they would be on a sphere.
    fourth = (kernel.astype("float64") ** 4).mean() * features**2
    drawn = np.random.default_rng(0).uniform(-1, 1, (features, 100_000))
    drawn /= np.linalg.norm(drawn, axis=0)
    assert fourth == pytest.approx((drawn**4).mean() * features**2, rel=0.03)


def test_a_seed_decides_the_directions():
    def kernel(seed):
        keras.utils.set_random_seed(seed)
        return weights("cosine", "glorot")[0]

    np.testing.assert_array_equal(kernel(1), kernel(1))
    assert not np.array_equal(kernel(1), kernel(2))
    initial = UnitColumns(seed=3)
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(initial)
    )
    np.testing.assert_array_equal(
        *(keras.ops.convert_to_numpy(draw((4, 5))) for draw in (initial, again))
    )


@pytest.mark.parametrize(
    ("recipe", "deviation"),
    [("plain", np.sqrt(2 / 64)), ("strong", 0.0722)],
)
def test_recipes_start_as_their_source(recipe, deviation):
    recipe = RECIPES[recipe]
    model = build_model("resnet8", (8, 8, 3), 1000, last_layer=recipe.last_layer)
    kernel, bias = model.layers[-1].get_weights()
    assert kernel.std() == pytest.approx(deviation, rel=0.02)
    assert_uniform(bias, 1 / 8)


def test_unknown_starts_are_named():
    with pytest.raises(ValueError, match="`last_layer` must be one of 'glorot'"):
        build_model("convnet", (8, 8, 1), 10, last_layer="zero")
