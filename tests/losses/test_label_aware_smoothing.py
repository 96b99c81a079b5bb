"""Label-aware smoothing against MiSLAS, Eq. 5 and 6, in float64 numpy."""

import json

import keras
import numpy as np
import pytest
from compiled import MODES, value_and_gradient
from keras import ops

import keras_ccar
from keras_ccar.adjustments import LabelAwareSmoothing

COUNTS = [500, 130, 20, 60]
FORMS = ["concave", "linear", "convex"]
RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(6, 4)).astype("float32")
LABELS = np.array([0, 1, 2, 3, 2, 0])
ONE_HOT = np.eye(4)[LABELS]
MIXED = RNG.dirichlet(np.ones(4), 6)


def amounts(counts, head, tail, form):
    counts = np.asarray(counts, "float64")
    least, most = counts.min(), counts.max()
    x = (counts - least) / (most - least)
    if form == "concave":
        return tail + (head - tail) * np.sin(np.pi * x / 2)
    if form == "linear":
        return tail + (head - tail) * x
    return head + (head - tail) * np.sin(3 * np.pi / 2 + np.pi * x / 2)


def targets(distributions, epsilon):
    """Each class of a distribution smoothed by itself."""
    rows = np.zeros_like(distributions)
    num_classes = len(epsilon)
    for row, y in zip(rows, distributions, strict=True):
        for c, share in enumerate(y):
            for k in range(num_classes):
                own = 1 - epsilon[c] if k == c else epsilon[c] / (num_classes - 1)
                row[k] += share * own
    return rows


def crossentropy(q, logits):
    logits = logits.astype("float64")
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    return -(q * log_p).sum(-1), log_p


def loss_of(counts=COUNTS, **arguments):
    return keras_ccar.LongTailedCrossentropy(
        counts, from_logits=True, reduction=None, **arguments
    )


@pytest.mark.parametrize("form", FORMS)
def test_amounts(form):
    smoothing = LabelAwareSmoothing(0.3, 0.05, form)
    found = smoothing.amounts(loss_of(label_smoothing=smoothing).current_prior())
    np.testing.assert_allclose(
        ops.convert_to_numpy(found), amounts(COUNTS, 0.3, 0.05, form), atol=1e-6
    )


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("form", FORMS)
def test_loss_and_gradient(mode, form):
    loss = loss_of(label_smoothing=LabelAwareSmoothing(form=form))
    q = targets(ONE_HOT, amounts(COUNTS, 0.4, 0.1, form))
    expected, log_p = crossentropy(q, LOGITS)
    value, gradient = value_and_gradient(lambda z: loss(LABELS, z), LOGITS, mode)
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    np.testing.assert_allclose(gradient, np.exp(log_p) - q, atol=1e-6)


@pytest.mark.parametrize("labels", [ONE_HOT, MIXED], ids=["one-hot", "mixed"])
def test_distributions(labels):
    loss = loss_of(label_smoothing=LabelAwareSmoothing())
    q = targets(labels, amounts(COUNTS, 0.4, 0.1, "concave"))
    np.testing.assert_allclose(q.sum(-1), 1)
    expected, _ = crossentropy(q, LOGITS)
    np.testing.assert_allclose(
        ops.convert_to_numpy(loss(labels, LOGITS)), expected, rtol=1e-5
    )


def test_head_and_tail_alike_is_smoothing_without_the_class_itself():
    # (1 - a) y + a / K with a = ε K / (K - 1).
    plain = loss_of(label_smoothing=0.3 * 4 / 3)(LABELS, LOGITS)
    aware = loss_of(label_smoothing=LabelAwareSmoothing(0.3, 0.3))(LABELS, LOGITS)
    np.testing.assert_allclose(
        ops.convert_to_numpy(aware), ops.convert_to_numpy(plain), rtol=1e-5
    )


def test_equal_counts_are_smoothed_as_the_tail():
    loss = loss_of([5, 5, 5, 5], label_smoothing=LabelAwareSmoothing())
    expected, _ = crossentropy(targets(ONE_HOT, [0.1] * 4), LOGITS)
    np.testing.assert_allclose(
        ops.convert_to_numpy(loss(LABELS, LOGITS)), expected, rtol=1e-5
    )


def test_ignored_samples():
    loss = loss_of(label_smoothing=LabelAwareSmoothing(), ignore_class=255)
    values = ops.convert_to_numpy(loss([0, 255], LOGITS[:2]))
    assert values[0] > 0
    assert values[1] == 0


def test_follows_updated_frequencies():
    loss = loss_of(label_smoothing=LabelAwareSmoothing())
    counts = [10, 20, 30, 40]
    loss.set_class_frequency(np.array(counts) / 100)
    q = targets(ONE_HOT, amounts(counts, 0.4, 0.1, "concave"))
    expected, _ = crossentropy(q, LOGITS)
    np.testing.assert_allclose(
        ops.convert_to_numpy(loss(LABELS, LOGITS)), expected, rtol=1e-5
    )


@pytest.mark.parametrize(
    "kind",
    [
        keras_ccar.BalancedSoftmaxLoss,
        keras_ccar.CCARLoss,
        keras_ccar.ClassBalancedLoss,
        keras_ccar.FocalLoss,
        keras_ccar.InverseFrequencyLoss,
        keras_ccar.LDAMLoss,
        keras_ccar.LogitAdjustedLoss,
        keras_ccar.LongTailedCrossentropy,
    ],
)
def test_every_softmax_loss_takes_it_and_saves_it(kind):
    smoothing = LabelAwareSmoothing(0.5, 0.2, "convex")
    loss = kind(class_counts=COUNTS, label_smoothing=smoothing, from_logits=True)
    config = json.loads(json.dumps(loss.get_config()))
    loaded = kind.from_config(config)
    assert loaded.get_config() == config
    assert loaded.label_smoothing.get_config() == smoothing.get_config()
    value = ops.convert_to_numpy(loss(LABELS, LOGITS))
    assert value == ops.convert_to_numpy(loaded(LABELS, LOGITS))
    plain = kind(class_counts=COUNTS, from_logits=True)
    assert value != ops.convert_to_numpy(plain(LABELS, LOGITS))


def test_trains_and_saves_with_a_model(tmp_path):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)])
    loss = keras_ccar.LongTailedCrossentropy(
        COUNTS, from_logits=True, label_smoothing=LabelAwareSmoothing()
    )
    model.compile("sgd", loss)
    model.fit(LOGITS, LABELS, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.loss.label_smoothing, LabelAwareSmoothing)
    assert loaded.evaluate(LOGITS, LABELS, verbose=0) == pytest.approx(
        model.evaluate(LOGITS, LABELS, verbose=0)
    )


def test_errors():
    with pytest.raises(ValueError, match="`tail` must be at most `head`"):
        LabelAwareSmoothing(0.1, 0.2)
    with pytest.raises(ValueError, match="`head` must be a finite number"):
        LabelAwareSmoothing(1.5)
    with pytest.raises(ValueError, match="`form` must be one of 'concave'"):
        LabelAwareSmoothing(form="cubic")
    with pytest.raises(ValueError, match="LabelAwareSmoothing needs the number"):
        loss_of(None, label_smoothing=LabelAwareSmoothing())
    with pytest.raises(ValueError, match="`label_smoothing` must be a finite number"):
        loss_of(label_smoothing="much")
    with pytest.raises(ValueError, match="`label_smoothing` must be a finite number"):
        keras_ccar.BinaryCCARLoss([[9, 1]], label_smoothing=LabelAwareSmoothing())
