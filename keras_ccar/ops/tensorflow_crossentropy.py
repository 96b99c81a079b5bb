"""The cross-entropy of mixed labels on TensorFlow, with a derivative of its own.

Imported on the TensorFlow backend alone. How it is written is for XLA on a CPU, where
it is as good as any other elsewhere.
"""

import tensorflow as tf


@tf.custom_gradient
def soft_crossentropy(share, logits, largest, exponentials, total):
    """Returns what `jax_crossentropy.soft_crossentropy` does, of the same arguments."""
    # XLA sums the result of a selection several times as fast as that of a product.
    share = tf.where(share == 0, tf.zeros_like(share), share)
    total_share = tf.reduce_sum(share, axis=-1, keepdims=True)
    # Bringing the shares to a sum near 1 makes the products below wait for a
    # reciprocal, so that XLA computes the gradient, which waits for the sum, before
    # them, and both in memory that is there: one array less of the size of the logits.
    unit = tf.clip_by_value(total_share, 1 / 16, 16)
    below = largest - logits
    products = share * below * (1 / unit)
    products = tf.where(below == 0, tf.zeros_like(products), products)
    rest = tf.reduce_sum(products, axis=-1, keepdims=True)
    log_total = tf.math.log(total)

    def gradient(upstream):
        upstream = tf.expand_dims(upstream, -1)
        by_share = upstream * (log_total + below)
        by_logits = upstream * (exponentials * (total_share * (1 / total)) - share)
        return by_share, by_logits, None, None, None

    # Where shares have one sign both terms have it too: nothing cancels.
    return tf.squeeze(log_total * total_share + unit * rest, -1), gradient
