"""Pretrained networks of KerasHub in front of a new last layer."""

import functools
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from keras_ccar.benchmark import pretrained
from keras_ccar.benchmark.features import backbone_features
from keras_ccar.benchmark.sources import networks
from keras_ccar.benchmark.sources.options import SourceOptions
from keras_ccar.benchmark.sources.user_data import UserData


def read_features(
    preset: str, files: Sequence[Path], side: int, options: SourceOptions
) -> np.ndarray:
    """Returns the features of image files, or maps, which are kept in the cache."""
    is_stage = options.tune == "stage"
    return backbone_features(
        preset, list(files), side, options.cache, before_last_stage=is_stage
    )


def complete(data: UserData, options: SourceOptions, side: int) -> None:
    """Gives data the network that is trained."""
    preset = str(options.backbone)
    last = data.num_outputs, data.kind == "labels"
    if options.tune == "head":
        data.build_model = networks.head_maker(data.train[0], *last)
    elif options.tune == "stage":
        data.build_model = functools.partial(
            _build_last_stage, preset=preset, shape=data.train[0].shape[1:], last=last
        )
    else:
        data.build_model = functools.partial(
            _build, preset=preset, side=side, last=last
        )


def behind_backbone(
    network: keras.Model, preset: str, side: int, before_last_stage: bool
) -> keras.Model:
    """Puts what a network was trained on in front of it: features, or maps, of images.

    The whole takes images of any size.
    """
    images = keras.Input((None, None, 3), dtype="uint8", name="image")
    front = pretrained.frozen_part if before_last_stage else pretrained.whole_backbone
    pixels = pretrained.prepare(preset, images, side)
    return networks.behind(network, images, front(preset)(pixels))


def _build(*, preset: str, side: int, last: tuple[int, bool]) -> keras.Model:
    images = keras.Input((side, side, 3), dtype="uint8", name="image")
    pixels = pretrained.prepare(preset, images, side)
    features = pretrained.whole_backbone(preset)(pixels)
    return keras.Model(images, networks.last_layer(*last)(features))


def _build_last_stage(
    *, preset: str, shape: tuple[int, ...], last: tuple[int, bool]
) -> keras.Model:
    maps = keras.Input(shape, name="maps")
    features = pretrained.last_stage(preset)(maps)
    return keras.Model(maps, networks.last_layer(*last)(features))
