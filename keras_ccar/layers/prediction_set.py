"""Conformal prediction sets, as the last layer of a trained model."""

from collections.abc import Sequence
from typing import Any, Self

import keras
import numpy as np
from keras import ops

from keras_ccar.arguments import argument_error, check_boolean, check_numbers, optional
from keras_ccar.keras_internals import source_of
from keras_ccar.layers.decides import Decides
from keras_ccar.layers.decision_inputs import (
    find_input_kind,
    mark_unknown,
    probabilities_of_classes,
)
from keras_ccar.layers.keras_arguments import (
    check_float32_layer_arguments,
    read_layer_config,
)

# The error of a softmax in float32 grows with the logarithm of the probability.
_SLACK = 1e-6


@keras.saving.register_keras_serializable(package="keras_ccar")
class PredictionSet(Decides, keras.layers.Layer):
    """Returns the classes that an example may have: 1 where `1 - p_k <= q_k`, else 0.

    With the quantiles that `keras_ccar.posthoc.prediction_sets` computes from
    calibration data, the set holds the right class of a new example with the
    probability that was asked for. A set may hold several classes, or none.

    The layer is for classes that exclude each other, after a softmax. The answers to
    yes-or-no questions (sigmoid) are refused: each question has a set of its own, of
    yes, no, both or neither, which a mask with one column a question cannot say. Make a
    model of two columns of each of them, `[no, yes]`, and give it a layer of its own.

    Args:
        quantiles: q in [0, 1], one for all classes or a sequence of shape `(K,)`. A
            class with 1, or infinity, is in every set.
        from_logits: whether inputs are logits rather than probabilities. None reads it
            from the activation of the layer that the inputs come from, or the loss that
            their model was compiled with, and keeps what it found, also in saved
            models. Arrays and other eager tensors are taken for logits, unless all of
            them are in [0, 1], which is an error.
        name: as in every Keras layer.
        trainable: as in every Keras layer.
        dtype: as in every Keras layer; None for float32, whatever the global policy is.
            In half precision the inputs are rounded, and the sets with them.
        autocast: as in every Keras layer.
        activity_regularizer: as in every Keras layer.

    Input shape:
        `(..., K)`.

    Output shape:
        The same. An example whose input is NaN or, in a compiled step with
        `from_logits=False`, outside of [0, 1], is NaN.

    Raises:
        ValueError: for arguments other than these. When applied: for inputs with
            another number of classes, for outputs of a sigmoid or a model that was
            trained with a binary loss, for inputs that `from_logits` does not fit.

    Reference:
        Sadinle et al. 2019, arXiv 1609.00451, for the score `1 - p_k`; Vovk et al.
        2005, "Algorithmic Learning in a Random World", for the quantiles.

    Example:
    ```python
    import keras
    from keras_ccar.layers import PredictionSet

    model = keras.Sequential(
        [keras.Input((8,)), keras.layers.Dense(3, activation="softmax")]
    )
    sets = keras.Sequential([model, PredictionSet([0.2, 0.6, 0.9])])
    # Class 1 has 0.5, and the score 0.5 is below its quantile; class 0 needs 0.8.
    layer = PredictionSet([0.2, 0.6, 0.9], from_logits=False)
    mask = keras.ops.convert_to_numpy(layer(keras.ops.array([[0.4, 0.5, 0.1]])))
    assert mask.tolist() == [[0, 1, 1]]
    ```
    """

    def __init__(
        self,
        quantiles: float | Sequence[float] | np.ndarray,
        from_logits: bool | None = None,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        activity_regularizer: Any = None,
    ) -> None:
        super().__init__(
            **check_float32_layer_arguments(
                name, trainable, dtype, autocast, activity_regularizer
            )
        )
        self.quantiles = _check_quantiles(quantiles)
        self.from_logits = optional(check_boolean, "from_logits", from_logits)
        self.supports_masking = True

    @property
    def smallest_probabilities(self) -> np.ndarray:
        """The probability from which on a class is in the set: float64, `()` or `(K,)`.

        It is `1 - q`, and a little less: a score equal to its quantile belongs to the
        set, and float32 may compute it a little larger.
        """
        # Float64 rounds `q = 1 - p` of a small p by up to so much.
        rounding = np.finfo("float64").eps
        smallest = np.maximum(1 - np.asarray(self.quantiles, "float64") - rounding, 0)
        logarithm = np.log(np.maximum(smallest, np.finfo("float64").tiny))
        return smallest * (1 - _SLACK * (1 - logarithm))

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """See `keras.layers.Layer`."""
        if source_of(inputs) is not None:
            self._check_shape(inputs.shape)
            self.from_logits = find_input_kind(
                inputs,
                self.from_logits,
                False,
                "PredictionSet",
                "Make two columns of a label, [no, yes].",
            )
        return super().__call__(inputs, *args, **kwargs)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Checks that the inputs have the classes of `quantiles`."""
        self._check_shape(input_shape)

    def call(self, inputs: Any) -> Any:
        """Returns the mask of the sets."""
        self._check_shape(inputs.shape)
        probabilities = probabilities_of_classes(inputs, self.from_logits)
        if self.from_logits is False:
            # The calibration makes rows that half precision rounded sum to 1, too.
            total = ops.sum(probabilities, axis=-1, keepdims=True)
            probabilities = probabilities / ops.where(total > 0, total, 1.0)
        smallest = ops.cast(self.smallest_probabilities, "float32")
        mask = ops.cast(probabilities >= smallest, self.compute_dtype)
        return mark_unknown(mask, probabilities)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Returns the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments as plain JSON."""
        return {
            **super().get_config(),
            "quantiles": self.quantiles,
            "from_logits": self.from_logits,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Makes the layer from `get_config()`."""
        return super().from_config(read_layer_config(config))

    def _check_shape(self, shape: tuple[int | None, ...]) -> None:
        size = shape[-1] if len(shape) > 1 else None
        if size is None or size < 2:
            raise ValueError(
                "`inputs` must have the shape (..., K), of two classes or more. "
                f"Received: inputs.shape={tuple(shape)}. Make two columns of one "
                "sigmoid, [no, yes]."
            )
        if isinstance(self.quantiles, list) and len(self.quantiles) != size:
            raise ValueError(
                "`quantiles` must have one entry for each class on the last axis of "
                f"`inputs`, or be one number. Received: {len(self.quantiles)} "
                f"quantiles and inputs.shape={tuple(shape)}"
            )


def _check_quantiles(quantiles: Any) -> float | list[float]:
    """Returns quantiles as plain JSON, which has no infinity."""
    expected = "a number in [0, 1], or infinity, or one for each of two classes or more"
    numbers = check_numbers("quantiles", quantiles, expected)
    is_right = (numbers >= 0) & ((numbers <= 1) | np.isinf(numbers))
    if numbers.ndim > 1 or numbers.shape in ((0,), (1,)) or not is_right.all():
        raise argument_error("quantiles", quantiles, expected)
    return np.minimum(numbers, 1).tolist()
