"""Cross-entropies on JAX, with their own derivatives. Only imported on JAX."""

from typing import Any

import jax
import jax.numpy as jnp


@jax.custom_jvp
def sparse_crossentropy(labels: Any, logits: Any) -> Any:
    """Returns `-log p_t`; int32 labels `(...)` in [0, K), logits `(..., K)`.

    Keras's version multiplies by one-hot labels, and its automatic derivative keeps
    several arrays of the size of the logits. This one keeps none: recomputing what the
    derivative needs takes less time than writing it to memory and reading it back.
    """
    largest, log_total = _log_total(logits)
    return _negative_log(labels, logits, largest, log_total)


@sparse_crossentropy.defjvp
def _sparse_derivative(
    primals: tuple[Any, ...], tangents: tuple[Any, ...]
) -> tuple[Any, Any]:
    labels, logits = primals
    largest, log_total = _log_total(logits)
    # Dividing the exponentials of `_log_total` by their sum would make XLA keep them.
    p = jnp.exp((logits - largest) - log_total)
    is_true = jnp.expand_dims(labels, -1) == jnp.arange(logits.shape[-1])
    slope = jnp.sum((p - is_true) * tangents[1], axis=-1)
    return _negative_log(labels, logits, largest, log_total), slope


def _log_total(logits: Any) -> tuple[Any, Any]:
    """Returns the largest logit, and `log Σ exp(z - largest)`; both keep the axis."""
    # JAX refuses to reduce an empty batch without an initial value.
    largest = jnp.max(logits, axis=-1, keepdims=True, initial=-jnp.inf)
    exponentials = jnp.exp(logits - largest)
    return largest, jnp.log(jnp.sum(exponentials, axis=-1, keepdims=True))


def _negative_log(labels: Any, logits: Any, largest: Any, log_total: Any) -> Any:
    labels = jnp.expand_dims(labels, -1)
    true = jnp.take_along_axis(logits, labels, axis=-1)
    return jnp.squeeze(log_total + (largest - true), -1)


def optimization_barrier(x: Any) -> Any:
    """Returns `x` of shape `(..., 1)`, computed before it is used for all classes.

    Without the barrier, XLA on a CPU broadcasts the numbers to all classes in memory,
    which takes longer than all the arithmetic on them.
    """
    return jax.lax.optimization_barrier(x)


@jax.custom_jvp
def soft_crossentropy(
    share: Any, logits: Any, largest: Any, exponentials: Any, total: Any
) -> Any:
    """Returns `-Σ share * log p` over the classes; see `softmax_terms`.

    It is differentiated by `share` and `logits` alone. The other arguments are parts of
    the softmax, passed so that they are not computed twice.
    """
    total_share = jnp.sum(share, axis=-1, keepdims=True)
    return _soft_sum(share, total_share, logits, largest, total)


@soft_crossentropy.defjvp
def _soft_derivative(
    primals: tuple[Any, ...], tangents: tuple[Any, ...]
) -> tuple[Any, Any]:
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


def _soft_sum(
    share: Any, total_share: Any, logits: Any, largest: Any, total: Any
) -> Any:
    log_total = jnp.log(total)
    # `log p = logits - level - rest`, where the rest is what the level lost to rounding
    # beside a large logit.
    level = optimization_barrier(largest + log_total)
    rest = (largest - level) + log_total
    return jnp.squeeze(rest * total_share, -1) + jnp.sum(
        share * (level - logits), axis=-1
    )
