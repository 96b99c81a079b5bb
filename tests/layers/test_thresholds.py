"""Decisions on yes-or-no labels."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_ccar
from keras_ccar.layers import LogitCorrection, Thresholds

NAN = float("nan")
X = np.random.default_rng(0).normal(size=(20, 8)).astype("float32")
LOGITS = np.random.default_rng(1).normal(size=(4, 5, 3)).astype("float32") * 3


def decided(layer, inputs):
    return ops.convert_to_numpy(layer(inputs))


def sigmoid(logits):
    return 1 / (1 + np.exp(-np.asarray(logits, "float64")))


def labels_model(units=3, activation=None, loss=None):
    model = keras.Sequential(
        [keras.Input((8,)), keras.layers.Dense(units, activation=activation)]
    )
    if loss:
        model.compile("sgd", loss)
    return model


@pytest.mark.parametrize("thresholds", [0.3, [0.1, 0.5, 0.9], np.float32(0.3)])
def test_yes_from_the_threshold_on(thresholds):
    p = sigmoid(LOGITS)
    expected = p >= np.asarray(thresholds)
    of_logits = decided(Thresholds(thresholds), LOGITS)
    np.testing.assert_array_equal(of_logits, expected)
    assert of_logits.dtype == np.float32
    layer = Thresholds(thresholds, from_logits=False)
    np.testing.assert_array_equal(decided(layer, p), expected)
    assert 0 < expected.mean() < 1


def test_the_threshold_itself_is_yes():
    p = np.array([[0.25, 0.5, 0.1]], "float32")
    layer = Thresholds([0.25, 0.75, 0.1], from_logits=False)
    assert decided(layer, p).tolist() == [[1, 0, 1]]
    always = decided(Thresholds(0, from_logits=False), p * 0)
    assert always.tolist() == [[1, 1, 1]]
    assert decided(Thresholds(1.0, from_logits=False), p * 0 + 1).min() == 1


@pytest.mark.parametrize("loss", [None, "binary_crossentropy"])
@pytest.mark.parametrize("activation", [None, "sigmoid"])
def test_reads_what_the_inputs_are(activation, loss):
    model = labels_model(activation=activation, loss=loss)
    layer = Thresholds([0.2, 0.5, 0.7])
    whole = keras.Sequential([model, layer])
    assert layer.from_logits is (activation is None)
    p = model.predict(X, verbose=0)
    p = p if activation else sigmoid(p)
    np.testing.assert_array_equal(
        whole.predict(X, verbose=0), p >= np.array([0.2, 0.5, 0.7])
    )


def test_reads_through_a_correction():
    model = labels_model(loss=keras.losses.BinaryCrossentropy(from_logits=True))
    corrected = keras.Sequential([model, LogitCorrection([[9, 1]] * 3)])
    layer = Thresholds(0.5)
    keras.Sequential([corrected, layer])
    assert layer.from_logits is True


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(2, activation="sigmoid")
        self.limits = Thresholds(0.5, from_logits=False)

    def call(self, inputs):
        return self.limits(self.dense(inputs))


def test_within_a_subclassed_model():
    model = Subclassed()
    answers = model.predict(X, verbose=0)
    expected = ops.convert_to_numpy(model.dense(X)) >= 0.5
    np.testing.assert_array_equal(answers, expected)


def test_saved_and_loaded(tmp_path):
    whole = keras.Sequential([labels_model(), Thresholds([0.2, 0.5, 0.7])])
    whole.save(tmp_path / "model.keras")
    copy = keras.models.load_model(tmp_path / "model.keras")
    layer = copy.layers[-1]
    assert layer.thresholds == [0.2, 0.5, 0.7]
    assert layer.from_logits is True
    np.testing.assert_array_equal(
        copy.predict(X, verbose=0), whole.predict(X, verbose=0)
    )


def test_arguments_of_every_keras_layer():
    layer = Thresholds(
        [0.5],
        name="mine",
        trainable=False,
        dtype="mixed_bfloat16",
        autocast=False,
        activity_regularizer=keras.regularizers.L2(0.5),
    )
    copy = Thresholds.from_config(layer.get_config())
    assert copy.get_config() == layer.get_config()
    answer = layer(np.array([[2.0], [-2.0]], "float32"))
    assert keras.backend.standardize_dtype(answer.dtype) == "bfloat16"


def test_what_is_unknown_stays_unknown():
    layer = Thresholds(0.5, from_logits=True)
    answers = decided(layer, np.array([[NAN, 3.0]], "float32"))
    np.testing.assert_array_equal(answers, [[NAN, 1]])
    inputs = keras.Input((2,))
    layer = Thresholds(0.5, from_logits=False)
    if keras.backend.backend() != "torch":
        model = keras.Model(inputs, layer(inputs))
        answers = model.predict(np.array([[2.0, 0.7]], "float32"), verbose=0)
        np.testing.assert_array_equal(answers, [[NAN, 1]])
    with pytest.raises(ValueError, match=r"`inputs` must hold probabilities"):
        layer(np.array([[2.0, 0.7]], "float32"))


@pytest.mark.parametrize(
    "thresholds", [None, "0.5", True, NAN, -0.1, 1.5, [], [[0.5]], [0.5, 2]]
)
def test_wrong_thresholds(thresholds):
    with pytest.raises(ValueError, match=r"`thresholds` must be a number in"):
        Thresholds(thresholds)


def test_what_does_not_fit():
    with pytest.raises(ValueError, match=r"`thresholds` must have one entry.*2 thr"):
        Thresholds([0.5, 0.5], from_logits=True)(LOGITS)
    with pytest.raises(ValueError, match=r"`inputs` must have the shape \(\.\.\., K"):
        Thresholds(0.5, from_logits=True)(LOGITS[0, 0])
    with pytest.raises(ValueError, match=r"`from_logits` must be given"):
        Thresholds(0.5)(np.full((2, 3), 0.5, "float32"))
    with pytest.raises(ValueError, match=r"`from_logits` must be True or False"):
        Thresholds(0.5, from_logits="no")
    with pytest.raises(ValueError, match=r"`from_logits` must fit `inputs`"):
        keras.Sequential([labels_model(), Thresholds(0.5, from_logits=False)])


@pytest.mark.parametrize(
    "model",
    [
        lambda: labels_model(activation="softmax"),
        lambda: labels_model(loss=keras_ccar.CCARLoss([5, 3, 1], from_logits=True)),
        lambda: keras.Sequential(
            [labels_model(activation="softmax"), LogitCorrection([5, 3, 1])]
        ),
    ],
)
def test_refuses_classes_that_exclude_each_other(model):
    with pytest.raises(ValueError, match=r"yes-or-no labels.*CostSensitiveDecision"):
        keras.Sequential([model(), Thresholds(0.5)])


def test_refuses_logarithms():
    with pytest.raises(ValueError, match=r"after log_sigmoid. Leave it out"):
        keras.Sequential([labels_model(activation="log_sigmoid"), Thresholds(0.5)])
