"""The network of a recipe: one by name, or one with a pretrained backbone."""

from collections.abc import Callable
from typing import Any

import keras

from keras_ccar.benchmark import pretrained
from keras_ccar.benchmark.spec.recipes import BACKBONE, Recipe
from keras_ccar.benchmark.training.last_layer import build_last_layer
from keras_ccar.benchmark.training.models import build_model
from keras_ccar.benchmark.training.standardiser import Standardiser
from keras_ccar.datasets import LongTailedData


def build_network(
    recipe: Recipe, input_shape: tuple[int, ...], num_classes: int, head: str = "linear"
) -> keras.Model:
    """Builds the network of a recipe, with freshly drawn or pretrained weights.

    Args:
        recipe: names the network, or the backbone and what of it is trained.
        input_shape: of an image, a map or features.
        num_classes: number of logits.
        head: the last layer, as `build_model` takes it.

    Raises:
        ValueError: if there is no such network, no such preset or no such head.
        ModuleNotFoundError: if the network needs KerasHub, which is not installed.
    """
    if recipe.model != BACKBONE:
        return build_model(
            recipe.model, input_shape, num_classes, head, recipe.last_layer
        )
    preset, policy = recipe.backbone, keras.config.dtype_policy().name
    if recipe.tune == "stage":
        inputs = keras.Input(input_shape, name="maps")
        features = pretrained.last_stage(preset, dtype=policy)(inputs)
    else:
        inputs = keras.Input(input_shape, dtype="uint8", name="image")
        pixels = pretrained.prepare(preset, inputs, pretrained.image_side(preset))
        features = pretrained.whole_backbone(preset, dtype=policy)(pixels)
    last = build_last_layer(head, features.shape[-1], num_classes, recipe.last_layer)
    return keras.Model(inputs, last(features), name=recipe.model)


def input_preparation(data: LongTailedData, recipe: Recipe) -> Callable[[Any], Any]:
    """Returns what makes inputs of the network of images, or features, in memory."""
    # A backbone is used to pixels or maps of its own kind.
    return _unchanged if recipe.model == BACKBONE else Standardiser.of(data)


def rate_factors(network: keras.Model, recipe: Recipe) -> dict[str, float]:
    """Returns the share of the learning rate of each pretrained variable, by path."""
    if recipe.model != BACKBONE:
        return {}
    own = {variable.path for variable in network.layers[-1].trainable_variables}
    paths = [variable.path for variable in network.trainable_variables]
    return {path: recipe.backbone_rate_share for path in paths if path not in own}


def _unchanged(images: Any) -> Any:
    return images
