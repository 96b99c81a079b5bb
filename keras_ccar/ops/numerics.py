"""Elementary functions that keep precision and gradients."""

from typing import Any

from keras import ops

# The smallest probability whose logarithm has a gradient that float32 can multiply by
# any weight. Keras clips at 1e-7, below which a confident mistake has no gradient.
SMALLEST_PROBABILITY = 1e-20


def clip_min(x: Any, low: float) -> Any:
    """Returns `max(x, low)`, also in float64, which Keras's own loses on torch."""
    x = ops.convert_to_tensor(x)
    # `x < low` is false for NaN, so NaN passes through.
    return ops.where(x < low, ops.convert_to_tensor(low, dtype=x.dtype), x)


def safe_log(probabilities: Any) -> Any:
    """Returns logarithms that are finite and have finite gradients, even at 0."""
    return ops.log(clip_min(probabilities, SMALLEST_PROBABILITY))
