"""The augmentations of a recipe: random crops, flips and cutout."""

from typing import Any

import keras
import numpy as np

from keras_ccar.benchmark.spec.recipes import Recipe
from keras_ccar.benchmark.training.augmentation_base import Augmentation, Size
from keras_ccar.benchmark.training.auto_augment import AutoAugment


def augmentations(recipe: Recipe) -> list[Augmentation]:
    """Returns the augmentations of a recipe, in the order in which they apply."""
    choices: list[tuple[Any, Augmentation]] = [
        (recipe.crop_padding, Crop(recipe.crop_padding)),
        (recipe.flip, Flip()),
        (recipe.auto_augment, AutoAugment()),
        (recipe.cutout, Cutout(recipe.cutout)),
    ]
    return [augmentation for is_on, augmentation in choices if is_on]


class Crop(Augmentation):
    """Pads images with zeros on every side and crops them to the original size."""

    num_draws = 2

    def __init__(self, padding: int) -> None:
        self.padding = padding

    def draw(self, random: np.random.Generator, count: int, size: Size) -> np.ndarray:
        """Draws the top and the left edge of each crop."""
        return random.integers(0, 2 * self.padding + 1, (count, 2))

    def __call__(self, images: Any, draws: Any) -> Any:
        """See `Augmentation`."""
        height, width, channels = images.shape[1:]
        border = [self.padding, self.padding]
        padded = keras.ops.pad(images, [[0, 0], border, border, [0, 0]])
        padded_height, padded_width = padded.shape[1:3]
        top, left = draws[:, :1], draws[:, 1:]
        rows = top + keras.ops.arange(height, dtype="int32")
        columns = left + keras.ops.arange(width, dtype="int32")
        count = keras.ops.shape(images)[0]
        first = keras.ops.arange(count, dtype="int32") * (padded_height * padded_width)
        pixels = (
            first[:, None, None] + rows[:, :, None] * padded_width + columns[:, None]
        )
        return keras.ops.take(keras.ops.reshape(padded, (-1, channels)), pixels, axis=0)


class Flip(Augmentation):
    """Mirrors half of the images."""

    num_draws = 1

    def draw(self, random: np.random.Generator, count: int, size: Size) -> np.ndarray:
        """Draws 1 for an image to mirror, else 0."""
        return random.integers(0, 2, (count, 1))

    def __call__(self, images: Any, draws: Any) -> Any:
        """See `Augmentation`."""
        is_mirrored = draws[:, :, None, None] == 1
        return keras.ops.where(is_mirrored, keras.ops.flip(images, axis=2), images)


class Cutout(Augmentation):
    """Blackens the part inside the image of a square around a random pixel.

    DeVries and Taylor 2017 (arXiv 1708.04552). The `size` is the side of the square.
    """

    num_draws = 2

    def __init__(self, size: int) -> None:
        self.size = size

    def draw(self, random: np.random.Generator, count: int, size: Size) -> np.ndarray:
        """Draws the row and the column of each centre."""
        return random.integers(0, size, (count, 2))

    def __call__(self, images: Any, draws: Any) -> Any:
        """See `Augmentation`."""
        height, width = images.shape[1:3]
        rows = self._is_inside(height, draws[:, 0, None])
        columns = self._is_inside(width, draws[:, 1, None])
        is_cut = keras.ops.logical_and(rows[:, :, None], columns[:, None])[..., None]
        return keras.ops.where(is_cut, keras.ops.zeros_like(images), images)

    def _is_inside(self, length: int, centre: Any) -> Any:
        positions = keras.ops.arange(length, dtype="int32")
        begin = centre - self.size // 2
        return keras.ops.logical_and(positions >= begin, positions < begin + self.size)
