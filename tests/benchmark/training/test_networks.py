"""Networks of recipes with a pretrained backbone."""

import keras
import numpy as np
import pytest
from small_preset import write_preset

from keras_ccar import datasets
from keras_ccar.benchmark.feature_data import as_the_backbone_takes_it
from keras_ccar.benchmark.spec.recipe_book import RECIPES
from keras_ccar.benchmark.training.networks import build_network, rate_factors
from keras_ccar.benchmark.training.setup import build_training
from keras_ccar.benchmark.training.speed import operations_per_image

SIDE = 16


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    keras.utils.set_random_seed(4)
    folder = tmp_path_factory.mktemp("preset")
    return write_preset(folder, SIDE, 1 / 127.5, -1.0, stages=2)


def recipe_of(preset, tune, **settings):
    recipe = RECIPES["pretrained-tune"]
    return recipe.with_settings(backbone=preset, tune=tune, **settings)


def data_of(recipe, folder):
    return as_the_backbone_takes_it(datasets.load("digits-lt"), recipe, folder)


@pytest.fixture(scope="module")
def networks(preset, tmp_path_factory):
    """The recipe, the data and the network of each choice, with one last layer."""
    folder, found = tmp_path_factory.mktemp("maps"), {}
    for tune in ("stage", "all"):
        recipe = recipe_of(preset, tune)
        data = data_of(recipe, folder)
        network = build_network(recipe, data.train_arrays[0].shape[1:], 10)
        found[tune] = recipe, data, network
    last = found["stage"][2].layers[-1].get_weights()
    found["all"][2].layers[-1].set_weights(last)
    return found


def test_the_last_stage_on_maps_is_the_whole_on_images(networks):
    logits = {
        tune: network.predict(data.test_arrays[0][:40], verbose=0)
        for tune, (_, data, network) in networks.items()
    }
    assert logits["all"].shape == (40, 10)
    np.testing.assert_allclose(logits["stage"], logits["all"], rtol=1e-3, atol=1e-4)
    assert logits["all"].std(axis=0).min() > 1e-3


def test_all_but_the_last_layer_have_a_factor(networks):
    shares = {}
    for tune, (recipe, _, network) in networks.items():
        shares[tune] = rate_factors(
            network, recipe.with_settings(backbone_rate_share=0.3)
        )
        assert set(shares[tune].values()) == {0.3}
        assert len(shares[tune]) == len(network.trainable_variables) - 2
        assert {v.path for v in network.layers[-1].variables}.isdisjoint(shares[tune])
    assert all(path.startswith("stack1_") for path in shares["stage"])
    assert shares["stage"].keys() < shares["all"].keys()
    plain = RECIPES["digits"]
    assert rate_factors(build_network(plain, (8, 8, 1), 10), plain) == {}


@pytest.mark.parametrize("tune", ["stage", "all"])
def test_one_step_moves_each_variable_as_it_should(preset, tmp_path, tune):
    # Without momentum and decay, a step is the gradient times the rate of the variable.
    steps = {}
    for share in (1.0, 0.1):
        recipe = recipe_of(
            preset,
            tune,
            backbone_rate_share=share,
            momentum=0.0,
            weight_decay=0.0,
            batch_size=40,
        )
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        data = data_of(recipe, tmp_path)
        network, trainer, batches = build_training(data, recipe, loss, 0)
        before = {v.path: np.array(v) for v in network.trainable_variables}
        trainer.train_on_batch(*batches[0])
        steps[share] = {
            v.path: np.array(v) - before[v.path] for v in network.trainable_variables
        }
    own = {v.path for v in network.layers[-1].trainable_variables}
    for path, whole in steps[1.0].items():
        expected = whole if path in own else 0.1 * whole
        np.testing.assert_allclose(steps[0.1][path], expected, rtol=0.02, atol=1e-6)


def test_images_are_flipped_where_the_recipe_says_so(preset, tmp_path):
    recipe = recipe_of(preset, "all", flip=True, batch_size=20)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    data = data_of(recipe, tmp_path)
    network, trainer, batches = build_training(data, recipe, loss, 0)
    draws, _ = batches[0]
    images = data.train_arrays[0][draws[:, 0]]
    mirrored = draws[:, 1] == 1
    assert 0 < mirrored.sum() < 20
    images[mirrored] = images[mirrored][:, :, ::-1]
    expected = network.predict(images, verbose=0)
    found = trainer.predict(draws, verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_operations_of_a_stage_and_of_all(preset, tmp_path):
    # The first convolution halves a side of 16, a pooling halves it again, and the
    # second stage once more. Its shortcut alone is a convolution, of one pixel.
    stage = (9 + 9 + 1) * 64 * 64 * 2 * 2
    first = (9 + 9) * 64 * 64 * 4 * 4
    stem, last = 9 * 3 * 64 * 8 * 8, 64 * 10
    expected = {"stage": stage + last, "all": stem + first + stage + last}
    for tune, multiplications in expected.items():
        recipe = recipe_of(preset, tune)
        found = operations_per_image(data_of(recipe, tmp_path), recipe)
        assert found == 6 * multiplications
