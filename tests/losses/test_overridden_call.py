"""A subclass that overrides `call` gets what Keras documents, and nothing is lost."""

import keras
import numpy as np
import pytest
from compiled import MODES, value_and_gradient
from keras import ops

import keras_ccar
from keras_ccar.keras_internals import set_keras_mask

BACKEND = keras.backend.backend()
COUNTS = [30, 8, 2]
RNG = np.random.default_rng(0)
LABELS = np.repeat([0, 1, 2], COUNTS)
LOGITS = RNG.normal(size=(40, 3)).astype("float32")
WEIGHTS = RNG.choice([0.0, 0.5, 2.0], 40).astype("float32")
SEEN = []


def dice(y_true, y_pred):
    """As for any Keras loss: `y_true` has the dtype of the loss."""
    y = ops.one_hot(ops.cast(ops.where(y_true == 255, 0.0, y_true), "int32"), 3)
    p = ops.softmax(y_pred)
    return 1 - 2 * ops.sum(p * y) / ops.sum(p + y)


@keras.saving.register_keras_serializable("tests_overridden_call")
class PlusDice(keras_ccar.CCARLoss):
    def call(self, y_true, y_pred):
        SEEN.append(y_true)
        return super().call(y_true, y_pred) + dice(y_true, y_pred)


class Watching(keras_ccar.CCARLoss):
    def call(self, y_true, y_pred):
        SEEN.append(y_true)
        return super().call(y_true, y_pred)


@keras.saving.register_keras_serializable("tests_overridden_call")
class Nested(keras_ccar.CCARLoss):
    """Calls others, by their `__call__` and by their `call`, before its own."""

    def call(self, y_true, y_pred):
        others = keras_ccar.FocalLoss(from_logits=True, reduction=None)
        first = 0 * others(y_true, y_pred) + 0 * others.call(y_true, y_pred)
        return first + super().call(y_true, y_pred)


def loss(kind=keras_ccar.CCARLoss, **arguments):
    return kind(COUNTS, from_logits=True, **arguments)


def numpy(x):
    return ops.convert_to_numpy(x)


def masked(is_unmasked):
    tensor = ops.convert_to_tensor(LOGITS)
    set_keras_mask(tensor, ops.convert_to_tensor(is_unmasked))
    return tensor


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("weight", [None, WEIGHTS])
def test_adds_to_the_loss(mode, weight):
    def value_of(kind):
        return value_and_gradient(lambda x: loss(kind)(LABELS, x, weight), LOGITS, mode)

    SEEN.clear()
    value, _ = value_of(PlusDice)
    plain, gradient = value_of(keras_ccar.CCARLoss)
    added = float(dice(ops.convert_to_tensor(LABELS, "float32"), LOGITS))
    factor = 1.0 if weight is None else weight.mean()
    np.testing.assert_allclose(value, plain + added * factor, rtol=1e-5)
    assert all(ops.is_tensor(y) and tuple(y.shape) == (40,) for y in SEEN)
    assert {keras.backend.standardize_dtype(y.dtype) for y in SEEN} == {"float32"}
    nested, nested_gradient = value_of(Nested)
    np.testing.assert_allclose(nested, plain, rtol=1e-6)
    np.testing.assert_allclose(nested_gradient, gradient, rtol=1e-5, atol=1e-8)


def test_gets_distributions_and_columns_as_they_are():
    for y in (np.eye(3)[LABELS], LABELS[:, None]):
        SEEN.clear()
        plain = loss()(y, LOGITS)
        np.testing.assert_array_equal(numpy(loss(Watching)(y, LOGITS)), numpy(plain))
        np.testing.assert_array_equal(numpy(SEEN[0]), y)


def test_ignored_and_masked_samples_stay_left_out():
    labels = np.where(np.arange(40) % 3 == 0, 255, LABELS)
    is_unmasked = RNG.uniform(size=40) < 0.7
    plain = loss(ignore_class=255)(labels, masked(is_unmasked))
    value = loss(PlusDice, ignore_class=255)(labels, masked(is_unmasked))
    added = float(dice(ops.convert_to_tensor(labels, "float32"), LOGITS))
    np.testing.assert_allclose(numpy(value), numpy(plain) + added, rtol=1e-5)


def test_labels_of_many_digits_are_not_rounded():
    ignored = 2**24 + 1  # as float32 it is 2**24
    own = loss(ignore_class=ignored)
    labels = np.where(np.arange(40) < 3, ignored, LABELS)
    assert np.isfinite(numpy(own(labels, LOGITS)))
    with pytest.raises(ValueError, match=r"`y_true`.*16777216"):
        own(np.where(np.arange(40) < 3, ignored - 1, LABELS), LOGITS)


def test_called_directly_all_samples_count():
    values = numpy(loss().call(LABELS, ops.convert_to_tensor(LOGITS)))
    alone = numpy(loss(reduction=None)(LABELS, LOGITS))
    np.testing.assert_allclose(values, alone, rtol=1e-6)


@pytest.mark.parametrize("run_eagerly", [False, True])
def test_trains_with_statistics(run_eagerly):
    inputs = keras.Input((3,))
    outputs = {name: keras.layers.Dense(3, name=name)(inputs) for name in ("a", "b")}
    model = keras.Model(inputs, outputs)
    model.compile(
        "sgd",
        {
            "a": loss(PlusDice),
            "b": keras_ccar.WeightedSum([(1.0, loss(PlusDice)), (1.0, loss(Nested))]),
        },
        run_eagerly=run_eagerly,
    )
    callback = keras_ccar.CCARCallback()
    model.fit(
        LOGITS,
        {"a": LABELS, "b": LABELS},
        sample_weight={"a": np.ones(40), "b": WEIGHTS},
        callbacks=[callback],
        verbose=0,
    )
    statistics = callback.statistics()
    assert statistics.keys() == {"a", "b_ccar", "b_ccar_2"}
    assert statistics["a"]["count"].tolist() == COUNTS
    counted = np.bincount(LABELS[WEIGHTS > 0], minlength=3).tolist()
    assert statistics["b_ccar"]["count"].tolist() == counted
    assert statistics["b_ccar_2"]["count"].tolist() == counted


@pytest.mark.tensorflow_only
def test_autograph_of_a_user():
    import tensorflow as tf

    own = loss(PlusDice)

    @tf.function
    def step(x):
        if tf.reduce_sum(x) > 1e9:
            return 0.0
        return own(LABELS, x, WEIGHTS)

    np.testing.assert_allclose(
        numpy(step(LOGITS)), numpy(own(LABELS, LOGITS, WEIGHTS)), rtol=1e-6
    )


@pytest.mark.skipif(BACKEND != "torch", reason="torch.compile is of torch")
@pytest.mark.slow
def test_torch_compile():
    import torch

    own = loss(PlusDice)
    x = torch.as_tensor(LOGITS)
    labels, weights = torch.as_tensor(LABELS), torch.as_tensor(WEIGHTS)
    compiled = torch.compile(lambda x: own(labels, x, weights), backend="eager")
    np.testing.assert_allclose(
        numpy(compiled(x)), numpy(own(labels, x, weights)), rtol=1e-5
    )
