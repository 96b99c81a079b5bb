"""Pretrained backbones of KerasHub: how they take images, and where they are cut."""

import re
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_ccar.arguments import argument_error
from keras_ccar.requirements import require

_USUAL_SIDE = 224


def image_side(preset: str) -> int:
    """Returns the side in pixels of the images that a preset is for."""
    size = read_converter(preset).image_size
    return size[0] if size else _USUAL_SIDE


def read_converter(preset: str, argument: str = "backbone", **settings: Any) -> Any:
    """Returns the image converter of a preset, with some of its settings replaced.

    The `argument` is what errors call the preset.

    Raises:
        ValueError: for a preset that is none, or not for images.
        ModuleNotFoundError: if KerasHub is not installed.
    """
    return _read("layers.ImageConverter", preset, argument, settings)


def prepare(preset: str, images: Any, side: int) -> Any:
    """Returns images as a backbone takes them, by layers that need no KerasHub.

    Args:
        preset: of KerasHub.
        images: Keras tensor of uint8 images `(N, height, width, 1 or 3)`.
        side: the side in pixels that they are resized to.
    """
    converter = read_converter(preset)
    converter.image_size = (side, side)
    settings = converter.resizing.get_config()
    names = ("interpolation", "antialias", "crop_to_aspect_ratio")
    layers = [
        keras.layers.Resizing(
            side,
            side,
            pad_to_aspect_ratio=settings["pad_to_aspect_ratio"],
            dtype="float32",
            **{name: settings[name] for name in names},
        )
    ]
    if converter.scale is not None or converter.offset is not None:
        scale = 1.0 if converter.scale is None else converter.scale
        offset = 0.0 if converter.offset is None else converter.offset
        layers.append(keras.layers.Rescaling(scale, offset, dtype="float32"))
    _require_same(converter, layers, preset, side)
    if images.shape[-1] == 1:
        images = keras.ops.repeat(images, 3, axis=-1)
    # Resized whole numbers would be rounded.
    images = keras.ops.cast(images, "float32")
    for layer in layers:
        images = layer(images)
    return images


def whole_backbone(
    preset: str, argument: str = "backbone", dtype: str | None = None
) -> keras.Model:
    """Returns the network from prepared pixels to features `(N, D)`.

    A map of features is averaged over its places, a sequence over its tokens.

    Args:
        preset: of KerasHub.
        argument: what errors call the preset.
        dtype: the policy of its layers; None for that of the preset.

    Raises:
        ValueError: for a preset that has no backbone for images.
    """
    backbone = _read_backbone(preset, argument, dtype)
    return keras.Model(backbone.inputs[0], _pooled(backbone), name="backbone")


def frozen_part(preset: str, argument: str = "backbone") -> keras.Model:
    """Returns the network from prepared pixels to the input of the last stage.

    Raises:
        ValueError: as `last_stage`.
    """
    backbone = _read_backbone(preset, argument)
    maps = _input_of_last_stage(backbone, preset, argument)
    frozen = keras.Model(backbone.inputs[0], maps, name="frozen")
    # Its batch normalisation keeps to the statistics of the pretraining.
    frozen.trainable = False
    return frozen


def last_stage(
    preset: str, argument: str = "backbone", dtype: str | None = None
) -> keras.Model:
    """Returns the network from what `frozen_part` returns to features `(N, D)`.

    Feature pyramids have outputs P1, P2 and so on. What follows the last but one of
    them is the last stage.

    Raises:
        ValueError: for a preset that has no backbone for images, or one of a single
            stage or without stages.
    """
    backbone = _read_backbone(preset, argument, dtype)
    maps = _input_of_last_stage(backbone, preset, argument)
    try:
        return keras.Model(maps, _pooled(backbone), name="last_stage")
    except ValueError as error:
        # Another connection leads past the map, as in a U-Net.
        raise _without_last_stage(preset, argument) from error


def _pooled(backbone: Any) -> Any:
    output = backbone.output
    if output.ndim == 4:
        pooling = keras.layers.GlobalAveragePooling2D(
            data_format=getattr(backbone, "data_format", None)
        )
        return pooling(output)
    if output.ndim == 3:
        return keras.layers.GlobalAveragePooling1D()(output)
    return output


def _input_of_last_stage(backbone: Any, preset: str, argument: str) -> Any:
    levels = getattr(backbone, "pyramid_outputs", {})
    # P10 comes after P9.
    names = sorted(levels, key=lambda name: int(re.sub(r"\D", "", name)))
    if len(names) < 2:
        raise _without_last_stage(preset, argument)
    return levels[names[-2]]


def _without_last_stage(preset: str, argument: str) -> ValueError:
    return argument_error(
        argument,
        preset,
        "a backbone of two stages or more, which KerasHub can tell apart "
        "(`pyramid_outputs`), such as a ResNet, to train its last stage",
        "Train all of it with `--tune all`, or a last layer alone: `--tune head` for "
        "images of your own, the recipe pretrained-head for known data sets",
    )


def _read_backbone(preset: str, argument: str, dtype: str | None = None) -> Any:
    settings = {} if dtype is None else {"dtype": dtype}
    backbone = _read("models.Backbone", preset, argument, settings)
    rank = getattr(getattr(backbone, "output", None), "ndim", None)
    if rank not in (2, 3, 4):
        raise argument_error(argument, preset, "a backbone with one output of features")
    return backbone


def _read(name: str, preset: str, argument: str, settings: dict[str, Any]) -> Any:
    """Returns a part of a preset that KerasHub has a class of this name for."""
    part = require("keras_hub", "KerasHub", "keras-hub", "A pretrained backbone")
    for word in name.split("."):
        part = getattr(part, word)
    try:
        return part.from_preset(preset, **settings)
    except (ValueError, FileNotFoundError, NotImplementedError) as error:
        raise argument_error(
            argument,
            preset,
            "a preset of KerasHub for images, or the folder of one",
            f"KerasHub says: {error}",
        ) from error


def _require_same(
    converter: Any, layers: Sequence[Any], preset: str, side: int
) -> None:
    """Refuses a preset that prepares images in a way of its own."""
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (1, side + 3, side + 7, 3)).astype("float32")
    ours = image
    for layer in layers:
        ours = layer(ours)
    expected = keras.ops.convert_to_numpy(converter(image))
    if not np.allclose(keras.ops.convert_to_numpy(ours), expected, atol=1e-3):
        raise argument_error(
            "backbone",
            preset,
            "a preset that resizes and rescales images, and does nothing else to them",
        )
