"""Cross-entropies on TensorFlow, with their own derivatives.

Only imported on the TensorFlow backend. They are written for XLA on a CPU; elsewhere
they are as fast as any other form.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


@tf.custom_gradient
def soft_crossentropy(
    share: Any, logits: Any, largest: Any, exponentials: Any, total: Any
) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """Returns `-Σ share * log p`, as `jax_crossentropy.soft_crossentropy` does."""
    # XLA sums a selection several times as fast as a product.
    share = tf.where(share == 0, tf.zeros_like(share), share)
    total_share = tf.reduce_sum(share, axis=-1, keepdims=True)
    # Scaling the shares to a sum near 1 makes the products below wait for a reciprocal.
    # XLA then computes the gradient first, because it waits for the sum alone, and
    # reuses its memory: one array of the size of the logits less.
    unit = tf.clip_by_value(total_share, 1 / 16, 16)
    below = largest - logits
    products = share * below * (1 / unit)
    products = tf.where(below == 0, tf.zeros_like(products), products)
    rest = tf.reduce_sum(products, axis=-1, keepdims=True)
    log_total = tf.math.log(total)

    def gradient(upstream: Any) -> tuple[Any, ...]:
        upstream = tf.expand_dims(upstream, -1)
        by_share = upstream * (log_total + below)
        by_logits = upstream * (exponentials * (total_share * (1 / total)) - share)
        return by_share, by_logits, None, None, None

    # Where all shares have one sign, both terms have it too, so nothing cancels.
    return tf.squeeze(log_total * total_share + unit * rest, -1), gradient


@tf.custom_gradient
def binary_crossentropy(
    yes: Any, no: Any, logits: Any, is_yes: Any, odds: Any
) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """Returns `-(yes * log p + no * log (1 - p))`; all arguments have one shape.

    Args:
        yes: how much yes counts.
        no: how much no counts.
        logits: logits of yes.
        is_yes: whether they are above 0.
        odds: the exponential of minus their size.
    """
    log_likely = tf.math.log1p(odds)
    total = yes + no

    def gradient(upstream: Any) -> tuple[Any, ...]:
        # XLA divides a small array among threads, which takes longer than to compute
        # it, if there is more than one operation for each byte. So these are few.
        unlikely = total * (odds / (1 + odds))
        by_logits = upstream * tf.where(is_yes, no - unlikely, unlikely - yes)
        zero = tf.zeros_like(logits)
        by_yes = upstream * (log_likely + tf.where(is_yes, zero, -logits))
        by_no = upstream * (log_likely + tf.where(is_yes, logits, zero))
        return by_yes, by_no, by_logits, None, None

    return total * log_likely + tf.where(is_yes, no, -yes) * logits, gradient
