import decimal
import pathlib

import keras
import numpy as np
import pytest
from keras import ops

from keras_ccar.arguments import (
    check_boolean,
    check_choice,
    check_float_policy,
    check_function,
    check_number,
    check_numbers,
    check_path,
    check_positive,
    check_share,
    check_text,
    check_whole_number,
    check_with_keras,
    optional,
    show,
)


def test_valid_arguments_come_back_in_one_type():
    assert type(check_number("x", np.float32(1), 0, 1)) is float
    assert type(check_whole_number("x", np.int64(3), low=1)) is int
    assert type(check_boolean("x", np.bool_(True))) is bool
    assert check_choice("x", None, ("sum", None)) is None
    assert check_path("x", pathlib.Path("y")) == pathlib.Path("y")
    assert check_float_policy("x", None).name == "float32"
    assert check_with_keras("x", "l2", keras.regularizers.get, "y") is not None
    assert optional(check_whole_number, "x", None, 1) is None
    assert optional(check_whole_number, "x", 2, 1) == 2


def test_bounds():
    for number in (0, 1):
        assert check_number("x", number, 0, 1) == number
        with pytest.raises(ValueError, match=r"in \(0, 1\)\. Received: x="):
            check_number("x", number, above=0, below=1)
    assert check_whole_number("x", 2**63 - 1) == 2**63 - 1
    assert check_whole_number("x", -(2**63)) == -(2**63)


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda: check_number("x", 2, 0, 1), r"`x` must be .*\[0, 1\].* x=2"),
        (lambda: check_number("x", 1, 0, below=1), r"number in \[0, 1\)\. Rec.* x=1"),
        (lambda: check_number("x", 0, above=0), "a finite number > 0. Received: x=0"),
        (lambda: check_number("x", -1, 0), "a finite number >= 0. Received: x=-1"),
        (lambda: check_number("x", True), "`x` must be a finite number. .* x=True"),
        (lambda: check_number("x", 10**400), r"`x` must be .* x=10{199}\.\.\.$"),
        (lambda: check_number("x", 10**5000), "x=a value of type int"),
        (lambda: check_number("x", 2, 0, 1, "why"), r"in \[0, 1\] \(why\)\. Rec"),
        (lambda: check_whole_number("x", 1.0), "`x` must be a whole number.* x=1.0"),
        (lambda: check_whole_number("x", 0, 1), "number >= 1. Received: x=0"),
        (lambda: check_whole_number("x", 3, 1, 2), r"number in \[1, 2\]\. .* x=3"),
        (lambda: check_whole_number("x", 2**63), r"number in \[-9\d+, 9\d+\]\. "),
        (lambda: check_boolean("x", 1), "`x` must be True or False.* x=1"),
        (lambda: check_choice("x", "b", ("a",)), "`x` must be one of 'a'.* x='b'"),
        (lambda: check_choice("x", [1], ("a",)), r"`x` must be one of 'a'.* x=\[1\]"),
        (lambda: check_text("x", ""), "`x` must be a text that is not empty.* x=''"),
        (lambda: check_path("x", b"y"), "`x` must be a path.* x=b'y'"),
        (lambda: check_path("x", "a\0b"), r"`x` must be a path.* x='a\\x00b'"),
        (lambda: check_path("x", "\ud800"), r"`x` must be a path.* x='\\ud800'"),
        (
            lambda: check_function("x", int, "a function `(y)`"),
            r"a function `\(y\)`.* x=<class",
        ),
        (lambda: check_float_policy("x", "int8"), "`x` must be .* x='int8'"),
        (
            lambda: check_with_keras("x", "l3", keras.regularizers.get, "a thing"),
            "`x` must be a thing, or what Keras takes as one. Received: x='l3'",
        ),
    ],
)
def test_invalid_arguments_are_named(check, message):
    with pytest.raises(ValueError, match=message):
        check()


def test_what_cannot_be_shown_is_described():
    class Silent:
        def __repr__(self):
            raise RuntimeError

    assert show(Silent()) == "a value of type Silent"
    assert show([1, "a"]) == "[1, 'a']"
    assert show("a" * 300) == "'" + "a" * 199 + "..."
    long = np.zeros((3, 100), "float32")
    what = "an array of shape (3, 100) and dtype float32"
    assert show(long) == what
    tensor = show(keras.ops.convert_to_tensor(long))
    assert tensor.replace("torch.", "") == what
    assert show((long, [1])) == f"({what}, [1])"
    assert show(np.array([1, 2])) == "array([1, 2])"
    assert show(np.ones(3000)) == "an array of shape (3000,) and dtype float64"
    series = pytest.importorskip("pandas").Series(["ok", "fraud"] * 50)
    assert show(series).startswith("an array of shape (100,) and dtype ")


def test_numbers_become_float64():
    for values in (
        [1, 2],
        range(1, 3),
        np.array([1, 2], "uint8"),
        [decimal.Decimal(2)],
    ):
        found = check_numbers("x", values, "numbers")
        assert (found.dtype, found[-1]) == ("float64", 2)


@pytest.mark.parametrize("value", ["1", ["1"], [True], ["1", None], 10**400, 1j, {1}])
def test_what_numpy_would_convert_is_no_number(value):
    with pytest.raises(ValueError, match=r"`x` must be numbers\. Received: x="):
        check_numbers("x", np.array(value, object), "numbers")


def test_shares_and_positive_numbers():
    check_share("x", [0.0, 0.5, 1.0005])
    for wrong in (-0.1, [1.5], float("nan")):
        with pytest.raises(ValueError, match=r"`x` must be .* in \[0, 1\]"):
            check_share("x", wrong)
    assert check_positive("x", 2) == 2
    for wrong in (0, [], [1, float("inf")]):
        with pytest.raises(ValueError, match=r"`x` must be .* above 0"):
            check_positive("x", wrong)


def test_tensors_pass():
    tensor = ops.convert_to_tensor([-1.0])
    assert check_positive("x", tensor) is tensor
    check_share("x", tensor)
