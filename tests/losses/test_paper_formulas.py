"""Compares each loss with the formula of its paper, on 1,000 random samples."""

import numpy as np
import oracles
import pytest
from compiled import MODES, value_and_gradient
from keras import ops

import keras_ccar
from keras_ccar.adjustments import LDAMMargin, LogitAdjustment

COUNTS = np.array([500.0, 100, 20, 5])
FREQUENCY = COUNTS / COUNTS.sum()
CASES = 1000


def batch():
    rng = np.random.default_rng(0)
    scale = rng.choice([0.3, 1, 3, 10], size=(CASES, 1))
    logits = (scale * rng.normal(size=(CASES, 4))).astype("float32")
    return rng.integers(0, 4, CASES), logits


def crossentropy(labels, logits, weight=None, adjusted=None):
    """Value and gradient in float64; `weight` is a constant, one a sample."""
    z = logits.astype("float64") if adjusted is None else adjusted
    y = np.eye(4)[labels]
    p = oracles.softmax(z)
    shifted = z - z.max(-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    loss = -(y * log_p).sum(-1)
    weight = np.ones(len(labels)) if weight is None else weight
    return weight * loss, weight[:, None] * (p - y)


def balanced_softmax(labels, logits):
    # Ren et al. 2020, Eq. 4: -log(n_y e^z_y / Σ n_j e^z_j).
    z = logits.astype("float64")
    z = z - z.max(-1, keepdims=True)
    likelihood = COUNTS * np.exp(z)
    p = likelihood / likelihood.sum(-1, keepdims=True)
    rows = np.arange(len(labels))
    return -np.log(p[rows, labels]), p - np.eye(4)[labels]


def logit_adjusted(labels, logits):
    # Menon et al. 2021, Eq. 10, with τ = 1.5.
    return crossentropy(labels, logits, adjusted=logits + 1.5 * np.log(FREQUENCY))


def ldam(labels, logits):
    # Cao et al. 2019, Eq. 13, margins of at most 0.5, scale 30; logits are cosines.
    margins = 0.5 * (COUNTS.min() / COUNTS) ** 0.25
    z = logits.astype("float64")
    z[np.arange(len(labels)), labels] -= margins[labels]
    loss, gradient = crossentropy(labels, logits, adjusted=30 * z)
    return loss, 30 * gradient


def class_balanced(labels, logits):
    # Cui et al. 2019, Eq. 2, weights that sum to the number of classes.
    weights = (1 - 0.999) / (1 - 0.999**COUNTS)
    weights *= len(COUNTS) / weights.sum()
    return crossentropy(labels, logits, weights[labels])


def inverse_frequency(labels, logits):
    return crossentropy(labels, logits, 1 / (4 * FREQUENCY[labels]))


def focal(labels, logits):
    # Lin et al. 2017, Eq. 4, with γ = 2, differentiated as a whole.
    z = logits.astype("float64")
    p = oracles.softmax(z)
    rows = np.arange(len(labels))
    others = p.copy()
    others[rows, labels] = 0
    doubt = others.sum(-1)  # 1 - p_t without cancellation
    p_t = p[rows, labels]
    log_p_t = np.where(
        doubt < 0.5,
        np.log1p(-np.minimum(doubt, 0.5)),
        -crossentropy(labels, logits)[0],
    )
    loss = -(doubt**2) * log_p_t
    by_p_t = 2 * doubt * p_t * log_p_t - doubt**2  # times ∂z: p_t (e_t - p) / p_t
    return loss, by_p_t[:, None] * (np.eye(4)[labels] - p)


def ccar(labels, logits):
    p_t = oracles.softmax(logits.astype("float64"))[np.arange(len(labels)), labels]
    return crossentropy(labels, logits, oracles.ccar_weight(p_t, FREQUENCY[labels]))


LOSSES = {
    "balanced_softmax": (keras_ccar.BalancedSoftmaxLoss(COUNTS, from_logits=True)),
    "logit_adjusted": keras_ccar.LogitAdjustedLoss(COUNTS, tau=1.5, from_logits=True),
    "ldam": keras_ccar.LDAMLoss(COUNTS, from_logits=True),
    "class_balanced": keras_ccar.ClassBalancedLoss(COUNTS, 0.999, from_logits=True),
    "inverse_frequency": keras_ccar.InverseFrequencyLoss(COUNTS, from_logits=True),
    "focal": keras_ccar.FocalLoss(gamma=2.0, from_logits=True),
    "ccar": keras_ccar.CCARLoss(COUNTS, from_logits=True),
    "crossentropy": keras_ccar.LongTailedCrossentropy(None, from_logits=True),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", LOSSES)
def test_value_and_gradient(name, mode):
    labels, logits = batch()
    if name == "ldam":
        logits = np.tanh(logits)
    loss = LOSSES[name]
    loss.reduction = None
    value, gradient = value_and_gradient(lambda z: loss(labels, z), logits, mode)
    expected_value, expected_gradient = globals()[name](labels, logits)
    # The differences of float32 logits bound what any float32 loss can know of a
    # confident prediction; from there on relative to the size of the logits.
    size = np.abs(logits).max(-1) * (30 if name == "ldam" else 1)
    size *= np.maximum(
        1, expected_value / np.maximum(crossentropy(labels, logits)[0], 1e-30)
    )
    assert (
        np.abs(value - expected_value) <= 1e-5 * np.abs(expected_value) + 4e-7 * size
    ).all()
    np.testing.assert_allclose(
        gradient,
        expected_gradient,
        rtol=1e-5,
        atol=2e-6 * np.abs(expected_gradient).max(),
    )


def test_balanced_softmax_is_logit_adjustment_with_tau_1():
    labels, logits = batch()
    balanced, adjusted = (
        ops.convert_to_numpy(loss(COUNTS, from_logits=True)(labels, logits))
        for loss in (keras_ccar.BalancedSoftmaxLoss, keras_ccar.LogitAdjustedLoss)
    )
    assert balanced == adjusted


@pytest.mark.parametrize("adjustment", [LogitAdjustment(1.0), LDAMMargin(0.5, 3.0)])
def test_ccar_composes_with_every_adjustment(adjustment):
    labels, logits = batch()
    if isinstance(adjustment, LDAMMargin):
        margins = 0.5 * (COUNTS.min() / COUNTS) ** 0.25
        adjusted = 3.0 * (logits - margins * np.eye(4)[labels])
    else:
        adjusted = logits + np.log(FREQUENCY)
    expected, _ = ccar(labels, adjusted)
    loss = keras_ccar.CCARLoss(
        COUNTS, adjustment=adjustment, from_logits=True, reduction=None
    )
    np.testing.assert_allclose(
        ops.convert_to_numpy(loss(labels, logits)), expected, rtol=1e-4, atol=1e-5
    )
