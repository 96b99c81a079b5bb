"""AutoAugment against Pillow, whose operations the published recipes use."""

import keras
import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from keras_ccar.benchmark.training.auto_augment import AutoAugment
from keras_ccar.benchmark.training.auto_augment_policy import CODES

GRAY = (128, 128, 128)
SIZE = (20, 24)


def photographs(count):
    """Smooth, dim images, as photographs are, one of them of a single color."""
    random = np.random.default_rng(0)
    coarse = random.integers(20, 200, (count, 5, 6, 3)).astype("uint8")
    images = [Image.fromarray(image).resize(SIZE[::-1]) for image in coarse]
    images[0] = Image.new("RGB", SIZE[::-1], (7, 60, 200))
    return np.stack([np.asarray(image) for image in images])


def affine(image, *terms, resample=Image.Resampling.NEAREST):
    return image.transform(
        image.size, Image.Transform.AFFINE, terms, resample, fillcolor=GRAY
    )


def sheared(image, *terms):
    return affine(image, *terms, resample=Image.Resampling.BICUBIC)


# Magnitudes of the paper's table 6 for a share of the largest, with their sign.
PILLOW = {
    "identity": lambda image, share: image,
    "shear_x": lambda image, share: sheared(image, 1, 0.3 * share, 0, 0, 1, 0),
    "shear_y": lambda image, share: sheared(image, 1, 0, 0, 0.3 * share, 1, 0),
    "translate_x": lambda image, share: affine(
        image, 1, 0, 150 / 331 * share * image.width, 0, 1, 0
    ),
    "translate_y": lambda image, share: affine(
        image, 1, 0, 0, 0, 1, 150 / 331 * share * image.height
    ),
    "rotate": lambda image, share: image.rotate(30 * share, fillcolor=GRAY),
    "brightness": lambda image, share: ImageEnhance.Brightness(image).enhance(
        1 + 0.9 * share
    ),
    "color": lambda image, share: ImageEnhance.Color(image).enhance(1 + 0.9 * share),
    "contrast": lambda image, share: ImageEnhance.Contrast(image).enhance(
        1 + 0.9 * share
    ),
    "sharpness": lambda image, share: ImageEnhance.Sharpness(image).enhance(
        1 + 0.9 * share
    ),
    "posterize": lambda image, share: ImageOps.posterize(image, round(8 - 4 * share)),
    "solarize": lambda image, share: ImageOps.solarize(image, 256 * (1 - share)),
    "auto_contrast": lambda image, share: ImageOps.autocontrast(image),
    "equalize": lambda image, share: ImageOps.equalize(image),
    "invert": lambda image, share: ImageOps.invert(image),
}
UNSIGNED = ("posterize", "solarize", "auto_contrast", "equalize", "invert", "identity")
UNSIGNED += ("rotate",)


def apply(images, draws):
    return keras.ops.convert_to_numpy(
        AutoAugment()(
            keras.ops.convert_to_tensor(images),
            keras.ops.convert_to_tensor(draws, "int32"),
        )
    )


@pytest.mark.parametrize("name", PILLOW)
def test_operations_are_those_of_pillow(name):
    levels = (3, 8)
    signs = (0,) if name in UNSIGNED else (0, 1)
    images = photographs(6)
    cases = [(image, x, sign) for image in images for x in levels for sign in signs]
    draws = [(CODES[name], x, sign, 0, 0, 0) for _, x, sign in cases]
    changed = apply(np.stack([image for image, _, _ in cases]), draws)
    expected = np.stack(
        [
            np.asarray(PILLOW[name](Image.fromarray(image), (1 - 2 * sign) * x / 9))
            for image, x, sign in cases
        ]
    )
    assert name == "identity" or (expected != images.repeat(len(levels), 0)[0]).any()
    difference = np.abs(changed - expected)
    if name in ("translate_x", "translate_y", "rotate"):
        # Where a coordinate is all but whole, rounding decides between two pixels.
        assert (difference > 0).mean() < 0.01
    else:
        assert difference.max() <= 1
        assert difference.mean() < 0.1  # whole numbers that rounding falls short of


def test_the_second_operation_follows_the_first():
    images = photographs(3)
    invert, posterize = CODES["invert"], CODES["posterize"]
    changed = apply(images, [(invert, 0, 0, posterize, 9, 0)] * 3)
    np.testing.assert_array_equal(changed, (255 - images) // 16 * 16)


def test_pairs_come_as_often_as_the_policy_says():
    draws = AutoAugment().draw(np.random.default_rng(0), 50_000, SIZE)
    codes, signs = draws[:, [0, 3]], draws[:, [2, 5]]
    # Of the 25 pairs, solarize is first in two (0.5, 0.4) and second in two (0.2, 0.8).
    share = (codes == CODES["solarize"]).mean(axis=0)
    np.testing.assert_allclose(share, [0.9 / 25, 1.0 / 25], atol=0.004)
    is_signed = ~np.isin(codes, [CODES[name] for name in UNSIGNED])
    assert signs[is_signed].mean() == pytest.approx(0.5, abs=0.02)
    assert not signs[~is_signed].any()


def test_images_without_colors_are_refused():
    with pytest.raises(ValueError, match=r"3 channels\. Received: images of 1"):
        apply(np.zeros((2, 8, 8, 1), "uint8"), np.zeros((2, 6)))
