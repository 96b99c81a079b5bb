"""Cross-entropies on JAX, with derivatives of their own.

Imported on the JAX backend alone.
"""

import jax
import jax.numpy as jnp


@jax.custom_jvp
def sparse_crossentropy(labels, logits):
    """Returns `-log p_t`.

    Keras's multiplies by one-hot labels, and its automatic derivative keeps several
    arrays of the size of the logits. This one keeps none: what the derivative needs is
    computed anew from the logits, for less than it takes to write it to memory and
    read it back.

    Args:
        labels: int32 labels of shape `(...)`, in [0, K).
        logits: logits `(..., K)`.

    Returns:
        A tensor of shape `(...)`.
    """
    largest, log_total = _log_total(logits)
    return _negative_log(labels, logits, largest, log_total)


@sparse_crossentropy.defjvp
def _sparse_derivative(primals, tangents):
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


def optimization_barrier(x):
    """Returns `x`, computed on its own.

    For numbers of which there is one a sample. Without it XLA on a CPU spreads them
    over the classes in memory, which takes longer than all the arithmetic on them.
    """
    return jax.lax.optimization_barrier(x)


@jax.custom_jvp
def soft_crossentropy(share, logits, largest, exponentials, total):
    """Returns `-Σ share * log p` over the classes.

    Args:
        share: how much each class of each sample counts, `(..., K)`.
        logits: logits `(..., K)`.
        largest: the largest logit, `(..., 1)`.
        exponentials: `exp(logits - largest)`.
        total: the sum of the exponentials, `(..., 1)`.

    Returns:
        A tensor of shape `(...)`. Its derivatives are by `share` and `logits` alone:
        the parts come along so that they need not be computed twice.
    """
    total_share = jnp.sum(share, axis=-1, keepdims=True)
    return _soft_sum(share, total_share, logits, largest, total)


@soft_crossentropy.defjvp
def _soft_derivative(primals, tangents):
    share, logits, largest, exponentials, total = primals
    share_tangent, logits_tangent, *_ = tangents
    total_share = optimization_barrier(jnp.sum(share, axis=-1, keepdims=True))
    share_tangent_sum = jnp.sum(share_tangent, axis=-1, keepdims=True)
    slope = exponentials * optimization_barrier(total_share / total) - share
    return (
        _soft_sum(share, total_share, logits, largest, total),
        jnp.sum(slope * logits_tangent, axis=-1)
        + _soft_sum(share_tangent, share_tangent_sum, logits, largest, total),
    )


def _soft_sum(share, total_share, logits, largest, total):
    log_total = jnp.log(total)
    # `log p = logits - level - rest`. Level has lost what is small beside the largest
    # logit, and the rest is what it has lost.
    level = optimization_barrier(largest + log_total)
    rest = (largest - level) + log_total
    return jnp.squeeze(rest * total_share, -1) + jnp.sum(
        share * (level - logits), axis=-1
    )
