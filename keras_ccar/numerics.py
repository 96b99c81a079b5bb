"""Arithmetic that keeps precision and gradients."""

import math

import keras
from keras import ops

from keras_ccar.labels import check_probabilities

# The smallest probability whose logarithm has a gradient that float32 can multiply by
# any weight. Keras stops at 1e-7, from where a confident mistake no longer learns.
SMALLEST_PROBABILITY = 1e-20


def at_least(x, low):
    """Returns `max(x, low)`, in double precision too: Keras's own drops it on torch."""
    x = ops.convert_to_tensor(x)
    # NaN is not below: it has to pass.
    return ops.where(x < low, ops.convert_to_tensor(low, dtype=x.dtype), x)


def safe_log(probabilities):
    """Returns logarithms that are finite, and have finite gradients, at 0 as well."""
    return ops.log(at_least(probabilities, SMALLEST_PROBABILITY))


def class_last(y_pred, axis, dtype):
    """Returns predictions as a tensor of a dtype whose last axis is the classes."""
    y_pred = ops.convert_to_tensor(y_pred, dtype=dtype)
    is_last = axis in (-1, len(y_pred.shape) - 1)
    return y_pred if is_last else ops.moveaxis(y_pred, axis, -1)


def class_logits(y_pred, from_logits):
    """Returns predictions as logits, with a check of probabilities that are known."""
    if from_logits:
        return y_pred
    check_probabilities(y_pred)
    return safe_log(y_pred)


def sparse_crossentropy(labels, logits):
    """Returns `-log p_t` of shape `(...)`; labels `(...)`, logits `(..., K)`."""
    if keras.backend.backend() == "jax":
        from keras_ccar import jax_crossentropy

        return jax_crossentropy.sparse_crossentropy(labels, logits)
    # One fused operation.
    return ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)


def softmax_terms(logits):
    """Returns the softmax of logits, and the cross-entropy that is made of the same.

    Args:
        logits: logits `(..., K)`.

    Returns:
        A tuple `(confidence, crossentropy)`: the probability of every class `(..., K)`,
        and a function from how much each class of each sample counts, `share` of shape
        `(..., K)`, to `-Σ share * log p` over the classes. Nothing overflows.
    """
    # Without an initial value Keras refuses empty batches.
    largest = ops.max(logits, axis=-1, keepdims=True, initial=-math.inf)
    largest = _one_a_sample(ops.stop_gradient(largest))
    shifted = logits - largest
    exponentials = ops.exp(shifted)
    total = _one_a_sample(ops.sum(exponentials, axis=-1, keepdims=True))

    def crossentropy(share):
        parts = share, logits, largest, exponentials, total
        if keras.backend.backend() == "jax":
            from keras_ccar import jax_crossentropy

            return jax_crossentropy.soft_crossentropy(*parts)
        if keras.backend.backend() == "tensorflow":
            from keras_ccar import tensorflow_crossentropy

            return tensorflow_crossentropy.soft_crossentropy(*parts)
        # In two sums: both have the sign of the loss, and the gradient needs no more
        # of the distribution than is here already.
        log_total = ops.squeeze(ops.log(total), -1)
        return log_total * ops.sum(share, -1) - ops.sum(share * shifted, -1)

    return exponentials * _one_a_sample(1.0 / total), crossentropy


def _one_a_sample(x):
    """Returns `x`, of shape `(..., 1)`, for use with all classes of a sample."""
    if keras.backend.backend() == "jax":
        from keras_ccar import jax_crossentropy

        return jax_crossentropy.hold(x)
    return x


def binary_crossentropies(y_pred, from_logits):
    """Returns `-log p` and `-log (1 - p)`, stacked on the axis before the last."""
    if from_logits:
        return ops.softplus(ops.stack([-y_pred, y_pred], axis=-2))
    check_probabilities(y_pred)
    return -safe_log(ops.stack([y_pred, 1.0 - y_pred], axis=-2))
