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


NO_YES = [[480, 20], [250, 250], [490, 10]]
LABEL_SHIFT = -np.log(np.array([20, 250, 10]) / np.array([480, 250, 490]))
# What of a message to follow for labels: counts of no and yes, or of positives.
AS_ADVISED = ({"class_counts": NO_YES}, {"class_counts": [20, 250, 10]})
AS_ADVISED[1]["num_examples"] = 500


def logit(p):
    return np.log(p) - np.log1p(-p)


# Keras has the sparse sigmoid since 3.9.
SIGMOIDS = [
    name
    for name in ("sigmoid", "hard_sigmoid", "sparse_sigmoid")
    if hasattr(keras.activations, name)
]


@pytest.mark.parametrize("activation", SIGMOIDS)
def test_labels_that_do_not_exclude_each_other(activation):
    dense = keras.layers.Dense(3, activation=activation)
    for given in (None, True, False):
        message = r"`class_counts` .*labels .*through .*sigmoid.*\(K, 2\).*num_examples"
        with pytest.raises(ValueError, match=message):
            functional(dense, LogitCorrection(COUNTS, from_logits=given))
    for counts in AS_ADVISED:
        correction = LogitCorrection(**counts)
        model = functional(dense, correction)
        assert correction.from_logits is False
        if activation == "sigmoid":
            p = np.asarray(functional(dense).predict(X, verbose=0), "float64")
            result = np.asarray(model.predict(X, verbose=0), "float64")
            expected = 1 / (1 + np.exp(-logit(p) - LABEL_SHIFT))
            np.testing.assert_allclose(result, expected, rtol=1e-4)
    with pytest.raises(ValueError, match=r"`from_logits` must fit `inputs`.*probab"):
        functional(dense, LogitCorrection(NO_YES, from_logits=True))


BINARY_LOSSES = [
    keras_ccar.BinaryCCARLoss(COUNTS, 700, from_logits=True),
    keras.losses.BinaryCrossentropy(from_logits=True),
    keras.losses.BinaryFocalCrossentropy(from_logits=True),
    keras.losses.binary_crossentropy,
    "binary_crossentropy",
]


@pytest.mark.parametrize("loss", BINARY_LOSSES)
def test_model_that_was_trained_on_labels_of_yes_or_no(loss):
    model = functional(keras.layers.Dense(3))
    model.compile("sgd", loss)
    with pytest.raises(ValueError, match=r"counts of yes-or-no labels .*was trained"):
        keras.Sequential([model, LogitCorrection(COUNTS)])
    for counts in AS_ADVISED:
        corrected = keras.Sequential([model, LogitCorrection(**counts)])
        difference = corrected.predict(X, verbose=0) - model.predict(X, verbose=0)
        np.testing.assert_allclose(difference, [LABEL_SHIFT] * 4, atol=1e-5)


@pytest.mark.parametrize("loss", BINARY_LOSSES[1:])
def test_two_labels_are_not_two_classes(loss):
    """Two counts are of one label, or of two columns that exclude each other."""
    for activation in (None, "sigmoid"):
        model = functional(keras.layers.Dense(2, activation=activation))
        model.compile("sgd", loss)
        with pytest.raises(
            ValueError, match=r"`class_counts` .*labels.*shape \(K, 2\)"
        ):
            keras.Sequential([model, LogitCorrection([480, 20])])
        keras.Sequential([model, LogitCorrection(NO_YES[:2])])


@pytest.mark.parametrize(
    ("activation", "loss"),
    [
        ("softmax", None),
        ("softmax", "binary_crossentropy"),  # over columns that sum to 1
        (None, keras_ccar.CCARLoss(COUNTS, from_logits=True)),
        (None, keras.losses.SparseCategoricalCrossentropy(from_logits=True)),
        (None, keras.losses.CategoricalCrossentropy(from_logits=True)),
        (None, "categorical_crossentropy"),
        (None, keras.losses.sparse_categorical_crossentropy),
    ],
)
def test_counts_of_labels_for_classes(activation, loss):
    model = functional(keras.layers.Dense(3, activation=activation))
    model.compile("sgd", loss)
    for counts in AS_ADVISED:
        message = r"`class_counts` .*exclude each other.*shape \(K,\), without `num_ex"
        with pytest.raises(ValueError, match=message):
            keras.Sequential([model, LogitCorrection(**counts)])
    keras.Sequential([model, LogitCorrection(COUNTS)])


def test_one_column_of_a_softmax():
    model = functional(keras.layers.Dense(1, activation="softmax"))
    with pytest.raises(ValueError, match=r"softmax of one column.*`Dense\(1\)`"):
        keras.Sequential([model, LogitCorrection([480, 20])])
    model = functional(keras.layers.Dense(1, activation="log_sigmoid"))
    with pytest.raises(ValueError, match=r"`inputs` must be .*after log_sigmoid"):
        keras.Sequential([model, LogitCorrection([480, 20])])


@pytest.mark.parametrize("activation", [None, "sigmoid"])
def test_one_column(activation):
    model = functional(keras.layers.Dense(1, activation=activation))
    message = r"`inputs` must have two classes or more.*`class_counts=\[no, yes\]`"
    with pytest.raises(ValueError, match=message):
        keras.Sequential([model, LogitCorrection(COUNTS)])
    with pytest.raises(ValueError, match=message):
        LogitCorrection(COUNTS)(model(X))
    # As the message says.
    correction = LogitCorrection([480, 20])
    result = keras.Sequential([model, correction]).predict(X, verbose=0)
    assert correction.from_logits is (activation is None)
    answer = np.asarray(model.predict(X, verbose=0), "float64")
    z = logit(answer) if activation else answer
    z = z + np.log(480 / 20)
    np.testing.assert_allclose(result, 1 / (1 + np.exp(-z)) if activation else z, 1e-4)


def test_one_correction_of_one_column_and_of_two():
    correction = LogitCorrection([480, 20])
    one = functional(keras.layers.Dense(1), correction)
    two = functional(keras.layers.Dense(2), correction)
    z, both = (m.layers[1](X) for m in (one, two))
    for logits, model in ((z, one), (both, two)):
        logits = np.asarray(ops.convert_to_numpy(logits), "float64")
        shift = np.asarray(model.predict(X, verbose=0), "float64") - logits
        gain = shift if shift.shape[1] == 1 else shift[:, 1:] - shift[:, :1]
        np.testing.assert_allclose(gain, np.full((4, 1), np.log(24)), rtol=1e-4)


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
