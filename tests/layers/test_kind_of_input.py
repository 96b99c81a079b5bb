"""`LogitCorrection(from_logits=None)` reads from what its inputs come."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_ccar
from keras_ccar import LogitCorrection

COUNTS = [500, 100, 20]
X = np.random.default_rng(0).normal(size=(4, 8)).astype("float32")
LOGITS = 3 * X[:, :3]
P = np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True)


class Subclassed(keras.Model):
    def __init__(self, *layers):
        super().__init__()
        self.parts = layers

    def call(self, inputs):
        for layer in self.parts:
            inputs = layer(inputs)
        return inputs


def functional(*layers):
    inputs = outputs = keras.Input((8,))
    for layer in layers:
        outputs = layer(outputs)
    return keras.Model(inputs, outputs)


FOUND = {
    "linear": ([keras.layers.Dense(3)], True),
    "log softmax": ([keras.layers.Dense(3, activation="log_softmax")], True),
    "cosines": ([keras_ccar.layers.CosineHead(3)], True),
    "softmax": ([keras.layers.Dense(3, activation="softmax")], False),
    "softmax layer": ([keras.layers.Dense(3), keras.layers.Softmax()], False),
    "softmax operation": ([keras.layers.Dense(3), ops.softmax], False),
    "activation": ([keras.layers.Dense(3), keras.layers.Activation("softmax")], False),
    "dropout": ([keras.layers.Dense(3), keras.layers.Dropout(0.5)], True),
    "nested": (
        [functional(keras.layers.Dense(3, activation="softmax"))],
        False,
    ),
    "nested twice": (
        [keras.Sequential([functional(keras.layers.Dense(3))])],
        True,
    ),
}


@pytest.mark.parametrize("case", FOUND)
def test_the_last_layer_tells(case):
    layers, is_logits = FOUND[case]
    for given in (None, is_logits):
        correction = LogitCorrection(COUNTS, from_logits=given)
        model = functional(*layers, correction)
        assert correction.from_logits is is_logits
        if not is_logits:
            np.testing.assert_allclose(
                model.predict(X, verbose=0).sum(-1), 1, rtol=1e-5
            )
    kind = "logits" if is_logits else "probabilities"
    message = f"`from_logits` must fit `inputs`, which are {kind}.*from_logits="
    with pytest.raises(ValueError, match=message):
        functional(*layers, LogitCorrection(COUNTS, from_logits=not is_logits))


@pytest.mark.parametrize("is_logits", [True, False])
def test_the_loss_tells_where_layers_do_not(is_logits):
    model = Subclassed(keras.layers.Dense(3))
    inputs = keras.Input((8,))
    with pytest.raises(ValueError, match="`from_logits` must be given"):
        LogitCorrection(COUNTS)(model(inputs))
    model.compile("sgd", keras_ccar.CCARLoss(COUNTS, from_logits=is_logits))
    correction = LogitCorrection(COUNTS)
    correction(model(inputs))
    assert correction.from_logits is is_logits


@pytest.mark.parametrize(
    "layers",
    [
        [keras.layers.Dense(3, activation="relu")],
        [keras.layers.Dense(3), keras.layers.BatchNormalization()],
        [Subclassed(keras.layers.Dense(3))],
        [],
    ],
)
def test_where_nothing_tells_it_has_to_be_given(layers):
    inputs = outputs = keras.Input((8 if layers else 3,))
    for layer in layers:
        outputs = layer(outputs)
    with pytest.raises(ValueError, match=r"`from_logits` must be given.*`from_logits="):
        LogitCorrection(COUNTS)(outputs)
    for given in (True, False):
        corrected = LogitCorrection(COUNTS, from_logits=given)(outputs)
        assert corrected.shape == (None, 3)
    assert inputs is not None


def test_in_the_call_of_a_subclassed_model():
    model = Subclassed(keras.layers.Dense(3), LogitCorrection(COUNTS))
    if keras.backend.backend() == "torch":
        assert model.predict(100 * X, verbose=0).shape == (4, 3)
    else:
        with pytest.raises(ValueError, match="`from_logits` must be given"):
            model.predict(X, verbose=0)
    correction = LogitCorrection(COUNTS, from_logits=True)
    model = Subclassed(keras.layers.Dense(3), correction)
    assert model.predict(X, verbose=0).shape == (4, 3)


def test_arrays_are_logits_unless_they_could_be_probabilities():
    layer = LogitCorrection(COUNTS)
    shift = -np.log(np.array(COUNTS) / sum(COUNTS))
    result = ops.convert_to_numpy(layer(LOGITS))
    np.testing.assert_allclose(result, LOGITS + shift, rtol=1e-5)
    for values in (P, P.astype("float16"), P[:1], 0.5 * P):
        with pytest.raises(ValueError, match=r"`from_logits` .*all in \[0, 1\]"):
            layer(values)
    assert layer.from_logits is None
    assert layer(LOGITS[:0]).shape == (0, 3)
    given = LogitCorrection(COUNTS, from_logits=True)(P)
    np.testing.assert_allclose(ops.convert_to_numpy(given), P + shift, rtol=1e-5)
    given = LogitCorrection(COUNTS, from_logits=False)(P)
    np.testing.assert_allclose(ops.convert_to_numpy(given).sum(-1), 1, rtol=1e-5)


@pytest.mark.parametrize("activation", ["sigmoid", "hard_sigmoid"])
def test_labels_that_do_not_exclude_each_other(activation):
    for given in (None, True, False):
        with pytest.raises(ValueError, match=r"`inputs` .*exclude each other.*sigmoid"):
            functional(
                keras.layers.Dense(3, activation=activation),
                LogitCorrection(COUNTS, from_logits=given),
            )


@pytest.mark.parametrize(
    "loss",
    [
        keras_ccar.BinaryCCARLoss(COUNTS, 700, from_logits=True),
        keras.losses.BinaryCrossentropy(from_logits=True),
        keras.losses.BinaryFocalCrossentropy(from_logits=True),
        keras.losses.binary_crossentropy,
        "binary_crossentropy",
    ],
)
def test_model_that_was_trained_on_labels_of_yes_or_no(loss):
    model = functional(keras.layers.Dense(3))
    model.compile("sgd", loss)
    with pytest.raises(ValueError, match=r"`inputs` .*exclude each other.*trained"):
        keras.Sequential([model, LogitCorrection(COUNTS)])


def test_advice_for_labels_of_yes_or_no():
    """The prior that is taken out of every logit makes yes and no equally frequent."""
    p = np.array([[0.2], [0.03]], "float32")
    yes, no = 20.0, 480.0
    z = ops.log(p / (1 - p)) - ops.log(yes / no)
    result = ops.convert_to_numpy(ops.sigmoid(z))
    expected = p / yes / (p / yes + (1 - p) / no)
    np.testing.assert_allclose(result, expected, rtol=1e-4)


@pytest.mark.parametrize("activation", [None, "sigmoid"])
def test_one_column(activation):
    model = functional(keras.layers.Dense(1, activation=activation))
    message = r"`inputs` must have two classes or more.*concatenate\(\[1 - p, p\]"
    with pytest.raises(ValueError, match=message):
        keras.Sequential([model, LogitCorrection([480, 20])])
    with pytest.raises(ValueError, match=message):
        LogitCorrection([480, 20])(model(X))
    # As the message says.
    no, yes = 480, 20
    answer = np.asarray(model.predict(X, verbose=0), "float64")
    p = answer if activation else 1 / (1 + np.exp(-answer))
    expected = p / yes / (p / yes + (1 - p) / no)
    inputs = keras.Input((8,))
    if activation:
        p = model(inputs)
        outputs = LogitCorrection([no, yes], from_logits=False)(
            keras.ops.concatenate([1 - p, p], axis=-1)
        )
    else:
        z = model(inputs)
        outputs = LogitCorrection([no, yes], from_logits=True)(
            keras.ops.concatenate([0 * z, z], axis=-1)
        )
        outputs = keras.layers.Softmax()(outputs)
    result = keras.Model(inputs, outputs).predict(X, verbose=0)
    np.testing.assert_allclose(result[:, 1:], expected, rtol=1e-4)


def test_softmax_over_another_axis():
    inputs = keras.Input((3, 3))
    p = keras.layers.Softmax(axis=1)(inputs)
    message = "`axis` .*axis=-1 .*softmax over axis 1. Pass `axis=1`"
    with pytest.raises(ValueError, match=message):
        LogitCorrection(COUNTS)(p)
    for layer in (keras.layers.Identity(), keras.layers.Dropout(0.5)):
        with pytest.raises(ValueError, match=message):
            LogitCorrection(COUNTS)(layer(p))
    model = keras.Model(inputs, LogitCorrection(COUNTS, axis=1)(p))
    result = model.predict(np.ones((1, 3, 3)), verbose=0)
    np.testing.assert_allclose(result.sum(1), 1, rtol=1e-5)
    # A permutation moves the axis.
    LogitCorrection(COUNTS)(keras.layers.Permute((2, 1))(p))


def test_a_shared_correction_must_fit_everywhere():
    correction = LogitCorrection(COUNTS)
    functional(keras.layers.Dense(3), correction)
    with pytest.raises(ValueError, match="`from_logits` must fit"):
        functional(keras.layers.Dense(3, activation="softmax"), correction)
