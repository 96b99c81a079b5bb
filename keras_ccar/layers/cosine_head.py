"""A classifier head whose logits are cosines."""

from typing import Any, Self

import keras
import numpy as np
from keras import ops

from keras_ccar.arguments import (
    MOST_CLASSES,
    argument_error,
    check_number,
    check_numbers,
    check_whole_number,
    check_with_keras,
)
from keras_ccar.layers.keras_arguments import check_layer_arguments, read_layer_config


@keras.saving.register_keras_serializable(package="keras_ccar")
class CosineHead(keras.layers.Layer):
    """Logits that are cosines between the features and a direction for each class.

    Neither long features nor large weights can favour a frequent class. Use it with
    `LDAMLoss`, which multiplies the cosines by its `scale` in training. For calibrated
    probabilities, set `scale` here instead and train with
    `LDAMLoss(scale=1, max_margin=0.5 * scale)`, which is the same loss.

    Args:
        units: K, the number of classes.
        scale: factor on the cosines.
        kernel_initializer: initializer of the directions.
        name: as in every Keras layer.
        trainable: as in every Keras layer.
        dtype: as in every Keras layer.
        autocast: as in every Keras layer.
        activity_regularizer: as in every Keras layer.

    Input shape:
        `(..., features)`.

    Output shape:
        `(..., units)`, in `[-scale, scale]`.

    Raises:
        ValueError: if `units` is not a whole number of at least 1, for a negative or
            non-finite `scale`, and for other arguments of another type.

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
        kernel_initializer: Any = "glorot_uniform",
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        activity_regularizer: Any = None,
    ) -> None:
        super().__init__(
            **check_layer_arguments(
                name, trainable, dtype, autocast, activity_regularizer
            )
        )
        self.units = check_whole_number("units", units, 1, MOST_CLASSES)
        self.scale = check_number("scale", scale, 0)
        self.kernel_initializer = _check_initializer(kernel_initializer)
        self.supports_masking = True
        # Tells `output_activation` that the outputs are logits.
        self.activation = keras.activations.linear

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the directions."""
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.units),
            initializer=self.kernel_initializer,
            name="kernel",
        )

    def call(self, inputs: Any) -> Any:
        """Returns the cosines."""
        # Squares overflow half precision, so the lengths are computed in float32.
        directions = _unit_vectors(ops.cast(self.kernel, "float32"), axis=0)
        features = _unit_vectors(ops.cast(inputs, "float32"), axis=-1)
        cosines = ops.matmul(
            ops.cast(features, self.compute_dtype),
            ops.cast(directions, self.compute_dtype),
        )
        return self.scale * cosines

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Returns `(..., units)`."""
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments as plain JSON."""
        return {
            **super().get_config(),
            "units": self.units,
            "scale": self.scale,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Makes the layer from `get_config()`."""
        return super().from_config(read_layer_config(config))


def _check_initializer(value: Any) -> Any:
    """Returns an initializer; Keras takes the values of the kernel as one too."""
    name, kind = "kernel_initializer", "an initializer"
    if isinstance(value, np.ndarray | np.generic):
        check_numbers(name, value, f"{kind}, or the numbers of the kernel")
        if value.ndim != 2:
            raise argument_error(name, value, f"{kind}, or a matrix")
    return check_with_keras(name, value, keras.initializers.get, kind)


def _unit_vectors(vectors: Any, axis: int) -> Any:
    """Scales vectors to length 1, except for those of length 0, whose gradient is 0.

    With Keras's `normalize` their gradient would be NaN on some backends.
    """
    squares = ops.sum(ops.square(vectors), axis=axis, keepdims=True)
    is_zero = squares < 1e-24
    inverse = ops.rsqrt(ops.where(is_zero, ops.ones_like(squares), squares))
    return ops.where(is_zero, ops.zeros_like(vectors), vectors * inverse)
