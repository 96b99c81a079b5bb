"""What the user's own code and settings do to the identity of a run."""

import functools

import keras
import numpy as np
import pytest

from keras_ccar.benchmark.own_data.planning.user_code import digest_of_code

RATES = [0.1]


class Counting(keras.callbacks.Callback):
    def __init__(self, every, log_dir="logs"):
        super().__init__()
        self.every, self.log_dir = every, log_dir
        self.kept = np.zeros(3)


class Doubled(keras.layers.Layer):
    def call(self, x):
        return 2 * x


def function(text, **names):
    """Returns the function that the text of a lambda makes, with global names."""
    return eval(text, {"np": np, "keras": keras, **names})


def class_of(body):
    """Returns a class of the name `Own` with such a method `call`."""
    names = {"keras": keras, "__name__": "__main__"}
    exec(f"class Own(keras.layers.Layer):\n def call(self, x): {body}", names)
    return names["Own"]


def same(one, other, **options):
    return digest_of_code(one, **options) == digest_of_code(other, **options)


def test_a_function_is_what_it_computes():
    assert same(function("lambda x: x + 1"), function("lambda x:  x + 1  # more"))
    assert not same(function("lambda x: x + 1"), function("lambda x: x + 2"))
    assert not same(function("lambda x: x + 1"), function("lambda x: x * 1"))
    assert not same(function("lambda x, a=1: x"), function("lambda x, a=2: x"))
    assert not same(
        function("lambda x: (lambda: x + 1)()"), function("lambda x: (lambda: x + 2)()")
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, 2), ([1.0], [2.0]), ({"a": 1}, {"a": 2}), (np.arange(3), np.arange(3)[::-1])],
)
def test_a_function_is_what_it_reads(one, other):
    def closing(value):
        return lambda x: x * value

    text = "lambda x: x * value"
    for make in (closing, lambda v: function(text, value=v)):
        assert same(make(one), make(one))
        assert not same(make(one), make(other))
    assert not same(functools.partial(max, one), functools.partial(max, other))


def test_a_function_is_what_the_functions_that_it_calls_compute():
    first, second = function("lambda x: x + 1"), function("lambda x: x + 2")
    assert not same(
        function("lambda x: inner(x)", inner=first),
        function("lambda x: inner(x)", inner=second),
    )


def test_attributes_are_no_global_names():
    text = "lambda batch: batch.model"
    assert same(function(text, model=1), function(text, model=2))


def test_a_class_is_what_its_methods_compute():
    one, same_again, other = map(class_of, ("return x", "return  x", "return x + 1"))
    assert same(one(), same_again())
    assert not same(one(), other())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Counting(1), Counting(2)),
        (
            keras.callbacks.EarlyStopping("loss", patience=0),
            keras.callbacks.EarlyStopping("loss", patience=50),
        ),
        (
            keras.callbacks.LearningRateScheduler(lambda epoch: 0.1),
            keras.callbacks.LearningRateScheduler(lambda epoch: 0.2),
        ),
        (
            keras.callbacks.LambdaCallback(on_epoch_end=lambda e, logs: 1),
            keras.callbacks.LambdaCallback(on_epoch_end=lambda e, logs: 2),
        ),
        (
            keras.callbacks.ReduceLROnPlateau("loss", factor=0.1),
            keras.callbacks.ReduceLROnPlateau("loss", factor=0.5),
        ),
    ],
)
def test_settings_of_callbacks(one, other):
    assert not same(one, other, with_settings=True)


def test_what_decides_nothing():
    one, other = Counting(1, "logs/a"), Counting(1, "logs/b")
    other.set_params({"epochs": 3})
    other.set_model(keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)]))
    assert same(one, other, with_settings=True)
    assert same(
        keras.callbacks.EarlyStopping("loss", verbose=0),
        keras.callbacks.EarlyStopping("loss", verbose=1),
        with_settings=True,
    )


def test_arrays_count_as_settings():
    one, other = Counting(1), Counting(1)
    other.kept[1] = 1
    assert not same(one, other, with_settings=True)
    assert same(one, Counting(1), with_settings=True)


@pytest.mark.parametrize(
    "make",
    [
        lambda: keras.layers.Dense(3),
        lambda: Doubled(),
        lambda: keras.losses.CategoricalCrossentropy(),
        lambda: keras.optimizers.Adam(),
        lambda: keras.callbacks.EarlyStopping(),
        lambda: keras.layers.Lambda(lambda x: x * RATES[0]),
    ],
)
def test_made_twice_it_is_the_same(make):
    assert same(make(), make())
    assert same(make(), make(), with_settings=not isinstance(make(), keras.Layer))


def test_the_function_of_a_lambda_layer():
    def layer(factor):
        return keras.layers.Lambda(lambda x: x * factor)

    assert same(layer(1.0), layer(1.0))
    assert not same(layer(1.0), layer(30.0))
