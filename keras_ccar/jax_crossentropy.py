"""Cross-entropy of integer labels on JAX, with a derivative of its own.

Keras's multiplies by one-hot labels, and its automatic derivative keeps several arrays
of the size of the logits. This one keeps none: what the derivative needs is computed
anew from the logits, for less than it takes to write it to memory and read it back.
Imported on the JAX backend alone.
"""

import jax
import jax.numpy as jnp


@jax.custom_jvp
def sparse_crossentropy(labels, logits):
    """Returns `-log p_t`.

    Args:
        labels: int32 labels of shape `(...)`, in [0, K).
        logits: logits `(..., K)`.

    Returns:
        A tensor of shape `(...)`.
    """
    largest, log_total = _log_total(logits)
    return _negative_log(labels, logits, largest, log_total)


@sparse_crossentropy.defjvp
def _derivative(primals, tangents):
    labels, logits = primals
    largest, log_total = _log_total(logits)
    # Not the exponentials of `_log_total` over their sum: XLA would keep those.
    p = jnp.exp((logits - largest) - log_total)
    is_true = jnp.expand_dims(labels, -1) == jnp.arange(logits.shape[-1])
    slope = jnp.sum((p - is_true) * tangents[1], axis=-1)
    return _negative_log(labels, logits, largest, log_total), slope


def _log_total(logits):
    """Returns the largest logit, and `log Σ exp(z - largest)`; both keep the axis."""
    # The initial value is for empty batches.
    largest = jnp.max(logits, axis=-1, keepdims=True, initial=-jnp.inf)
    exponentials = jnp.exp(logits - largest)
    return largest, jnp.log(jnp.sum(exponentials, axis=-1, keepdims=True))


def _negative_log(labels, logits, largest, log_total):
    labels = jnp.expand_dims(labels, -1)
    true = jnp.take_along_axis(logits, labels, axis=-1)
    return jnp.squeeze(log_total + (largest - true), -1)
