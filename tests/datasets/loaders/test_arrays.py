import itertools
import re

import numpy as np
import pytest

from keras_ccar.datasets import from_arrays, long_tailed_indices
from keras_ccar.inputs import class_names


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
    test = 255 - images[:7], labels[:7]
    data = from_arrays((images, labels), test, imbalance_factor=10)
    np.testing.assert_array_equal(data.test_arrays[0], test[0])
    assert data.class_counts.tolist() == [30, 9, 3]


def test_classes_without_examples_keep_their_names():
    data = from_arrays(balanced(), class_names=["a", "b", "c", "d"])
    assert data.class_counts.tolist() == [30, 30, 30, 0]
    assert data.class_names == ("a", "b", "c", "d")


def test_a_test_class_without_training_examples_needs_a_name():
    images, labels = balanced()
    test = 255 - images, labels + 1
    with pytest.raises(ValueError, match="name every class in `class_names`"):
        from_arrays((images, labels), test)
    data = from_arrays((images, labels), test, class_names=list("abcd"))
    assert data.class_counts.tolist() == [30, 30, 30, 0]


def test_names_without_an_end_are_refused(monkeypatch):
    monkeypatch.setattr(class_names, "MOST_CLASSES", 50)
    with pytest.raises(ValueError, match="at most 50 names"):
        from_arrays(balanced(), class_names=itertools.count())
    data = from_arrays(balanced(), class_names=itertools.islice(itertools.count(), 3))
    assert data.class_names == ("0", "1", "2")


def test_test_images_that_are_training_images_are_reported():
    images, labels = balanced()
    test = np.concatenate([255 - images[:4], images[[7, 80]]]), labels[:6]
    message = (
        "2 of 6 test images are in the training set too: "
        "image 4 of `test` is image 7 of `train`, image 5 of `test` is image 80 of"
    )
    with pytest.warns(UserWarning, match=message):
        from_arrays((images, labels), test)
    # What is not drawn is no training image.
    chosen = long_tailed_indices(images, labels, 10)
    left_out = np.setdiff1d(np.arange(90), chosen)[:1]
    from_arrays((images, labels), (images[left_out], labels[left_out]), 10)


def test_copies_that_fall_apart_are_reported():
    images, labels = balanced()
    images[45:] = images[:45]
    with pytest.warns(UserWarning, match="of 9 test images are in") as caught:
        data = from_arrays((images, labels), test_per_class=3)
    (warning,) = caught
    train = {image.tobytes() for image in data.train_arrays[0]}
    copies = [i for i, x in enumerate(data.test_arrays[0]) if x.tobytes() in train]
    assert str(warning.message).startswith(f"{len(copies)} of 9 test images")
    pairs = re.findall(r"image (\d+) of `train`", str(warning.message))
    assert len(pairs) == 2 * min(len(copies), 3)
    for one, other in zip(pairs[::2], pairs[1::2], strict=True):
        np.testing.assert_array_equal(images[int(one)], images[int(other)])


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
        ({"test": (np.zeros((3, 2, 3, 1)), [0, 1, 2])}, r"\(2, 2, 1\)\. .*\(2, 3, 1\)"),
        ({"test": (np.zeros((3, 2, 2, 1)), [0, 1, 2])}, "uint8.*float64: convert"),
        ({"test": (balanced()[0], np.full(90, 3))}, "0 to 2. Received 3: leave"),
        ({"test": (balanced()[0], np.full(90, -1))}, "whole numbers >= 0"),
        ({"class_names": ["a", "b", "c\n"]}, r"plain text.*Received: 'c\\n'\. Replace"),
        ({"class_names": ["a", "b", "\udc80"]}, r"plain text.*'\\udc80'"),
        ({"class_names": ["é", "e\u0301", "c"]}, "more than once: 'é'"),
    ],
)
def test_invalid_data(arguments, message):
    with pytest.raises(ValueError, match=message):
        from_arrays(**{"train": balanced(), **arguments})
