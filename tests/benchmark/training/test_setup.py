import keras
import pytest

from keras_ccar import datasets
from keras_ccar.benchmark.spec.loss_options import LossOptions
from keras_ccar.benchmark.spec.methods import get_method
from keras_ccar.benchmark.spec.recipe_book import RECIPES
from keras_ccar.benchmark.training.setup import build_training, image_shape


def test_float16_scales_the_loss():
    data = datasets.load("digits-lt")
    recipe = RECIPES["digits"].with_settings(dtype_policy="mixed_float16")
    loss = get_method("ce").build_loss(data.class_counts.tolist(), LossOptions())
    _, trainer, _ = build_training(data, recipe, loss, seed=0)
    assert isinstance(trainer.optimizer, keras.optimizers.LossScaleOptimizer)


# `mock_data` generates the examples from the builders' features with this call.
@pytest.mark.filterwarnings("ignore:.*output_types is deprecated")
def test_streams_need_a_size():
    tfds = pytest.importorskip("tensorflow_datasets")
    with tfds.testing.mock_data(num_examples=4):
        streamed = datasets.load("imagenet-lt")
    with pytest.raises(ValueError, match=r"`image_size` .* imagenet-lt.*image_size=0"):
        image_shape(streamed, RECIPES["plain"])


def test_streams_need_three_channels():
    data = datasets.load("digits-lt")
    with pytest.raises(ValueError, match=r"`image_size` .* digits-lt.*image_size=32"):
        image_shape(data, RECIPES["cpu"].with_settings(image_size=32, crop_padding=0))
