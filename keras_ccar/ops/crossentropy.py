"""Cross-entropies of softmax and sigmoid outputs, with one choice of backend."""

import math

import keras
from keras import ops

from keras_ccar.inputs.predictions import check_probabilities
from keras_ccar.ops.numerics import safe_log


def sparse_crossentropy(labels, logits):
    """Returns `-log p_t` of shape `(...)`; labels `(...)`, logits `(..., K)`."""
    if keras.backend.backend() == "jax":
        from keras_ccar.ops import jax_crossentropy

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
    largest = _per_sample_barrier(ops.stop_gradient(largest))
    shifted = logits - largest
    exponentials = ops.exp(shifted)
    total = _per_sample_barrier(ops.sum(exponentials, axis=-1, keepdims=True))

    def crossentropy(share):
        parts = share, logits, largest, exponentials, total
        if keras.backend.backend() == "jax":
            from keras_ccar.ops import jax_crossentropy

            return jax_crossentropy.soft_crossentropy(*parts)
        if keras.backend.backend() == "tensorflow":
            from keras_ccar.ops import tensorflow_crossentropy

            return tensorflow_crossentropy.soft_crossentropy(*parts)
        # In two sums: both have the sign of the loss, and the gradient needs no more
        # of the distribution than is here already.
        log_total = ops.squeeze(ops.log(total), -1)
        return log_total * ops.sum(share, -1) - ops.sum(share * shifted, -1)

    return exponentials * _per_sample_barrier(1.0 / total), crossentropy


def _per_sample_barrier(x):
    """Returns `x`, of shape `(..., 1)`, for use with all classes of a sample."""
    if keras.backend.backend() == "jax":
        from keras_ccar.ops import jax_crossentropy

        return jax_crossentropy.optimization_barrier(x)
    return x


def binary_crossentropies(y_pred, from_logits):
    """Returns `-log p` and `-log (1 - p)`, stacked on the axis before the last."""
    if from_logits:
        return ops.softplus(ops.stack([-y_pred, y_pred], axis=-2))
    check_probabilities(y_pred)
    return -safe_log(ops.stack([y_pred, 1.0 - y_pred], axis=-2))
