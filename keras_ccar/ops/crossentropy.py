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


def sigmoid_terms(logits: Any) -> tuple[tuple[Any, Any], Callable[[Any, Any], Any]]:
    """Returns the probabilities of yes and of no, and the cross-entropy of logits.

    Args:
        logits: logits of yes `(..., K)`.

    Returns:
        A tuple `(confidences, crossentropy)`: the pair of probabilities of yes and of
        no, `(..., K)` each; and a function of two shares, how much yes and no count,
        that returns `-(yes * log p + no * log (1 - p))`. Nothing overflows or cancels.
    """
    is_yes = logits > 0
    # Both sides need this one exponential and this one logarithm. The side that is
    # less likely has the probability `odds / (1 + odds)`.
    odds = ops.exp(ops.where(is_yes, -logits, logits))
    likely = 1.0 / (1.0 + odds)
    unlikely = odds * likely

    def crossentropy(yes: Any, no: Any) -> Any:
        # The derivative at 0 is right because one branch is taken here and in `odds`.
        return (yes + no) * ops.log1p(odds) + ops.where(is_yes, no, -yes) * logits

    confidences = (
        ops.where(is_yes, likely, unlikely),
        ops.where(is_yes, unlikely, likely),
    )
    return confidences, crossentropy


def probability_terms(p: Any) -> tuple[tuple[Any, Any], Callable[[Any, Any], Any]]:
    """Returns what `sigmoid_terms` does, of probabilities of yes."""

    def crossentropy(yes: Any, no: Any) -> Any:
        return -(yes * safe_log(p) + no * safe_log(1.0 - p))

    return (p, 1.0 - p), crossentropy


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
