"""Augmentations of images: chosen at random on the host, applied on the device.

Each draws a few integers an image with numpy, and applies them inside the compiled
training step. So the choices are the same on every backend, and pixels never pass
through Python.
"""

import keras

from keras_ccar.benchmark.training.auto_augment import AutoAugment


def augmentations(recipe):
    """Returns the augmentations of a recipe, in the order in which they apply.

    Args:
        recipe: a `Recipe`.
    """
    chosen = []
    if recipe.crop_padding:
        chosen.append(Crop(recipe.crop_padding))
    if recipe.flip:
        chosen.append(Flip())
    if recipe.auto_augment:
        chosen.append(AutoAugment())
    if recipe.cutout:
        chosen.append(Cutout(recipe.cutout))
    return chosen


class Crop:
    """Pads images with zeros and cuts a part of the original size out.

    Args:
        padding: pixels on every side.
    """

    choices = 2

    def __init__(self, padding):
        self.padding = padding

    def draw(self, random, count, size):
        """Draws top and left of `count` images.

        Args:
            random: a `numpy.random.Generator`.
            count: number of images.
            size: `(height, width)`.

        Returns:
            `(count, 2)` integers.
        """
        return random.integers(0, 2 * self.padding + 1, (count, 2))

    def __call__(self, images, choices):
        """Returns the cut images.

        Args:
            images: `(B, height, width, channels)`.
            choices: `(B, 2)` int32, what `draw` gave.
        """
        height, width, channels = images.shape[1:]
        border = [self.padding, self.padding]
        padded = keras.ops.pad(images, [[0, 0], border, border, [0, 0]])
        padded_height, padded_width = padded.shape[1:3]
        top, left = choices[:, :1], choices[:, 1:]
        rows = top + keras.ops.arange(height, dtype="int32")
        columns = left + keras.ops.arange(width, dtype="int32")
        count = keras.ops.shape(images)[0]
        first = keras.ops.arange(count, dtype="int32") * (padded_height * padded_width)
        pixels = (
            first[:, None, None] + rows[:, :, None] * padded_width + columns[:, None]
        )
        return keras.ops.take(keras.ops.reshape(padded, (-1, channels)), pixels, axis=0)


class Flip:
    """Mirrors half of the images."""

    choices = 1

    def draw(self, random, count, size):
        """Draws, for `count` images, 1 where one is mirrored and 0 where not.

        Returns:
            `(count, 1)` integers.
        """
        return random.integers(0, 2, (count, 1))

    def __call__(self, images, choices):
        """Returns images of which some are mirrored.

        Args:
            images: `(B, height, width, channels)`.
            choices: `(B, 1)` int32, what `draw` gave.
        """
        is_mirrored = choices[:, :, None, None] == 1
        return keras.ops.where(is_mirrored, keras.ops.flip(images, axis=2), images)


class Cutout:
    """Blackens a square around a random pixel, as much of it as lies in the image.

    DeVries and Taylor 2017 (arXiv 1708.04552).

    Args:
        size: side of the square in pixels.
    """

    choices = 2

    def __init__(self, size):
        self.size = size

    def draw(self, random, count, size):
        """Draws row and column of the centres.

        Args:
            random: a `numpy.random.Generator`.
            count: number of images.
            size: `(height, width)`.

        Returns:
            `(count, 2)` integers.
        """
        return random.integers(0, size, (count, 2))

    def __call__(self, images, choices):
        """Returns images of which a square is 0.

        Args:
            images: `(B, height, width, channels)`.
            choices: `(B, 2)` int32, what `draw` gave.
        """
        height, width = images.shape[1:3]
        rows, columns = (
            self._is_inside(length, choices[:, axis, None])
            for axis, length in enumerate((height, width))
        )
        is_cut = keras.ops.logical_and(rows[:, :, None], columns[:, None])[..., None]
        return keras.ops.where(is_cut, keras.ops.zeros_like(images), images)

    def _is_inside(self, length, centre):
        positions = keras.ops.arange(length, dtype="int32")
        begin = centre - self.size // 2
        return keras.ops.logical_and(positions >= begin, positions < begin + self.size)
