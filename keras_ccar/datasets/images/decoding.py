"""Decodes images within a `tf.data` stream."""

from typing import Any


def decode(contents: Any) -> Any:
    """Decodes PNG, JPEG, GIF or BMP contents to a uint8 tensor `(h, w, 3)`."""
    import tensorflow as tf

    image = tf.io.decode_image(contents, channels=3, expand_animations=False)
    return tf.ensure_shape(image, (None, None, 3))
