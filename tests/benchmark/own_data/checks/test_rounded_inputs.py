"""Inputs that Keras rounds until they fall together are warned of before training."""

import warnings

import keras
import numpy as np
import pytest
from own_data import LOSSES, classes, compare, network

from keras_ccar.benchmark.own_data.checks.rounded_inputs import warn_of_rounding
from keras_ccar.benchmark.own_data.data import OwnData

X, Y = classes()
TIMES = X.astype("float64")
TIMES[:, 2] += 1.7e9
TIMES[:, 4] -= 1.7e12


def said(x, build=None):
    """The warnings on training data."""
    train = OwnData("train", (x, Y), 8)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_of_rounding(train, (build or network())(), 1)
    return [str(one.message) for one in caught]


@pytest.mark.parametrize(
    ("x", "name"),
    [
        (TIMES, "`x` (place 2, 4 of the last axis)"),
        ({"a": X, "b": TIMES[:, 2:3]}, "`x['b']`"),
        ((X, TIMES[:, 2]), "`x[1]`"),
        (np.round(TIMES).astype("int64"), "`x` (place 2, 4 of the last axis)"),
    ],
)
def test_numbers_that_fall_together(x, name):
    (message,) = said(x)
    assert message.startswith(f"`train` has numbers in {name} whose differences float")
    assert "they are near 1.7e+09, as" in message


def test_what_the_warning_advises():
    assert not said((TIMES - TIMES.mean(axis=0)).astype("float32"))


@pytest.mark.parametrize(
    "x", [X, X.astype("float64"), TIMES.astype("float32"), np.abs(X).astype("uint8")]
)
def test_numbers_that_float32_holds_are_not_warned_of(x):
    assert not said(x)


def test_whole_numbers_of_a_model_that_takes_them_are_not_warned_of():
    def build():
        ids = keras.Input((6,), dtype="int64")
        hidden = keras.layers.Embedding(9, 2)(ids % 9)
        return keras.Model(ids, keras.layers.Dense(3)(keras.layers.Flatten()(hidden)))

    assert not said(np.abs(np.round(TIMES)).astype("int64"), build)


def test_a_comparison_warns(tmp_path):
    x, labels = classes(1)
    x = x + TIMES.mean(axis=0)
    with pytest.warns(UserWarning, match=r"`train` has numbers in `x` \(place 2, 4"):
        compare(
            tmp_path,
            train=(TIMES, Y),
            validation=(x, labels),
            losses={"ce": LOSSES["ce"]},
            seeds=1,
            epochs=1,
        )
