import numpy as np
import pytest

from keras_ccar.datasets import from_arrays


def balanced(per_class=30, num_classes=3):
    rng = np.random.default_rng(0)
    labels = np.arange(per_class * num_classes) % num_classes
    return rng.integers(0, 256, (len(labels), 2, 2, 1), dtype="uint8"), labels


def test_all_data_is_used_without_a_factor():
    images, labels = balanced()
    keep = (labels > 0) | (np.arange(90) < 15)
    data = from_arrays((images[keep], labels[keep][:, None]))
    np.testing.assert_array_equal(data.train_arrays[0], images[keep])
    assert data.class_counts.tolist() == [5, 30, 30]
    assert data.imbalance_factor == 6
    assert data.class_names == ("0", "1", "2")
    assert data.test is None


def test_test_set_is_used_unchanged():
    images, labels = balanced()
    data = from_arrays((images, labels), (images[:7], labels[:7]), imbalance_factor=10)
    np.testing.assert_array_equal(data.test_arrays[0], images[:7])
    assert data.class_counts.tolist() == [30, 9, 3]


def test_classes_without_examples_keep_their_names():
    data = from_arrays(balanced(), class_names=["a", "b", "c", "d"])
    assert data.class_counts.tolist() == [30, 30, 30, 0]
    assert data.class_names == ("a", "b", "c", "d")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"train": np.zeros(5)}, "`train` must be a pair"),
        ({"train": (np.zeros((0, 2)), [])}, "`train` must hold at least one"),
        ({"test": balanced(), "test_per_class": 3}, "either `test` or"),
        ({"test_per_class": 30}, "Class 0 has 30 examples but 31"),
        ({"test_per_class": 0}, "`test_per_class`"),
        ({"class_names": ["a", "b"]}, "`class_names` .* 2 names"),
        ({"imbalance_factor": 0}, "`imbalance_factor`"),
        ({"imbalance_factor": 2, "head_count": 31}, "lower `head_count`"),
    ],
)
def test_invalid_data(arguments, message):
    with pytest.raises(ValueError, match=message):
        from_arrays(**{"train": balanced(), **arguments})
