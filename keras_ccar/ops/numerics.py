"""Elementary functions that keep precision and gradients."""

from typing import Any

import keras
from keras import ops

# The smallest probability whose logarithm has a gradient that float32 can multiply by
# any weight. Keras clips at 1e-7, below which a confident mistake has no gradient.
SMALLEST_PROBABILITY = 1e-20


def clip_min(x: Any, low: float) -> Any:
    """Returns `max(x, low)`, also in float64, which Keras's own loses on torch."""
    x = ops.convert_to_tensor(x)
    if keras.backend.backend() == "torch":  # whose selections are slow
        return x.clamp(min=low)
    # `x < low` is false for NaN, so NaN passes through.
    return ops.where(x < low, ops.convert_to_tensor(low, dtype=x.dtype), x)


def power(x: Any, exponent: float) -> Any:
    """Returns `x ** exponent`, of x above 0; small whole exponents by products.

    XLA on a CPU computes powers above the third one number at a time, by a logarithm
    and an exponential.
    """
    if exponent not in range(1, 9):
        return x**exponent
    bits = f"{int(exponent):b}"
    result = x
    for bit in bits[1:]:
        result = result * result
        if bit == "1":
            result = result * x
    return result


def safe_log(probabilities: Any) -> Any:
    """Returns logarithms that are finite and have finite gradients, even at 0."""
    return ops.log(clip_min(probabilities, SMALLEST_PROBABILITY))


def softmax(logits: Any) -> Any:
    """Returns probabilities over the last axis; a row with a NaN is NaN throughout.

    TensorFlow's oneDNN kernel gives `[0, NaN, 0]` for such a row on some processors.
    """
    probabilities = ops.softmax(logits, axis=-1)
    total = ops.sum(probabilities, axis=-1, keepdims=True)
    return ops.where(ops.isnan(total), float("nan"), probabilities)
