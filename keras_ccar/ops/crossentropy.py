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


def few_classes(y: Any) -> tuple[Any, Any] | None:
    """Finds the classes that label distributions with few of them contain.

    Mixed images have two classes. Only torch, which runs one operation after the other,
    looks for them: compiled steps have arrays of a fixed size.

    Args:
        y: label distributions `(..., K)`.

    Returns:
        A pair `(classes, share)`: int64 classes `(..., J)` and the mass of each, 0
        where a sample has fewer than J; None where all classes are to be computed.
    """
    return None if _few_classes is None else _few_classes(y)


def class_losses(classes: Any, logits: Any) -> Any:
    """Returns `-log p` of the classes that `few_classes` found, `(..., J)`."""
    return _class_losses(classes, logits)


def softmax_terms(logits: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Returns the softmax of logits, and the cross-entropy that shares its parts.

    Args:
        logits: logits `(..., K)`.

    Returns:
        A tuple `(confidence, crossentropy)`: the probability of every class `(..., K)`,
        and a function of `share` `(..., K)`, how much each class of each sample counts,
        that returns `-Σ share * log p` over the classes. Nothing overflows.
    """
    return _softmax_terms(logits)


def _compiled_softmax_terms(logits: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Returns the terms in steps between which a compiler chooses what to store."""
    # Keras refuses to reduce an empty batch without an initial value.
    largest = ops.max(logits, axis=-1, keepdims=True, initial=-math.inf)
    largest = _barrier(ops.stop_gradient(largest))
    exponentials = ops.exp(logits - largest)
    total = _barrier(ops.sum(exponentials, axis=-1, keepdims=True))

    def crossentropy(share: Any) -> Any:
        return _soft_crossentropy(share, logits, largest, exponentials, total)

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
    return _sigmoid_terms(logits)


def _compiled_sigmoid_terms(
    logits: Any,
) -> tuple[tuple[Any, Any], Callable[[Any, Any], Any]]:
    """Returns the terms in steps of which a compiler makes one."""
    is_yes = logits > 0
    # Both sides need this one exponential and this one logarithm. The side that is
    # less likely has the probability `odds / (1 + odds)`.
    odds = ops.exp(ops.where(is_yes, -logits, logits))
    likely = 1.0 / (1.0 + odds)
    unlikely = odds * likely

    def crossentropy(yes: Any, no: Any) -> Any:
        return _binary_crossentropy(yes, no, logits, is_yes, odds)

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


def _fused_crossentropy(labels: Any, logits: Any) -> Any:
    return ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)


def _differentiated_crossentropy(
    yes: Any, no: Any, logits: Any, is_yes: Any, odds: Any
) -> Any:
    # The derivative at 0 is right because one branch is taken here and in `odds`.
    return (yes + no) * ops.log1p(odds) + ops.where(is_yes, no, -yes) * logits


# What the backend does best.
_sparse_crossentropy, _softmax_terms = _fused_crossentropy, _compiled_softmax_terms
_sigmoid_terms = _compiled_sigmoid_terms
_binary_crossentropy = _differentiated_crossentropy
_soft_crossentropy: Callable[..., Any]
_class_losses: Callable[..., Any]
_few_classes: Callable[..., Any] | None = None
_barrier: Callable[[Any], Any] = lambda x: x  # noqa: E731
if keras.backend.backend() == "jax":
    from keras_ccar.ops import jax_crossentropy as _jax

    _sparse_crossentropy = _jax.sparse_crossentropy
    _soft_crossentropy, _barrier = _jax.soft_crossentropy, _jax.optimization_barrier
elif keras.backend.backend() == "torch":
    from keras_ccar.ops import torch_crossentropy as _torch

    _sparse_crossentropy = _torch.sparse_crossentropy
    _softmax_terms, _sigmoid_terms = _torch.softmax_terms, _torch.sigmoid_terms
    _few_classes, _class_losses = _torch.few_classes, _torch.class_losses
else:
    from keras_ccar.ops import tensorflow_crossentropy as _tensorflow

    _soft_crossentropy = _tensorflow.soft_crossentropy
    _binary_crossentropy = _tensorflow.binary_crossentropy
