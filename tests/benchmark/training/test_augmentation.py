"""Augmentations against naive numpy, one image at a time."""

import keras
import numpy as np
import pytest

from keras_ccar.benchmark.spec.recipe_book import RECIPES
from keras_ccar.benchmark.training.augmentation import Crop, Cutout, Flip, augmentations
from keras_ccar.benchmark.training.auto_augment import AutoAugment


@pytest.fixture
def images():
    # Rectangular, and no two pixels alike, so that each tells where it came from.
    return np.random.default_rng(0).permutation(64 * 5 * 6 * 2).reshape(64, 5, 6, 2)


def draw_and_apply(augmentation, images):
    random = np.random.default_rng(1)
    draws = augmentation.draw(random, len(images), images.shape[1:3])
    assert draws.shape == (len(images), augmentation.num_draws)
    changed = augmentation(
        keras.ops.convert_to_tensor(images, "int32"),
        keras.ops.convert_to_tensor(draws, "int32"),
    )
    return draws, keras.ops.convert_to_numpy(changed)


def test_crop_cuts_from_the_padded_image(images):
    draws, cut = draw_and_apply(Crop(2), images)
    for image, (top, left), result in zip(images, draws, cut, strict=True):
        padded = np.pad(image, ((2, 2), (2, 2), (0, 0)))
        np.testing.assert_array_equal(result, padded[top : top + 5, left : left + 6])
    assert set(draws.ravel()) == {0, 1, 2, 3, 4}


def test_flip_mirrors_half_of_the_images(images):
    draws, flipped = draw_and_apply(Flip(), images)
    for image, (mirrored,), result in zip(images, draws, flipped, strict=True):
        np.testing.assert_array_equal(result, image[:, ::-1] if mirrored else image)
    assert 16 < draws.sum() < 48


@pytest.mark.parametrize("size", [2, 3, 4])
def test_cutout_blackens_what_lies_in_the_image(images, size):
    draws, cut = draw_and_apply(Cutout(size), images + 1)
    for image, (row, column), result in zip(images + 1, draws, cut, strict=True):
        expected = image.copy()
        top, left = row - size // 2, column - size // 2
        expected[max(top, 0) : top + size, max(left, 0) : left + size] = 0
        np.testing.assert_array_equal(result, expected)
    assert set(draws[:, 0]) == set(range(5))
    assert set(draws[:, 1]) == set(range(6))


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="torch's device")
@pytest.mark.parametrize("augmentation", [Crop(2), Flip(), AutoAugment(), Cutout(3)])
def test_nothing_leaves_the_device(augmentation, monkeypatch):
    # As for a GPU, what is on this device mixes neither with NumPy nor with the
    # processor's tensors. It holds no values, which this operation alone would need.
    monkeypatch.setattr(
        keras.ops,
        "segment_sum",
        lambda data, segment_ids, num_segments: keras.ops.zeros(num_segments, "int32"),
    )
    with keras.device("meta"):
        images = keras.ops.ones((4, 5, 6, 3), "uint8")
        draws = keras.ops.zeros((4, augmentation.num_draws), "int32")
        changed = augmentation(images, draws)
    assert changed.device.type == "meta"
    assert changed.shape == images.shape


def test_a_recipe_names_its_augmentations():
    assert (
        augmentations(RECIPES["plain"].with_settings(crop_padding=0, flip=False)) == []
    )
    parts = augmentations(RECIPES["plain"].with_settings(auto_augment=True, cutout=16))
    assert [type(part) for part in parts] == [Crop, Flip, AutoAugment, Cutout]
    assert (parts[0].padding, parts[3].size) == (4, 16)
