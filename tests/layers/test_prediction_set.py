import json

import keras
import numpy as np
import pytest
from keras import ops

from keras_ccar.layers import PredictionSet

QUANTILES = [0.3, 0.6, 0.95]
LOGITS = np.random.default_rng(0).normal(size=(40, 5, 3)).astype("float32")


def softmax(z):
    exponentials = np.exp(z.astype("float64") - z.max(-1, keepdims=True))
    return exponentials / exponentials.sum(-1, keepdims=True)


def mask_of(layer, inputs):
    return ops.convert_to_numpy(layer(ops.convert_to_tensor(inputs)))


@pytest.mark.parametrize("quantiles", [QUANTILES, 0.7, np.array(QUANTILES)])
@pytest.mark.parametrize("is_logits", [True, False])
def test_holds_the_classes_with_a_small_score(quantiles, is_logits):
    p = softmax(LOGITS)
    layer = PredictionSet(quantiles, from_logits=is_logits)
    mask = mask_of(layer, LOGITS if is_logits else p.astype("float32"))
    assert mask.dtype == "float32"
    np.testing.assert_array_equal(mask, 1 - p <= np.array(quantiles))
    assert 0 < mask.mean() < 1


@pytest.mark.parametrize("always", [1, 1.0, float("inf")])
def test_always_in_the_set(always):
    logits = np.array([[0, 200, -200]], "float32")  # probabilities of 0 in float32
    mask = mask_of(PredictionSet([always, 0.5, always]), logits)
    assert mask.tolist() == [[1, 1, 1]]
    assert PredictionSet(always).get_config()["quantiles"] == 1


def test_never_in_the_set_but_with_certainty():
    mask = mask_of(PredictionSet(0.0), np.array([[0, 200.0], [0.1, 0]], "float32"))
    assert mask.tolist() == [[0, 1], [0, 0]]


@pytest.mark.parametrize("scale", [0.1, 1, 10, 60])
@pytest.mark.parametrize("num_classes", [2, 10, 1000])
@pytest.mark.parametrize("is_logits", [True, False])
def test_a_score_equal_to_its_quantile_belongs_to_the_set(
    scale, num_classes, is_logits
):
    """The quantile is a score in float64, the layer computes it in float32."""
    rng = np.random.default_rng(0)
    logits = (rng.normal(size=(20, num_classes)) * scale).astype("float32")
    given = logits if is_logits else softmax(logits).astype("float32")
    p = softmax(logits)
    if not is_logits:
        p = given / given.astype("float64").sum(-1, keepdims=True)
    for row in range(20):
        # Each class of the example has its own score as its quantile.
        layer = PredictionSet(1 - p[row], from_logits=is_logits)
        assert mask_of(layer, given[row : row + 1]).all()
    # Clearly larger scores do not.
    layer = PredictionSet(np.maximum(1 - p[0] * 1.001, 0), from_logits=is_logits)
    below = mask_of(layer, given[:1])[0]
    assert not below[(p[0] > 1e-9) & (p[0] < 0.99)].any()


def test_in_a_compiled_model(tmp_path):
    for activation in (None, "softmax"):
        x = np.random.default_rng(0).normal(size=(20, 8)).astype("float32")
        dense = keras.layers.Dense(3, activation=activation)
        model = keras.Sequential([keras.Input((8,)), dense])
        whole = keras.Sequential([model, PredictionSet(QUANTILES)])
        layer = whole.layers[-1]
        assert layer.from_logits is (activation is None)
        p = model.predict(x, verbose=0)
        p = p if activation else softmax(p)
        mask = whole.predict(x, verbose=0)
        np.testing.assert_array_equal(mask, 1 - p <= np.array(QUANTILES))
        whole.save(tmp_path / "model.keras")
        copy = keras.models.load_model(tmp_path / "model.keras")
        assert copy.layers[-1].get_config() == layer.get_config()
        np.testing.assert_array_equal(copy.predict(x, verbose=0), mask)


def test_configuration_is_plain_json():
    layer = PredictionSet(np.array([0.5, np.inf]), name="sets", dtype="float16")
    config = json.loads(json.dumps(layer.get_config(), allow_nan=False))
    assert config["quantiles"] == [0.5, 1]
    copy = PredictionSet.from_config(config)
    assert copy.get_config() == layer.get_config()
    assert mask_of(copy, LOGITS[..., :2]).dtype == "float16"


def test_segmentation_and_a_loss_that_tells():
    inputs = keras.Input((4, 4, 3))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model = keras.Model(inputs, keras.layers.Lambda(lambda z: z * 1)(inputs))
    with pytest.raises(ValueError, match="`from_logits` must be given"):
        PredictionSet(0.5)(model.output)
    model.compile("sgd", loss)
    layer = PredictionSet(0.5)
    assert layer(model(inputs)).shape == (None, 4, 4, 3)
    assert layer.from_logits is True


def test_unknown_predictions_are_nan():
    z = LOGITS[0].copy()
    z[1, 2] = np.nan
    mask = mask_of(PredictionSet(QUANTILES, from_logits=True), z)
    assert np.isnan(mask).sum() == np.isnan(mask[1]).sum() == 3
    layer = PredictionSet(QUANTILES, from_logits=False)
    with pytest.raises(ValueError, match=r"`inputs` must hold probabilities"):
        layer(ops.convert_to_tensor(LOGITS))
    if keras.backend.backend() != "torch":
        p = softmax(LOGITS[:, 0]).astype("float32")
        p[3, 0] = 1.5
        inputs = keras.Input((3,))
        mask = keras.Model(inputs, layer(inputs)).predict(p, verbose=0)
        assert np.isnan(mask).sum() == np.isnan(mask[3]).sum() == 3


def test_a_row_that_half_precision_rounded():
    """The calibration makes it sum to 1 too."""
    mask = mask_of(PredictionSet(0.5, from_logits=False), [[0.498, 0.498], [0, 0.0]])
    assert mask.tolist() == [[1, 1], [0, 0]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"quantiles": -0.1}, "`quantiles` must be a number in .*-0.1"),
        ({"quantiles": 1.1}, "`quantiles` must be a number in"),
        ({"quantiles": float("nan")}, "`quantiles` must be a number in"),
        ({"quantiles": -float("inf")}, "`quantiles` must be a number in"),
        ({"quantiles": [0.5]}, "`quantiles` must be .*two classes or more"),
        ({"quantiles": []}, "`quantiles` must be"),
        ({"quantiles": [[0.5, 0.5]]}, "`quantiles` must be"),
        ({"quantiles": "0.5"}, "`quantiles` must be"),
        ({"quantiles": None}, "`quantiles` must be"),
        ({"from_logits": 1}, "`from_logits` must be True or False"),
        ({"dtype": "int32"}, "`dtype` must be"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        PredictionSet(**{"quantiles": QUANTILES, **arguments})


def test_inputs_of_another_kind():
    layer = PredictionSet(QUANTILES)
    with pytest.raises(ValueError, match=r"`quantiles` must have one .*3 .*\(4, 2\)"):
        layer(np.ones((4, 2)) * 2)
    with pytest.raises(ValueError, match=r"`inputs` must have the shape .*\(4, 1\)"):
        PredictionSet(0.5)(np.ones((4, 1)) * 2)
    with pytest.raises(ValueError, match=r"`inputs` must have the shape .*\(4,\)"):
        PredictionSet(0.5)(np.ones(4) * 2)
    with pytest.raises(ValueError, match="`from_logits` must be given"):
        layer(softmax(LOGITS).astype("float32"))
    sigmoid = keras.Sequential(
        [keras.Input((8,)), keras.layers.Dense(3, activation="sigmoid")]
    )
    with pytest.raises(ValueError, match=r"`inputs` of `PredictionSet` must be"):
        keras.Sequential([sigmoid, PredictionSet(QUANTILES)])
    binary = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3)])
    binary.compile("sgd", keras.losses.BinaryCrossentropy(from_logits=True))
    with pytest.raises(
        ValueError, match=r"`inputs` of `PredictionSet` must be .*two col"
    ):
        keras.Sequential([binary, PredictionSet(QUANTILES)])
    softmax_model = keras.Sequential(
        [keras.Input((8,)), keras.layers.Dense(3, activation="softmax")]
    )
    with pytest.raises(ValueError, match="`from_logits` must fit `inputs`"):
        keras.Sequential([softmax_model, PredictionSet(QUANTILES, from_logits=True)])
