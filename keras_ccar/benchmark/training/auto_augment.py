"""AutoAugment: pairs of operations on images, found by search."""

import keras
import numpy as np

# Each takes a level from 0 to 9, which stands for these magnitudes; those of shear and
# rotation in fractions and radians, of translation in shares of the side, and of
# enhancements what is added to the factor 1. The sign of some is drawn.
_LEVELS = np.linspace(0, 1, 10)
_OPERATIONS = {
    "identity": (0 * _LEVELS, False),
    "shear_x": (0.3 * _LEVELS, True),
    "shear_y": (0.3 * _LEVELS, True),
    "translate_x": (150 / 331 * _LEVELS, True),
    "translate_y": (150 / 331 * _LEVELS, True),
    "rotate": (np.pi / 6 * _LEVELS, True),
    "brightness": (0.9 * _LEVELS, True),
    "color": (0.9 * _LEVELS, True),
    "contrast": (0.9 * _LEVELS, True),
    "sharpness": (0.9 * _LEVELS, True),
    "posterize": (8 - np.round(4 * _LEVELS), False),
    "solarize": (256 * (1 - _LEVELS), False),
    "auto_contrast": (0 * _LEVELS, False),
    "equalize": (0 * _LEVELS, False),
    "invert": (0 * _LEVELS, False),
}
_CODES = {name: code for code, name in enumerate(_OPERATIONS)}
_MAGNITUDES = np.array([levels for levels, _ in _OPERATIONS.values()], "float32")
_IS_SIGNED = np.array([is_signed for _, is_signed in _OPERATIONS.values()])

# Table 7 of the paper: two operations, each with its probability and level.
_CIFAR_POLICY = (
    (("invert", 0.1, 7), ("contrast", 0.2, 6)),
    (("rotate", 0.7, 2), ("translate_x", 0.3, 9)),
    (("sharpness", 0.8, 1), ("sharpness", 0.9, 3)),
    (("shear_y", 0.5, 8), ("translate_y", 0.7, 9)),
    (("auto_contrast", 0.5, 8), ("equalize", 0.9, 2)),
    (("shear_y", 0.2, 7), ("posterize", 0.3, 7)),
    (("color", 0.4, 3), ("brightness", 0.6, 7)),
    (("sharpness", 0.3, 9), ("brightness", 0.7, 9)),
    (("equalize", 0.6, 5), ("equalize", 0.5, 1)),
    (("contrast", 0.6, 7), ("sharpness", 0.6, 5)),
    (("color", 0.7, 7), ("translate_x", 0.5, 8)),
    (("equalize", 0.3, 7), ("auto_contrast", 0.4, 8)),
    (("translate_y", 0.4, 3), ("sharpness", 0.2, 6)),
    (("brightness", 0.9, 6), ("color", 0.2, 8)),
    (("solarize", 0.5, 2), ("invert", 0.0, 3)),
    (("equalize", 0.2, 0), ("auto_contrast", 0.6, 0)),
    (("equalize", 0.2, 8), ("equalize", 0.6, 4)),
    (("color", 0.9, 9), ("equalize", 0.6, 6)),
    (("auto_contrast", 0.8, 4), ("solarize", 0.2, 8)),
    (("brightness", 0.1, 3), ("color", 0.7, 0)),
    (("solarize", 0.4, 5), ("auto_contrast", 0.9, 3)),
    (("translate_y", 0.9, 9), ("translate_y", 0.7, 9)),
    (("auto_contrast", 0.9, 2), ("solarize", 0.8, 3)),
    (("equalize", 0.8, 8), ("invert", 0.1, 3)),
    (("translate_y", 0.7, 9), ("auto_contrast", 0.9, 1)),
)
_POLICY_CODES = np.array([[_CODES[o] for o, _, _ in row] for row in _CIFAR_POLICY])
_POLICY_CHANCES = np.array([[chance for _, chance, _ in row] for row in _CIFAR_POLICY])
_POLICY_LEVELS = np.array([[level for _, _, level in row] for row in _CIFAR_POLICY])

# Shows where an operation took nothing from the image, as in the published recipes.
_GRAY = 128.0


class AutoAugment:
    """The policy found for CIFAR-10: on each image one of 25 pairs of operations.

    Cubuk et al. 2019 (arXiv 1805.09501), table 7. The operations are those of
    Pillow, to one level of brightness, with the nearest pixel and gray outside where
    an image is sheared, moved or turned.
    """

    choices = 6

    def draw(self, random, count, size):
        """Draws code, level and sign of two operations for `count` images.

        Args:
            random: a `numpy.random.Generator`.
            count: number of images.
            size: `(height, width)`.

        Returns:
            `(count, 6)` integers.
        """
        row = random.integers(0, len(_CIFAR_POLICY), count)
        is_done = random.random((count, 2)) < _POLICY_CHANCES[row]
        codes = np.where(is_done, _POLICY_CODES[row], _CODES["identity"])
        signs = random.integers(0, 2, (count, 2)) * _IS_SIGNED[codes]
        return np.stack([codes, _POLICY_LEVELS[row], signs], axis=2).reshape(count, 6)

    def __call__(self, images, choices):
        """Returns the changed images.

        Args:
            images: `(B, height, width, 3)` of values from 0 to 255.
            choices: `(B, 6)` int32, what `draw` gave.

        Raises:
            ValueError: if the images do not have three channels.
        """
        if images.shape[-1] != 3:
            raise ValueError(
                "auto_augment works on images of 3 channels; received images of "
                f"{images.shape[-1]}. Turn it off in the recipe."
            )
        images = keras.ops.cast(images, "float32")
        for begin in (0, 3):
            code, level, sign = (choices[:, begin + part] for part in range(3))
            magnitude = keras.ops.take(_MAGNITUDES.ravel(), code * 10 + level, axis=0)
            magnitude = magnitude * keras.ops.cast(1 - 2 * sign, "float32")
            # No image is changed by more than one of these.
            images = _move(images, code, magnitude)
            images = _enhance(images, code, magnitude)
            images = _map_levels(images, code, magnitude)
        return images


def _is(code, name):
    return (code == _CODES[name])[:, None, None, None]


def _choose(code, magnitude, **values):
    """Returns, an image, the value of its operation, or `otherwise`."""
    chosen = values.pop("otherwise") * keras.ops.ones_like(magnitude)
    for name, value in values.items():
        chosen = keras.ops.where(code == _CODES[name], value, chosen)
    return chosen


def _move(images, code, magnitude):
    """Shears, translates and rotates by one lookup of pixels."""
    height, width, channels = images.shape[1:]
    cosine, sine = keras.ops.cos(magnitude), keras.ops.sin(magnitude)
    # From where a pixel of the result is taken: x' = a x + b y + c, y' = d x + e y + f,
    # counted from the upper left corner, and turned around the centre.
    middle_x, middle_y = width / 2, height / 2
    a = _choose(code, magnitude, rotate=cosine, otherwise=1.0)
    b = _choose(code, magnitude, shear_x=magnitude, rotate=sine, otherwise=0.0)
    c = _choose(
        code,
        magnitude,
        translate_x=magnitude * width,
        rotate=middle_x - cosine * middle_x - sine * middle_y,
        otherwise=0.0,
    )
    d = _choose(code, magnitude, shear_y=magnitude, rotate=-sine, otherwise=0.0)
    f = _choose(
        code,
        magnitude,
        translate_y=magnitude * height,
        rotate=middle_y + sine * middle_x - cosine * middle_y,
        otherwise=0.0,
    )
    a, b, c, d, f = (term[:, None, None] for term in (a, b, c, d, f))
    x = keras.ops.arange(width, dtype="float32") + 0.5
    y = (keras.ops.arange(height, dtype="float32") + 0.5)[:, None]
    columns = keras.ops.cast(keras.ops.floor(a * x + b * y + c), "int32")
    rows = keras.ops.cast(keras.ops.floor(d * x + a * y + f), "int32")
    is_inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    count = keras.ops.shape(images)[0]
    first = keras.ops.arange(count, dtype="int32")[:, None, None] * (height * width)
    pixels = keras.ops.where(is_inside, first + rows * width + columns, 0)
    flat = keras.ops.reshape(images, (-1, channels))
    return keras.ops.where(
        is_inside[..., None], keras.ops.take(flat, pixels, axis=0), _GRAY
    )


def _enhance(images, code, magnitude):
    """Moves away from, or towards, an image without the quality in question."""
    shares = keras.ops.convert_to_tensor([19595, 38470, 7471], "float32")
    luminance = keras.ops.floor(
        keras.ops.sum(images * shares / 65536, axis=-1, keepdims=True) + 0.5
    )
    mean = keras.ops.floor(
        keras.ops.mean(luminance, axis=(1, 2, 3), keepdims=True) + 0.5
    )
    without = keras.ops.zeros_like(images)  # brightness
    without = keras.ops.where(_is(code, "color"), luminance, without)
    without = keras.ops.where(_is(code, "contrast"), mean, without)
    without = keras.ops.where(_is(code, "sharpness"), _smooth(images), without)
    factor = 1 + magnitude[:, None, None, None]
    enhanced = keras.ops.floor(
        keras.ops.clip(without + factor * (images - without), 0, 255)
    )
    is_enhanced = (
        _is(code, "brightness")
        | _is(code, "color")
        | _is(code, "contrast")
        | _is(code, "sharpness")
    )
    return keras.ops.where(is_enhanced, enhanced, images)


def _smooth(images):
    """Averages a pixel, five times, with its eight neighbours; leaves the border."""
    height, width = images.shape[1:3]
    total = 4 * images[:, 1:-1, 1:-1]
    for top in range(3):
        for left in range(3):
            total = total + images[:, top : top + height - 2, left : left + width - 2]
    inner = keras.ops.floor(total / 13 + 0.5)
    border = [[0, 0], [1, 1], [1, 1], [0, 0]]
    is_inner = np.pad(np.ones((height - 2, width - 2, 1), bool), border[1:])
    return keras.ops.where(is_inner, keras.ops.pad(inner, border), images)


def _map_levels(images, code, magnitude):
    """Maps each level of brightness of a channel to another."""
    magnitude = magnitude[:, None, None, None]
    step = 2.0 ** (8 - magnitude)
    posterized = keras.ops.floor(images / step) * step
    inverted = 255 - images
    solarized = keras.ops.where(images < magnitude, images, inverted)
    lowest = keras.ops.min(images, axis=(1, 2), keepdims=True)
    spread = keras.ops.max(images, axis=(1, 2), keepdims=True) - lowest
    stretched = keras.ops.where(
        spread > 0,
        # Of a whole number, not to fall below it.
        keras.ops.floor((images - lowest) * 255 / keras.ops.maximum(spread, 1)),
        images,
    )
    for name, mapped in (
        ("posterize", posterized),
        ("solarize", solarized),
        ("auto_contrast", stretched),
        ("equalize", _equalize(images)),
        ("invert", inverted),
    ):
        images = keras.ops.where(_is(code, name), mapped, images)
    return images


def _equalize(images):
    """Spreads the levels of each channel evenly, by its histogram."""
    height, width, channels = images.shape[1:]
    count = keras.ops.shape(images)[0]
    levels = keras.ops.cast(images, "int32")
    histogram_of = keras.ops.reshape(
        keras.ops.arange(count * channels, dtype="int32") * 256,
        (-1, 1, 1, channels),
    )
    bins = histogram_of + levels
    flat = keras.ops.reshape(bins, (-1,))
    number = count * channels * 256
    histogram = keras.ops.segment_sum(
        keras.ops.ones_like(flat), flat, num_segments=number
    )
    histogram = keras.ops.reshape(histogram, (-1, 256))
    brightest = keras.ops.max(levels, axis=(1, 2))  # (B, channels)
    of_brightest = keras.ops.take_along_axis(
        histogram, keras.ops.reshape(brightest, (-1, 1)), axis=1
    )
    step = (height * width - of_brightest) // 255
    below = keras.ops.cumsum(histogram, axis=1) - histogram
    table = (step // 2 + below) // keras.ops.maximum(step, 1)
    table = keras.ops.minimum(table, 255)
    table = keras.ops.where(step > 0, table, keras.ops.arange(256, dtype="int32"))
    equalized = keras.ops.take(keras.ops.reshape(table, (-1,)), bins, axis=0)
    return keras.ops.cast(equalized, "float32")
