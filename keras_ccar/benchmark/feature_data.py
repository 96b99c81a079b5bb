"""A data set of the package, as a pretrained backbone or a part of it takes it."""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np

from keras_ccar.benchmark.features import backbone_features, preset_digest
from keras_ccar.benchmark.pretrained import image_side
from keras_ccar.benchmark.spec.recipes import BACKBONE, HEAD, Recipe
from keras_ccar.datasets import LongTailedData, subset_digest

# Settings that change images as they are in memory, or stream them.
_OF_PIXELS = ("crop_padding", "flip", "auto_augment", "cutout")
_OWN_NETWORK = "left out: it trains a network of its own"


def check_backbone(recipe: Recipe) -> None:
    """Raises a `ValueError` if a recipe lacks a backbone, or has no use for one.

    The same goes for the settings that are for backbones, or not for them.
    """
    has_backbone = recipe.model in (HEAD, BACKBONE)
    if bool(recipe.backbone) != has_backbone:
        expected = _OWN_NETWORK
        if has_backbone:
            expected = "a preset of KerasHub, or the folder of one (`--backbone`)"
        raise _error(recipe, "backbone", expected)
    if recipe.model == BACKBONE:
        if recipe.tune == "head":
            expected = "'stage' or 'all'; the recipe pretrained-head trains the head"
            raise _error(recipe, "tune", expected)
    else:
        default = {item.name: item.default for item in dataclasses.fields(Recipe)}
        for name in ("tune", "backbone_rate_share"):
            if getattr(recipe, name) != default[name]:
                expected = "left out; it is for the recipe pretrained-tune"
                raise _error(recipe, name, expected)
    if not has_backbone:
        return
    if recipe.image_size:
        raise _error(recipe, "image_size", "0: the preset says how large images are")
    for name in _OF_PIXELS:
        if recipe.tune != "all" and getattr(recipe, name):
            raise _error(
                recipe,
                name,
                "0 or off where the frozen part of a backbone is computed once; "
                "`--recipe pretrained-tune --tune all` changes images",
            )


def as_the_backbone_takes_it(
    data: LongTailedData, recipe: Recipe, folder: Path
) -> LongTailedData:
    """Returns data as the trained part of a pretrained backbone takes it.

    Args:
        data: with images in memory.
        recipe: whose `backbone` is a preset of KerasHub; see `backbone_features`.
        folder: where features and maps are kept, so that they are computed once.

    Returns:
        For a head the data with float32 features `(N, D)`, for the last stage with
        maps in their place, else the images as they are. The digest covers the preset.

    Raises:
        ValueError: for a preset that is none, or has no last stage for one that is to
            be trained.
        OSError: if the folder cannot be read or written.
        ModuleNotFoundError: if KerasHub is not installed.
    """
    preset = recipe.backbone
    side = image_side(preset)
    assert data.train_arrays is not None
    images, labels = data.train_arrays
    if recipe.tune == "all":
        return dataclasses.replace(data, digest=_digest(data, preset, side))

    def compute(images: np.ndarray) -> np.ndarray:
        is_stage = recipe.tune == "stage"
        return backbone_features(
            preset, images, side, folder, before_last_stage=is_stage
        )

    features = compute(images)
    test = data.test_arrays
    if test is not None:
        test = compute(test[0]), test[1]
    if recipe.tune == "head":
        digest = subset_digest(features, labels)
    else:
        digest = _digest(data, preset, side)
    return dataclasses.replace(
        data, train_arrays=(features, labels), test_arrays=test, digest=digest
    )


def _digest(data: LongTailedData, preset: str, side: int) -> str:
    """Identifies images together with the layers of a backbone that are trained."""
    content = f"{data.digest}|{preset_digest(preset, side)}"
    return hashlib.sha256(content.encode()).hexdigest()


def _error(recipe: Recipe, name: str, expected: str) -> ValueError:
    return ValueError(
        f"`{name}` of the recipe {recipe.name} must be {expected}. Received: "
        f"{name}={getattr(recipe, name)!r}."
    )
