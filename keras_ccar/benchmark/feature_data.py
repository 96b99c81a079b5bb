"""A data set of the package with features in place of its images."""

import dataclasses
from pathlib import Path

from keras_ccar.benchmark.features import backbone_features
from keras_ccar.benchmark.sources.images.backbones import image_side
from keras_ccar.benchmark.spec.recipes import HEAD, Recipe
from keras_ccar.datasets import LongTailedData, subset_digest


def check_backbone(recipe: Recipe) -> None:
    """Raises a `ValueError` if a recipe lacks a backbone, or has no use for one."""
    if bool(recipe.backbone) == (recipe.model == HEAD):
        return
    expected = "left out: it trains a network of its own"
    if not recipe.backbone:
        expected = "a preset of KerasHub, or the folder of one (`--backbone`)"
    raise ValueError(
        f"`backbone` of the recipe {recipe.name} must be {expected}. Received: "
        f"backbone={recipe.backbone!r}."
    )


def with_features(data: LongTailedData, preset: str, folder: Path) -> LongTailedData:
    """Returns data whose images are replaced by features of a pretrained backbone.

    Args:
        data: with images in memory.
        preset: of KerasHub; see `backbone_features`.
        folder: where features are kept, so that they are computed once.

    Returns:
        The data with float32 features `(N, D)`, and a digest of these.

    Raises:
        ValueError: for a preset that is none.
        OSError: if the folder cannot be read or written.
        ModuleNotFoundError: if KerasHub is not installed.
    """
    side = image_side(preset)
    assert data.train_arrays is not None
    images, labels = data.train_arrays
    features = backbone_features(preset, images, side, folder)
    test = data.test_arrays
    if test is not None:
        test = backbone_features(preset, test[0], side, folder), test[1]
    return dataclasses.replace(
        data,
        train_arrays=(features, labels),
        test_arrays=test,
        digest=subset_digest(features, labels),
    )
