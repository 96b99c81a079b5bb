"""Pretrained networks of KerasHub in front of a new last layer."""

import functools
from collections.abc import Callable, Sequence
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
    """Gives data the network that is trained, and what stands in front of it."""
    preset = str(options.backbone)
    last = data.num_outputs, data.kind == "labels"
    if options.tune == "all":
        data.build_model = functools.partial(
            _build, preset=preset, side=side, last=last
        )
        data.make_whole = lambda network: networks.behind_resizing(network, side)
        return

    front: Callable[[str], keras.Model] = pretrained.whole_backbone
    data.build_model = networks.head_maker(data.train[0], *last)
    if options.tune == "stage":
        front = pretrained.frozen_part
        data.build_model = functools.partial(
            _build_last_stage, preset=preset, shape=data.train[0].shape[1:], last=last
        )

    def make_whole(network: keras.Model) -> keras.Model:
        images = keras.Input((None, None, 3), dtype="uint8", name="image")
        pixels = pretrained.prepare(preset, images, side)
        return networks.behind(network, images, front(preset)(pixels))

    data.make_whole = make_whole


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
