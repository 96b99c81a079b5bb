import numpy as np
import pytest

from keras_ccar.inputs.arguments import (
    check_boolean,
    check_choice,
    check_number,
    check_whole_number,
)
from keras_ccar.inputs.checks import integer_labels


def test_valid_arguments_come_back_in_one_type():
    assert type(check_number("x", np.float32(1), 0, 1)) is float
    assert type(check_whole_number("x", np.int64(3), low=1)) is int
    assert type(check_boolean("x", np.bool_(True))) is bool
    assert check_choice("x", None, ("sum", None)) is None


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda: check_number("x", 2, 0, 1), r"`x` must be .*\[0, 1\].* x=2"),
        (lambda: check_number("x", True), "`x` must be a finite number.* x=True"),
        (lambda: check_whole_number("x", 1.0), "`x` must be a whole number.* x=1.0"),
        (lambda: check_boolean("x", 1), "`x` must be True or False.* x=1"),
        (lambda: check_choice("x", "b", ("a",)), "`x` must be one of 'a'.* x='b'"),
        (lambda: integer_labels([0, -1], 2), r"`labels` must be whole .*\[-1\]"),
        (lambda: integer_labels([0, 1], 3), r"`labels` must have shape \(3,\).*\(2,\)"),
    ],
)
def test_invalid_arguments_are_named(check, message):
    with pytest.raises(ValueError, match=message):
        check()


def test_labels_may_be_a_column_of_floats():
    assert integer_labels(np.array([[0.0], [2.0]]), 2).tolist() == [0, 2]
