"""The last layer of a network, with the initial weights of the published code."""

from typing import Any

import keras

from keras_ccar.arguments import check_choice
from keras_ccar.benchmark.spec.loss_builders import COSINE_SCALE
from keras_ccar.benchmark.spec.recipes import LAST_LAYERS
from keras_ccar.layers import CosineHead


@keras.saving.register_keras_serializable(package="keras_ccar")
class UnitColumns(keras.initializers.RandomUniform):
    """Draws a matrix uniformly from (-1, 1), and scales its columns to length 1.

    This is how the published code of LDAM starts its cosines. The length of a column
    does not change the logits, but the gradient of a longer one is shorter.
    """

    def __init__(self, seed: Any = None) -> None:
        super().__init__(-1.0, 1.0, seed)

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        """Returns the matrix."""
        drawn = super().__call__(shape, dtype)
        squares = keras.ops.sum(keras.ops.square(drawn), axis=0, keepdims=True)
        return drawn / keras.ops.sqrt(squares)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments as plain JSON."""
        return {"seed": super().get_config()["seed"]}


def build_last_layer(
    head: str, num_features: int, num_classes: int, last_layer: str
) -> keras.layers.Layer:
    """Builds a last layer with freshly drawn weights.

    Args:
        head: `"linear"`, or `"cosine"` for logits that are cosines times 30.
        num_features: number of inputs.
        num_classes: number of logits.
        last_layer: one of `LAST_LAYERS`, which says how a linear layer starts. A layer
            of cosines always starts as that of LDAM.

    Raises:
        ValueError: if there is no such head, or no such start.
    """
    check_choice("last_layer", last_layer, LAST_LAYERS)
    # Always float32: in half precision, a confidence has two or three digits.
    if head == "cosine":
        return CosineHead(
            num_classes, COSINE_SCALE, kernel_initializer=UnitColumns(), dtype="float32"
        )
    if head != "linear":
        raise ValueError(
            f"`head` of a network must be 'linear' or 'cosine'. Received: head={head!r}"
        )
    if last_layer == "glorot":
        return keras.layers.Dense(num_classes, dtype="float32")
    limit = num_features**-0.5
    kernel = he_normal() if last_layer == "he" else _uniform(limit)
    return keras.layers.Dense(
        num_classes,
        kernel_initializer=kernel,
        bias_initializer=_uniform(limit),
        dtype="float32",
    )


def he_normal() -> keras.initializers.Initializer:
    """Returns PyTorch's `kaiming_normal_`.

    Unlike Keras's own "he_normal", it does not truncate the distribution.
    """
    return keras.initializers.VarianceScaling(
        2.0, mode="fan_in", distribution="untruncated_normal"
    )


def _uniform(limit: float) -> keras.initializers.Initializer:
    return keras.initializers.RandomUniform(-limit, limit)
