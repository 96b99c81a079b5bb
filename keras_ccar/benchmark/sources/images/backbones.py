"""Pretrained networks of KerasHub in front of a new last layer."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_ccar.arguments import argument_error
from keras_ccar.benchmark.features import backbone_features
from keras_ccar.benchmark.sources import networks
from keras_ccar.benchmark.sources.options import SourceOptions
from keras_ccar.benchmark.sources.user_data import UserData
from keras_ccar.requirements import require

_USUAL_SIDE = 224


def image_side(preset: str) -> int:
    """Returns the side in pixels of the images that a preset is for."""
    size = _converter(preset).image_size
    return size[0] if size else _USUAL_SIDE


def read_features(
    preset: str, files: Sequence[Path], side: int, options: SourceOptions
) -> np.ndarray:
    """Returns the features of image files, which are kept in the cache."""
    return backbone_features(preset, list(files), side, options.cache)


def complete(data: UserData, options: SourceOptions, side: int) -> None:
    """Gives data the network that is trained, and what stands in front of it."""
    preset = str(options.backbone)
    outputs, are_labels = data.num_outputs, data.kind == "labels"
    if options.tune == "head":
        data.build_model = networks.head_maker(data.train[0], outputs, are_labels)

        def whole_of_head(network: keras.Model) -> keras.Model:
            images = keras.Input((None, None, 3), dtype="uint8", name="image")
            pixels = _prepared(preset, images, side)
            return networks.behind(network, images, _features(preset)(pixels))

        data.make_whole = whole_of_head
        return

    data.build_model = functools.partial(
        _build, preset=preset, side=side, last=(outputs, are_labels)
    )
    data.make_whole = lambda network: networks.behind_resizing(network, side)


def _build(*, preset: str, side: int, last: tuple[int, bool]) -> keras.Model:
    images = keras.Input((side, side, 3), dtype="uint8", name="image")
    features = _features(preset)(_prepared(preset, images, side))
    return keras.Model(images, networks.last_layer(*last)(features))


def _hub() -> Any:
    return require("keras_hub", "KerasHub", "keras-hub", "A pretrained backbone")


def _converter(preset: str) -> Any:
    try:
        return _hub().layers.ImageConverter.from_preset(preset)
    except (ValueError, FileNotFoundError, NotImplementedError) as error:
        raise argument_error(
            "backbone",
            preset,
            "a preset of KerasHub for images, or the folder of one",
            f"KerasHub says: {error}",
        ) from error


def _features(preset: str) -> keras.Model:
    """Returns the network from prepared pixels to features `(N, D)`."""
    backbone = _hub().models.Backbone.from_preset(preset)
    output = backbone.output
    if output.ndim == 4:
        output = keras.layers.GlobalAveragePooling2D(
            data_format=getattr(backbone, "data_format", None)
        )(output)
    elif output.ndim == 3:
        output = keras.layers.GlobalAveragePooling1D()(output)
    return keras.Model(backbone.inputs, output, name="backbone")


def _prepared(preset: str, images: Any, side: int) -> Any:
    """Returns images as the backbone takes them, by layers that need no KerasHub."""
    converter = _converter(preset)
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
    for layer in layers:
        images = layer(images)
    return images


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
