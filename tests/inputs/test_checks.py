import numpy as np
import pytest

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
