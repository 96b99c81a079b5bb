"""Elementary functions that keep precision and gradients."""

from keras import ops

# The smallest probability whose logarithm has a gradient that float32 can multiply by
# any weight. Keras stops at 1e-7, from where a confident mistake no longer learns.
SMALLEST_PROBABILITY = 1e-20


def clip_min(x, low):
    """Returns `max(x, low)`, in double precision too: Keras's own drops it on torch."""
    x = ops.convert_to_tensor(x)
    # NaN is not below: it has to pass.
    return ops.where(x < low, ops.convert_to_tensor(low, dtype=x.dtype), x)


def safe_log(probabilities):
    """Returns logarithms that are finite, and have finite gradients, at 0 as well."""
    return ops.log(clip_min(probabilities, SMALLEST_PROBABILITY))
