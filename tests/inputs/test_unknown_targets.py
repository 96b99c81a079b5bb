"""Messages about unknown targets of two values, and labels that come first."""

import re

import keras
import numpy as np
import pytest

import keras_ccar
from keras_ccar import posthoc

NAN = float("nan")
P = np.random.default_rng(0).random((6, 2)).astype("float32")
BOTH = np.array([[1, -1], [0, 1], [NAN, 0], [1, 0], [0, 1], [-1, NAN]], "float32")
COUNTS = [[400, 120], [480, 50]]


def loss(y, **options):
    return keras_ccar.BinaryLogitAdjustedLoss(COUNTS, **options)(y, P)


REFUSED = {
    "loss, -1": lambda y: loss(y, ignore_value=-1),
    "loss, NaN": lambda y: loss(y, ignore_value=NAN),
    "loss, both": lambda y: loss(y, ignore_value=[-1, NAN]),
    "count, -1": lambda y: keras_ccar.datasets.count_classes(
        y, multi_label=True, ignore_class=-1
    ),
    "count, NaN": lambda y: keras_ccar.datasets.count_classes(
        y, multi_label=True, ignore_class=NAN
    ),
    "report": lambda y: posthoc.evaluate_classes(
        P, y, from_logits=False, ignore_value=-1, resamples=2
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_two_values_of_unknown_targets_become_one(kind):
    with pytest.raises(ValueError, match="Where both -1 and NaN mark") as raised:
        REFUSED[kind](BOTH)
    code = re.search(r"`y = (np\.where\(.*?\))`", str(raised.value))[1]
    y = eval(code, {"np": np, "y": BOTH})
    assert np.isfinite(float(loss(y, ignore_value=NAN)))
    counts = keras_ccar.datasets.count_classes(y, multi_label=True, ignore_class=NAN)
    np.testing.assert_array_equal(counts, [[2, 2], [2, 2]])


def test_labels_that_come_first_are_moved():
    loss = keras_ccar.BinaryLogitAdjustedLoss([990, 10], from_logits=True)
    y, z = np.zeros((2, 1, 8, 9)), np.ones((2, 1, 8, 9), "float32")
    with pytest.raises(ValueError, match="If the labels are on axis 1") as raised:
        loss(y, z)
    layer = re.search(r"`(keras\.layers\.Permute\(.*?\)\))`", str(raised.value))[1]
    moved = eval(layer, {"keras": keras})(z)
    assert tuple(moved.shape) == (2, 8, 9, 1)
    expected = loss(np.zeros((2, 8, 9, 1)), np.ones((2, 8, 9, 1), "float32"))
    assert float(loss(np.moveaxis(y, 1, -1), moved)) == float(expected)


@pytest.mark.parametrize(
    "make",
    [
        lambda: keras_ccar.BinaryLogitAdjustedLoss([6, 2]),
        lambda: keras_ccar.BalancedAccuracy(2),
    ],
)
def test_no_and_yes_one_hot(make):
    """As wrappers for scikit-learn give one label to a model."""
    p = np.array([[0.2], [0.9], [0.6]], "float32")
    y = np.array([0, 1, 0])
    one_hot = np.eye(2)[y]
    with pytest.raises(ValueError, match=r"one-hot, pass `y_true\[..., 1:\]`.*such as"):
        make()(one_hot, p)
    assert float(make()(one_hot[..., 1:], p)) == float(make()(y, p))
