"""Arithmetic that keeps precision and gradients."""

from keras import ops

from keras_ccar.labels import check_probabilities

# The smallest probability whose logarithm has a finite float32 gradient. Keras stops
# at 1e-7, from where a confident mistake no longer learns.
SMALLEST_PROBABILITY = 1e-37


def at_least(x, low):
    """Returns `max(x, low)`, in double precision too: Keras's own drops it on torch."""
    x = ops.convert_to_tensor(x)
    return ops.where(x > low, x, ops.convert_to_tensor(low, dtype=x.dtype))


def safe_log(probabilities):
    """Returns logarithms that are finite, and have finite gradients, at 0 as well."""
    return ops.log(at_least(probabilities, SMALLEST_PROBABILITY))


def class_logits(y_pred, from_logits):
    """Returns predictions as logits, with a check of probabilities that are known."""
    if from_logits:
        return y_pred
    check_probabilities(y_pred)
    return safe_log(y_pred)


def binary_crossentropies(y_pred, from_logits):
    """Returns `-log p` and `-log (1 - p)`, stacked on the axis before the last."""
    if from_logits:
        return ops.softplus(ops.stack([-y_pred, y_pred], axis=-2))
    check_probabilities(y_pred)
    return -safe_log(ops.stack([y_pred, 1.0 - y_pred], axis=-2))
