"""AutoAugment: pairs of operations on images, found by search."""

from typing import Any

import keras
import numpy as np

from keras_ccar.benchmark.training.augmentation_base import Augmentation, Size
from keras_ccar.benchmark.training.auto_augment_policy import (
    CIFAR_POLICY,
    CODES,
    IS_SIGNED,
    MAGNITUDES,
    POLICY_CHANCES,
    POLICY_CODES,
    POLICY_LEVELS,
)

# Fills the pixels that come from outside the image, as in the published recipes.
_GRAY = 128.0


class AutoAugment(Augmentation):
    """The policy found for CIFAR-10: one of 25 pairs of operations for each image.

    Cubuk et al. 2019 (arXiv 1805.09501), table 7, as the code of Balanced Meta-Softmax
    applies it: images are rotated to the left only, where the paper draws the side. The
    operations equal those of Pillow to one level of brightness. Shear interpolates
    between four pixels, translation and rotation take the nearest, and what is outside
    of the image is gray. Images have three channels of values from 0 to 255.
    """

    num_draws = 6

    def draw(self, random: np.random.Generator, count: int, size: Size) -> np.ndarray:
        """Draws code, level and sign of two operations for each image."""
        row = random.integers(0, len(CIFAR_POLICY), count)
        is_done = random.random((count, 2)) < POLICY_CHANCES[row]
        codes = np.where(is_done, POLICY_CODES[row], CODES["identity"])
        signs = random.integers(0, 2, (count, 2)) * IS_SIGNED[codes]
        return np.stack([codes, POLICY_LEVELS[row], signs], axis=2).reshape(count, 6)

    def __call__(self, images: Any, draws: Any) -> Any:
        """See `Augmentation`."""
        if images.shape[-1] != 3:
            raise ValueError(
                "`auto_augment` of a recipe needs images of 3 channels. Received: "
                f"images of {images.shape[-1]}. Turn it off in the recipe."
            )
        images = keras.ops.cast(images, "float32")
        draws = draws[:, :, None, None, None]  # to broadcast over an image
        for begin in (0, 3):
            code, level, sign = (draws[:, begin + part] for part in range(3))
            magnitude = keras.ops.take(MAGNITUDES.ravel(), code * 10 + level, axis=0)
            magnitude = magnitude * keras.ops.cast(1 - 2 * sign, "float32")
            # At most one of these changes an image.
            images = _move(images, code, magnitude)
            images = _enhance(images, code, magnitude)
            images = _map_levels(images, code, magnitude)
        return images


def _choose(code: Any, otherwise: Any, **values: Any) -> Any:
    """Returns for each image the value of its operation, or `otherwise`."""
    chosen = otherwise
    for name, value in values.items():
        chosen = keras.ops.where(code == CODES[name], value, chosen)
    return chosen


def _round(values: Any) -> Any:
    return keras.ops.floor(values + 0.5)


def _move(images: Any, code: Any, magnitude: Any) -> Any:
    """Shears, translates and rotates images by lookups of pixels."""
    height, width, channels = images.shape[1:]
    code, magnitude = code[..., 0], magnitude[..., 0]
    cosine, sine = keras.ops.cos(magnitude), keras.ops.sin(magnitude)
    # A pixel (x, y) of the result is taken from x' = a x + b y + c, y' = d x + a y + f,
    # counted from the upper left corner. Images are rotated around their centre.
    middle_x, middle_y = width / 2, height / 2
    shift_x = middle_x - cosine * middle_x - sine * middle_y
    shift_y = middle_y + sine * middle_x - cosine * middle_y
    a = _choose(code, 1.0, rotate=cosine)
    b = _choose(code, 0.0, shear_x=magnitude, rotate=sine)
    c = _choose(code, 0.0, translate_x=magnitude * width, rotate=shift_x)
    d = _choose(code, 0.0, shear_y=magnitude, rotate=-sine)
    f = _choose(code, 0.0, translate_y=magnitude * height, rotate=shift_y)
    x = keras.ops.arange(width, dtype="float32") + 0.5
    y = (keras.ops.arange(height, dtype="float32") + 0.5)[:, None]
    x, y = a * x + b * y + c, d * x + a * y + f
    is_inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    count = keras.ops.shape(images)[0]
    first = keras.ops.arange(count, dtype="int32")[:, None, None] * (height * width)
    flat = keras.ops.reshape(images, (-1, channels))
    # Shear moves pixels along one axis. There, the four pixels around a position are
    # looked up; along the other axis, and for other operations, it is the nearest.
    along_x, along_y = code == CODES["shear_x"], code == CODES["shear_y"]
    left, right_share = _four_pixels(x, along_x)
    top, bottom_share = _four_pixels(y, along_y)

    def lookup(step: int) -> Any:
        columns = keras.ops.clip(left + step * _whole(along_x), 0, width - 1)
        rows = keras.ops.clip(top + step * _whole(along_y), 0, height - 1)
        return keras.ops.take(flat, first + rows * width + columns, axis=0)

    share = (right_share + bottom_share)[..., None]
    moved = _cubic(lookup(-1), lookup(0), lookup(1), lookup(2), share)
    moved = keras.ops.floor(keras.ops.clip(moved, 0, 255))
    return keras.ops.where(is_inside[..., None], moved, _GRAY)


def _four_pixels(position: Any, is_between: Any) -> tuple[Any, Any]:
    """Returns the second of the four pixels around positions, and the way beyond it.

    Where not `is_between`, it returns the nearest pixel, and 0.
    """
    position = keras.ops.where(is_between, position - 0.5, position)
    pixel = keras.ops.floor(position)
    beyond = keras.ops.where(is_between, position - pixel, 0.0)
    return _whole(pixel), beyond


def _cubic(one: Any, two: Any, three: Any, four: Any, share: Any) -> Any:
    """Returns Pillow's cubic between `two` and `three`; four equal numbers are kept."""
    slope = three - one
    bend = 2 * (one - two) + three - four
    twist = two - one + four - three
    return two + share * (slope + share * (bend + share * twist))


def _whole(values: Any) -> Any:
    return keras.ops.cast(values, "int32")


def _enhance(images: Any, code: Any, magnitude: Any) -> Any:
    """Moves images away from, or towards, images without the quality in question."""
    shares = keras.ops.convert_to_tensor([19595, 38470, 7471], "float32")
    luminance = _round(keras.ops.sum(images * shares / 65536, axis=-1, keepdims=True))
    mean = _round(keras.ops.mean(luminance, axis=(1, 2, 3), keepdims=True))
    without = {
        "brightness": 0.0,
        "color": luminance,
        "contrast": mean,
        "sharpness": _smooth(images),
    }
    origin = _choose(code, 0.0, **without)
    enhanced = origin + (1 + magnitude) * (images - origin)
    enhanced = keras.ops.floor(keras.ops.clip(enhanced, 0, 255))
    return _choose(code, images, **dict.fromkeys(without, enhanced))


def _smooth(images: Any) -> Any:
    """Averages each inner pixel, with weight 5, and its eight neighbours."""
    height, width = images.shape[1:3]
    total = 4 * images[:, 1:-1, 1:-1]
    for top in range(3):
        for left in range(3):
            total = total + images[:, top : top + height - 2, left : left + width - 2]
    inner = _round(total / 13)
    border = [[0, 0], [1, 1], [1, 1], [0, 0]]
    is_inner = np.pad(np.ones((height - 2, width - 2, 1), bool), border[1:])
    return keras.ops.where(is_inner, keras.ops.pad(inner, border), images)


def _map_levels(images: Any, code: Any, magnitude: Any) -> Any:
    """Applies the operations that map each level of brightness to another."""
    step = 2.0 ** (8 - magnitude)
    inverted = 255 - images
    lowest = keras.ops.min(images, axis=(1, 2), keepdims=True)
    spread = keras.ops.max(images, axis=(1, 2), keepdims=True) - lowest
    stretched = keras.ops.where(
        spread > 0,
        # Multiplies before it divides, so that whole results are exact.
        keras.ops.floor((images - lowest) * 255 / keras.ops.maximum(spread, 1)),
        images,
    )
    return _choose(
        code,
        images,
        posterize=keras.ops.floor(images / step) * step,
        solarize=keras.ops.where(images < magnitude, images, inverted),
        auto_contrast=stretched,
        equalize=_equalize(images),
        invert=inverted,
    )


def _equalize(images: Any) -> Any:
    """Flattens the histogram of each channel."""
    height, width, channels = images.shape[1:]
    count = keras.ops.shape(images)[0]
    levels = keras.ops.cast(images, "int32")
    # Each channel of each image has 256 bins of its own.
    first_bin = keras.ops.arange(count * channels, dtype="int32") * 256
    bins = keras.ops.reshape(first_bin, (-1, 1, 1, channels)) + levels
    flat = keras.ops.reshape(bins, (-1,))
    histogram = keras.ops.segment_sum(
        keras.ops.ones_like(flat), flat, num_segments=count * channels * 256
    )
    histogram = keras.ops.reshape(histogram, (-1, 256))
    brightest = keras.ops.max(levels, axis=(1, 2))  # (B, channels)
    brightest_count = keras.ops.take_along_axis(
        histogram, keras.ops.reshape(brightest, (-1, 1)), axis=1
    )
    step = (height * width - brightest_count) // 255
    below = keras.ops.cumsum(histogram, axis=1) - histogram
    table = (step // 2 + below) // keras.ops.maximum(step, 1)
    table = keras.ops.minimum(table, 255)
    table = keras.ops.where(step > 0, table, keras.ops.arange(256, dtype="int32"))
    equalized = keras.ops.take(keras.ops.reshape(table, (-1,)), bins, axis=0)
    return keras.ops.cast(equalized, "float32")
