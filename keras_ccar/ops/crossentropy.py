"""Cross-entropies of softmax and sigmoid outputs."""

import math
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_ccar.ops.numerics import safe_log


def sparse_crossentropy(labels: Any, logits: Any) -> Any:
    """Returns `-log p_t` of shape `(...)`; labels `(...)`, logits `(..., K)`."""
    return _sparse_crossentropy(labels, logits)


def softmax_terms(logits: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Returns the softmax of logits, and the cross-entropy that shares its parts.

    Args:
        logits: logits `(..., K)`.

    Returns:
        A tuple `(confidence, crossentropy)`: the probability of every class `(..., K)`,
        and a function of `share` `(..., K)`, how much each class of each sample counts,
        that returns `-Σ share * log p` over the classes. Nothing overflows.
    """
    # Keras refuses to reduce an empty batch without an initial value.
    largest = ops.max(logits, axis=-1, keepdims=True, initial=-math.inf)
    largest = _barrier(ops.stop_gradient(largest))
    shifted = logits - largest
    exponentials = ops.exp(shifted)
    total = _barrier(ops.sum(exponentials, axis=-1, keepdims=True))

    def crossentropy(share: Any) -> Any:
        if _soft_crossentropy is not None:
            return _soft_crossentropy(share, logits, largest, exponentials, total)
        # Both sums have the sign of the loss, so nothing cancels, and the gradient only
        # needs tensors that exist already.
        log_total = ops.squeeze(ops.log(total), -1)
        return log_total * ops.sum(share, -1) - ops.sum(share * shifted, -1)

    return exponentials * _barrier(1.0 / total), crossentropy


def binary_crossentropies(y_pred: Any, from_logits: bool) -> Any:
    """Returns `-log p` and `-log (1 - p)`, stacked on the axis before the last."""
    if from_logits:
        return ops.softplus(ops.stack([-y_pred, y_pred], axis=-2))
    return -safe_log(ops.stack([y_pred, 1.0 - y_pred], axis=-2))


def _backend_functions() -> tuple[
    Callable[..., Any], Callable[..., Any] | None, Callable[[Any], Any]
]:
    """Returns the backend's sparse and soft cross-entropy, and its barrier.

    The soft cross-entropy is None where automatic differentiation does best.
    """
    if keras.backend.backend() == "jax":
        from keras_ccar.ops import jax_crossentropy as own

        return own.sparse_crossentropy, own.soft_crossentropy, own.optimization_barrier
    soft = None
    if keras.backend.backend() == "tensorflow":
        from keras_ccar.ops.tensorflow_crossentropy import soft_crossentropy as soft

    def fused(labels: Any, logits: Any) -> Any:
        return ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)

    return fused, soft, lambda x: x


_sparse_crossentropy, _soft_crossentropy, _barrier = _backend_functions()
