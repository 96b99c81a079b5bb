"""The reduction over replicas, with the only one that there is outside of a strategy.

With several, tests/distribution/test_unequal.py trains.
"""

import numpy as np
import pytest
from keras import ops
from keras.src.backend import set_keras_mask
from keras.src.losses.loss import reduce_weighted_values

import keras_ccar
from keras_ccar.losses.reduction import reduce_over_replicas

RNG = np.random.default_rng(0)
LOSSES = RNG.uniform(0.5, 2.0, (4, 3)).astype("float32")
WEIGHTS = RNG.uniform(0.0, 2.0, (4, 3)).astype("float32") * (LOSSES > 0.8)
MASKS = {
    "none": None,
    "tokens": RNG.random((4, 3)) < 0.6,
    "rows": np.array([[True], [False], [True], [True]]),
    "nothing": np.zeros((4, 3), bool),
}


def masked(values, mask):
    tensor = ops.convert_to_tensor(values)
    if mask is not None:
        set_keras_mask(tensor, ops.convert_to_tensor(mask))
    return tensor


def naive(weights, mask, ignored, reduction):
    counted = np.ones(LOSSES.shape) if mask is None else np.ones(LOSSES.shape) * mask
    counted = counted if ignored is None else counted * ignored
    weights = counted if weights is None else counted * weights
    total = (LOSSES.astype("float64") * weights).sum()
    if reduction == "sum":
        return total
    number = (weights if reduction == "mean_with_sample_weight" else counted).sum()
    return total / number if number else 0.0


@pytest.mark.parametrize(
    "reduction", ["sum_over_batch_size", "mean", "mean_with_sample_weight", "sum"]
)
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("is_weighted", [False, True])
@pytest.mark.parametrize("has_ignored", [False, True])
def test_one_replica_reduces_as_keras(reduction, mask, is_weighted, has_ignored):
    mask = MASKS[mask]
    ignored = LOSSES < 1.5 if has_ignored else None
    y_pred = masked(np.zeros((4, 3, 5), "float32"), mask)
    weights = ops.convert_to_tensor(WEIGHTS) if is_weighted else None
    actual = reduce_over_replicas(masked(LOSSES, ignored), y_pred, weights, reduction)
    expected = naive(WEIGHTS if is_weighted else None, mask, ignored, reduction)
    np.testing.assert_allclose(float(actual), expected, rtol=1e-5)
    # Keras divides by the sum of a mask as it is, so give it the whole.
    masks = [m & np.ones(LOSSES.shape, bool) for m in (mask, ignored) if m is not None]
    of_keras = reduce_weighted_values(
        ops.convert_to_tensor(LOSSES),
        None if weights is None else ops.copy(weights),
        ops.convert_to_tensor(np.all(masks, axis=0)) if masks else None,
        reduction,
        "float32",
    )
    np.testing.assert_allclose(float(of_keras), expected, rtol=1e-5)


@pytest.mark.parametrize(
    "reduction", ["sum_over_batch_size", "mean_with_sample_weight"]
)
def test_a_mask_of_rows_counts_every_value(reduction):
    loss = keras_ccar.BinaryCCARLoss([5, 3], 10, reduction=reduction, from_logits=True)
    targets = np.array([[1, 0], [0, 1], [1, 1]], "float32")
    logits = RNG.normal(size=(3, 2)).astype("float32")
    kept = np.array([True, False, True])
    actual = loss(targets, masked(logits, kept))
    expected = loss(targets[kept], logits[kept])
    np.testing.assert_allclose(float(actual), float(expected), rtol=1e-6)
