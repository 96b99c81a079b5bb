"""Cross-entropies on JAX, with their own derivatives. Only imported on JAX."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero


@jax.custom_jvp
def sparse_crossentropy(labels: Any, logits: Any) -> Any:
    """Returns `-log p_t`; int32 labels `(...)` in [0, K), logits `(..., K)`.

    Keras's version multiplies by one-hot labels, and its automatic derivative keeps
    several arrays of the size of the logits. This one keeps the exponentials, and XLA
    writes the gradient over them.
    """
    largest, _, total = _exponentials(logits)
    return _negative_log(labels, logits, largest, total)


@sparse_crossentropy.defjvp
def _sparse_derivative(
    primals: tuple[Any, ...], tangents: tuple[Any, ...]
) -> tuple[Any, Any]:
    labels, logits = primals
    tangent = tangents[1]
    largest, exponentials, total = _exponentials(logits)
    mean = jnp.sum(exponentials * tangent, axis=-1) / jnp.squeeze(total, -1)
    slope = mean - _of_class(tangent, labels)
    return _negative_log(labels, logits, largest, total), slope


def _exponentials(logits: Any) -> tuple[Any, Any, Any]:
    """Returns the largest logit, `exp(z - largest)` and its sum; all keep the axis."""
    # JAX refuses to reduce an empty batch without an initial value.
    largest = jnp.max(logits, axis=-1, keepdims=True, initial=-jnp.inf)
    largest = optimization_barrier(largest)
    exponentials = jnp.exp(logits - largest)
    total = optimization_barrier(jnp.sum(exponentials, axis=-1, keepdims=True))
    return largest, exponentials, total


def _negative_log(labels: Any, logits: Any, largest: Any, total: Any) -> Any:
    rest = jnp.squeeze(largest, -1) - _of_class(logits, labels)
    return jnp.log(jnp.squeeze(total, -1)) + rest


def _of_class(values: Any, labels: Any) -> Any:
    labels = jnp.expand_dims(labels, -1)
    return jnp.squeeze(jnp.take_along_axis(values, labels, axis=-1), -1)


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


@functools.partial(soft_crossentropy.defjvp, symbolic_zeros=True)
def _soft_derivative(
    primals: tuple[Any, ...], tangents: tuple[Any, ...]
) -> tuple[Any, Any]:
    share, logits, largest, exponentials, total = primals
    share_tangent, logits_tangent, *_ = tangents
    total_share = optimization_barrier(jnp.sum(share, axis=-1, keepdims=True))
    losses = _soft_sum(share, total_share, logits, largest, total)
    slope = jnp.zeros_like(losses)
    # XLA would compute the products with zeros.
    if not isinstance(logits_tangent, SymbolicZero):
        by_logits = exponentials * optimization_barrier(total_share / total) - share
        slope += jnp.sum(by_logits * logits_tangent, axis=-1)
    if not isinstance(share_tangent, SymbolicZero):
        sums = jnp.sum(share_tangent, axis=-1, keepdims=True)
        slope += _soft_sum(share_tangent, sums, logits, largest, total)
    return losses, slope


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
