import numpy as np
import pytest

from keras_ccar import datasets
from keras_ccar.frequencies import shot_groups


def test_digits_have_three_groups_and_a_balanced_test():
    data = datasets.load("digits-lt")
    (images, labels), (test_images, test_labels) = data.train_arrays, data.test_arrays
    assert (images.dtype, images.shape[1:]) == ("uint8", (8, 8, 1))
    assert images.max() == 255
    np.testing.assert_array_equal(np.bincount(labels), data.class_counts)
    assert np.bincount(test_labels).tolist() == [50] * 10
    assert all(group.any() for group in shot_groups(data.class_counts).values())
    assert data.class_counts.min() >= 2
    # No test image is in the training set.
    train = {image.tobytes() for image in images}
    assert not train & {image.tobytes() for image in test_images}


def test_digits_test_set_is_the_same_for_every_seed():
    one, other = datasets.load("digits-lt"), datasets.load("digits-lt", seed=1)
    np.testing.assert_array_equal(one.test_arrays[0], other.test_arrays[0])
    assert one.digest != other.digest
    assert one.digest == datasets.load("digits-lt").digest


@pytest.mark.parametrize("imbalance_factor", [1, 10.0, 124])
def test_digits_at_other_imbalance_factors(imbalance_factor):
    data = datasets.load("digits-lt", imbalance_factor)
    assert data.imbalance_factor == imbalance_factor
    assert data.class_counts[0] == 124
    assert data.class_counts[-1] == int(124 / imbalance_factor)
