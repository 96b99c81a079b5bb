import numpy as np
import pytest

import keras_ccar
from keras_ccar.inputs.checks import integer_labels


@pytest.mark.parametrize(
    ("labels", "expected", "message"),
    [
        ([0, -1], 2, r"`labels` must be whole .*\[-1\]"),
        ([0, 1], 3, r"`labels` must have shape \(3,\).*\(2,\)"),
    ],
)
def test_wrong_labels_are_named(labels, expected, message):
    with pytest.raises(ValueError, match=message):
        integer_labels(labels, expected)


def test_labels_may_be_a_column_of_floats():
    assert integer_labels(np.array([[0.0], [2.0]]), 2).tolist() == [0, 2]


@pytest.mark.parametrize(
    ("labels", "is_told"),
    [
        ([1, 2, 3], True),
        ([3], True),
        ([0, 1, 3], False),  # they are numbered from 0
        ([1, 2, 4], False),
        ([-1, 1, 3], False),
        ([1, 2.5, 3], False),
    ],
)
def test_classes_that_are_numbered_from_1(labels, is_told):
    labels = np.array(labels)
    logits = np.full((len(labels), 3), -1.0)
    loss = keras_ccar.BalancedSoftmaxLoss([5, 3, 2], from_logits=True)
    calls = [
        lambda y: loss(y, logits),
        lambda y: keras_ccar.posthoc.evaluate_classes(logits, y, [5, 3, 2]),
    ]
    if labels.min() >= 0 and (labels == np.rint(labels)).all():
        calls.append(lambda y: keras_ccar.datasets.count_classes(y, num_classes=3))
    for call in calls:
        with pytest.raises(ValueError, match="Received") as raised:
            call(labels)
        told = "numbered from 1 to 3, number them from 0" in str(raised.value)
        assert told == is_told
        if is_told:
            call(labels - 1)


def test_batches_that_are_numbered_from_1():
    batches = [np.array([1, 2]), np.array([2, 3])]
    with pytest.raises(ValueError, match="number them from 0"):
        keras_ccar.datasets.count_classes(batches, num_classes=3)
    with pytest.raises(ValueError, match="num_classes=3") as raised:
        keras_ccar.datasets.count_classes([np.array([0, 2]), *batches], num_classes=3)
    assert "number them" not in str(raised.value)
