import time

import keras
import pytest

from keras_ccar import datasets
from keras_ccar.benchmark.spec.methods import METHODS
from keras_ccar.benchmark.spec.recipe_book import get_recipe
from keras_ccar.benchmark.training.speed import images_per_second, operations_per_image


@pytest.fixture(scope="module")
def data():
    return datasets.load("digits-lt")


@pytest.mark.parametrize("steps_at_once", [1, 3])
def test_images_of_the_time_that_was_given(data, steps_at_once):
    if steps_at_once > 1 and keras.backend.backend() == "torch":
        pytest.skip("Keras takes one step at a time on torch")
    recipe = get_recipe("digits-lt").with_settings(
        batch_size=100, steps_per_execution=steps_at_once
    )
    moments = []
    speed = images_per_second(
        data, recipe, METHODS["ccar"], 0.5, lambda: moments.append(time.perf_counter())
    )
    # The first three executions are left out; they may compile.
    elapsed = moments[-1] - moments[2]
    assert 0.5 <= elapsed < 5
    # 359 examples are 4 steps an epoch, which two executions of up to 3 make.
    executions = len(moments) - 3
    steps = executions * (1 if steps_at_once == 1 else 2)
    assert speed == pytest.approx(100 * steps / elapsed, rel=0.2)


def test_operations_of_resnet32():
    images, _ = datasets.load("digits-lt").test_arrays
    images = images[:20].repeat(4, axis=1).repeat(4, axis=2)  # 32 pixels a side
    data = datasets.from_arrays((images, [0, 1] * 10))
    recipe = get_recipe("cifar10-lt", "plain")
    # Three stages of five blocks of two 3x3 convolutions; each stage has half the side
    # and twice the filters of the one before.
    of_block = 9 * 16 * 16 * 32 * 32
    first = 9 * 1 * 16 * 32 * 32
    expected = first + 10 * of_block + 2 * (of_block / 2 + 9 * of_block) + 64 * 2
    assert operations_per_image(data, recipe) == 6 * expected
