"""Heads on features, against a loop written out in float64."""

import numpy as np
import pytest

import keras_ccar
from keras_ccar.benchmark.training.head_loop import (
    Head,
    shuffled_order,
    train_heads,
    unit_rows,
)

COUNTS = [30, 12, 6]
RNG = np.random.default_rng(0)
LABELS = np.repeat(np.arange(3), COUNTS)
X = (RNG.normal(size=(48, 5)) + np.eye(3, 5)[LABELS]).astype("float32")
CROSSENTROPY = keras_ccar.LongTailedCrossentropy(COUNTS, from_logits=True)
BALANCED = keras_ccar.BalancedSoftmaxLoss(COUNTS, from_logits=True)
CCAR = keras_ccar.CCARLoss(COUNTS, normalize=True, from_logits=True)


def softmax(logits):
    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    return exponentials / exponentials.sum(1, keepdims=True)


def naive(order, rate, decay, kind, shift_after=None, bias=None, momentum=0.9):
    """SGD of PyTorch's form, of cross-entropy on logits + log prior from a step on."""
    generator = np.random.default_rng(0)
    w = generator.uniform(-(5**-0.5), 5**-0.5, (5, 3))
    b = generator.uniform(-(5**-0.5), 5**-0.5, 3)
    x = X.astype("float64")
    if kind == "cosine":
        w /= np.linalg.norm(w, axis=0)
        x, b = x / np.linalg.norm(x, axis=1, keepdims=True), np.zeros(3)
    if bias is not None:
        b = np.array(bias, "float64")
    velocities = [np.zeros_like(w), np.zeros_like(b)]
    prior = np.log(np.array(COUNTS) / 48)
    for step, drawn in enumerate(order):
        lengths = np.linalg.norm(w, axis=0)
        unit = w / lengths
        z = 30 * x[drawn] @ unit if kind == "cosine" else x[drawn] @ w + b
        if shift_after is not None and step >= shift_after:
            z = z + prior
        by_logits = (softmax(z) - np.eye(3)[LABELS[drawn]]) / len(drawn)
        gw, gb = x[drawn].T @ by_logits, by_logits.sum(0)
        if kind == "cosine":
            gw *= 30
            gw = (gw - unit * (unit * gw).sum(0)) / lengths
        lr = rate * (1 + np.cos(np.pi * step / len(order))) / 2
        velocities[0] = momentum * velocities[0] + gw + decay * w
        w = w - lr * velocities[0]
        if kind == "linear":
            velocities[1] = momentum * velocities[1] + gb + decay * b
            b = b - lr * velocities[1]
    if kind == "cosine":
        return 30 * w / np.linalg.norm(w, axis=0), np.zeros(3)
    return w, b


@pytest.mark.parametrize("kind", ["linear", "cosine"])
def test_heads_side_by_side_equal_the_naive_loop(kind):
    order = shuffled_order(48, 6, 8, seed=3)
    heads = [
        Head(CROSSENTROPY, 0.1, 0.0),
        Head(BALANCED, 0.3, 1e-2),
        Head(CROSSENTROPY, 0.05, 1e-3, deferred_loss=BALANCED, deferred_from=0.5),
    ]
    expected = [
        naive(order, 0.1, 0.0, kind),
        naive(order, 0.3, 1e-2, kind, shift_after=0),
        naive(order, 0.05, 1e-3, kind, shift_after=len(order) / 2),
    ]
    for _ in range(2):  # compiled, and compiled before
        found = train_heads(X, LABELS, 3, heads, order, kind)
        for head, (w, b) in zip(found, expected, strict=True):
            np.testing.assert_allclose(head.kernel, w, rtol=2e-4, atol=2e-5)
            np.testing.assert_allclose(head.bias, b, rtol=2e-4, atol=2e-5)


def test_a_head_can_begin_at_the_prior():
    prior = np.log(np.array(COUNTS) / 48)
    order = shuffled_order(48, 2, 16, seed=0)
    (found,) = train_heads(X, LABELS, 3, [Head(CROSSENTROPY, 0.1, bias=prior)], order)
    w, b = naive(order, 0.1, 5e-4, "linear", bias=prior)
    np.testing.assert_allclose(found.kernel, w, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.logits(X), X @ w + b, rtol=1e-4, atol=1e-4)


def test_a_head_is_the_same_alone_and_beside_others():
    order = shuffled_order(48, 3, 8, seed=1)
    heads = [Head(CCAR, 0.1), Head(BALANCED, 0.2, 0.0)]
    together = train_heads(X, LABELS, 3, heads, order)
    for head, beside in zip(heads, together, strict=True):
        (alone,) = train_heads(X, LABELS, 3, [head], order)
        np.testing.assert_allclose(alone.kernel, beside.kernel, rtol=1e-4, atol=1e-6)


def test_each_epoch_visits_every_example_at_most_once():
    order = shuffled_order(50, 4, 8, seed=5)
    assert order.shape == (24, 8)
    epochs = order.reshape(4, 48)
    assert all(len(set(epoch)) == 48 for epoch in epochs.tolist())
    assert not np.array_equal(epochs[0], epochs[1])
    assert np.array_equal(order, shuffled_order(50, 4, 8, seed=5))
    assert not np.array_equal(order, shuffled_order(50, 4, 8, seed=6))
    assert shuffled_order(3, 2, 8, seed=0).shape == (2, 3)


def test_unit_rows_keep_zero():
    rows = unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]]))
    np.testing.assert_allclose(rows, [[0.6, 0.8], [0, 0]])


@pytest.mark.parametrize(
    ("name", "value"),
    [("learning_rate", 0), ("weight_decay", -1), ("deferred_from", 1.5)],
)
def test_wrong_settings_of_a_head_are_named(name, value):
    with pytest.raises(ValueError, match=f"`{name}` must be"):
        Head(**{"loss": CROSSENTROPY, "learning_rate": 0.1, name: value})


def test_another_kind_of_head_is_refused():
    order = shuffled_order(48, 1, 8, seed=0)
    with pytest.raises(ValueError, match="`kind` must be"):
        train_heads(X, LABELS, 3, [Head(CCAR, 0.1)], order, "quadratic")
