import keras
import numpy as np
import pytest

import keras_ccar
from keras_ccar import posthoc
from keras_ccar.layers.classes_last import check_classes_last

K = 3
LOSSES = {
    "CCARLoss": lambda axis: keras_ccar.CCARLoss([5, 3, 2], axis=axis),
    "WeightedSum": lambda axis: keras_ccar.WeightedSum(
        [(1.0, "mse"), (1.0, keras_ccar.CCARLoss([5, 3, 2], axis=axis))]
    ),
    "of Keras": lambda axis: keras.losses.CategoricalCrossentropy(axis=axis),
}


def cube(*layers, loss=None):
    """A model of as many classes as rows and columns: no label tells the axis."""
    model = keras.Sequential([keras.Input((K, K, K)), *layers])
    if loss is not None:
        model.compile("sgd", loss)
    return model


def assert_first(model, said):
    with pytest.raises(ValueError, match=rf"{said} with axis=(1|-3)\. .*\(2, 3, 1\)"):
        check_classes_last(model, model.output_shape)
    moved = posthoc.chain(model, keras.layers.Permute((2, 3, 1)))
    check_classes_last(moved, moved.output_shape)


@pytest.mark.parametrize("kind", LOSSES)
def test_a_loss_tells(kind):
    for axis in (1, -3):
        assert_first(
            cube(keras.layers.Dense(K), loss=LOSSES[kind](axis)), "the loss .*"
        )
    for axis in (3, -1):
        model = cube(keras.layers.Dense(K), loss=LOSSES[kind](axis))
        check_classes_last(model, model.output_shape)


def test_a_softmax_tells():
    assert_first(cube(keras.layers.Softmax(axis=1)), "a softmax at the end")
    for layers in (
        [keras.layers.Softmax()],
        [keras.layers.Softmax(axis=1), keras.layers.Permute((2, 3, 1))],
        [keras.layers.Dense(K)],
    ):
        check_classes_last(cube(*layers), (None, K, K, K))


def test_a_model_without_symbolic_outputs():
    class Own(keras.Model):
        def call(self, x):
            return x

    check_classes_last(Own(), (None, K, K, K))


def test_what_is_done_after_training_refuses_it():
    x, labels = np.ones((4, K, K, K), "float32"), np.zeros((4, K, K), int)
    model = cube(keras.layers.Softmax(axis=1))
    with pytest.raises(ValueError, match="on the last axis"):
        posthoc.evaluate_classes(model, (x, labels), resamples=2)
