"""A classifier head whose logits are cosines."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_ccar")
class CosineHead(keras.layers.Layer):
    """Logits that are cosines: of the features with one direction for each class.

    Neither the length of the features nor that of a class's weights can favour a
    frequent class. The head of `LDAMLoss`, whose `scale` sharpens the cosines in
    training. For calibrated probabilities give a `scale` here instead, and train with
    `LDAMLoss(scale=1, max_margin=0.5 * scale)`, which is the same loss.

    Args:
        units: K, the number of classes.
        scale: factor on the cosines.
        kernel_initializer: initializer of the directions.
        **arguments: further arguments of `keras.layers.Layer`.

    Input shape:
        `(..., features)`.

    Output shape:
        `(..., units)`, in `[-scale, scale]`.

    Raises:
        ValueError: if `units` is no positive integer.

    Reference:
        Cao et al. 2019, arXiv 1906.07413, Sec. 3.2.

    Example:
    ```python
    import keras
    import keras_ccar

    model = keras.Sequential([keras.Input((8,)), keras_ccar.layers.CosineHead(3)])
    ```
    """

    def __init__(
        self,
        units: int,
        scale: float = 1.0,
        kernel_initializer="glorot_uniform",
        **arguments,
    ) -> None:
        super().__init__(**arguments)
        if not isinstance(units, int) or units < 1:
            raise ValueError(
                f"`units` must be a positive integer. Received: units={units!r}"
            )
        self.units = units
        self.scale = scale
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.supports_masking = True
        # What tells `CCARCallback` that the outputs are logits.
        self.activation = keras.activations.linear

    def build(self, input_shape):
        """Creates the directions."""
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.units),
            initializer=self.kernel_initializer,
            name="kernel",
        )

    def call(self, inputs):
        """Returns the cosines."""
        # Squares overflow half precision, so lengths are taken in float32.
        directions = _unit_vectors(ops.cast(self.kernel, "float32"), axis=0)
        features = _unit_vectors(ops.cast(inputs, "float32"), axis=-1)
        cosines = ops.matmul(
            ops.cast(features, self.compute_dtype),
            ops.cast(directions, self.compute_dtype),
        )
        return self.scale * cosines

    def compute_output_shape(self, input_shape):
        """Returns `(..., units)`."""
        return (*input_shape[:-1], self.units)

    def get_config(self):
        """Returns the constructor arguments as plain JSON."""
        return {
            **super().get_config(),
            "units": self.units,
            "scale": self.scale,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


def _unit_vectors(vectors, axis):
    """Returns vectors of length 1; those of length 0 stay so, with gradient 0.

    Keras's `normalize` gives them a gradient of NaN on some backends.
    """
    squares = ops.sum(ops.square(vectors), axis=axis, keepdims=True)
    is_zero = squares < 1e-24
    inverse = ops.rsqrt(ops.where(is_zero, ops.ones_like(squares), squares))
    return ops.where(is_zero, ops.zeros_like(vectors), vectors * inverse)
