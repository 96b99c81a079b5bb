"""Decisions on yes-or-no labels, as the last layer of a trained model."""

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
    probabilities_of_labels,
)
from keras_ccar.layers.keras_arguments import (
    check_float32_layer_arguments,
    read_layer_config,
)

EXPECTED_THRESHOLDS = "a number in [0, 1], or one for each label"
_ADVICE = (
    "Decide between classes with `keras_ccar.layers.CostSensitiveDecision`, or take "
    "the most probable one."
)


def read_thresholds(thresholds: Any) -> np.ndarray:
    """Returns thresholds as a float64 array of shape `()` or `(K,)`."""
    numbers = check_numbers("thresholds", thresholds, EXPECTED_THRESHOLDS)
    is_right = numbers.ndim < 2 and ((numbers >= 0) & (numbers <= 1)).all()
    if not is_right or not numbers.size:
        raise argument_error("thresholds", thresholds, EXPECTED_THRESHOLDS)
    return numbers


@keras.saving.register_keras_serializable(package="keras_ccar")
class Thresholds(Decides, keras.layers.Layer):
    """Answers yes-or-no labels: 1 where the probability reaches the threshold, else 0.

    `keras_ccar.posthoc.tune_thresholds` finds the thresholds. A model that ends in this
    layer is exported by `keras_ccar.serving.export` with its probabilities and its
    decisions. For classes that exclude each other (softmax) use
    `CostSensitiveDecision`.

    Args:
        thresholds: the probability of yes from which on the answer is yes: a number in
            [0, 1] for all labels, or a sequence of shape `(K,)`.
        from_logits: whether inputs are logits rather than probabilities. None reads it
            from the activation of the layer that the inputs come from, or the loss that
            their model was compiled with, and keeps what it found, also in saved
            models. Arrays and other eager tensors are taken for logits, unless all of
            them are in [0, 1], which is an error.
        name: as in every Keras layer.
        trainable: as in every Keras layer.
        dtype: as in every Keras layer; None for float32, whatever the global policy is.
            In half precision the inputs are rounded before the decision, which is made
            in float32.
        autocast: as in every Keras layer.
        activity_regularizer: as in every Keras layer.

    Input shape:
        `(..., K)`; `(..., 1)` for one label.

    Output shape:
        The same. The answer is NaN where the input is or, in a compiled step with
        `from_logits=False`, where it is outside of [0, 1].

    Raises:
        ValueError: for arguments other than these. When applied: for inputs with
            another number of columns, after a softmax or a loss of classes that exclude
            each other, and for inputs that `from_logits` does not fit.

    Reference:
        Lipton et al. 2014, arXiv 1402.1892, for thresholds of each label.

    Example:
    ```python
    import keras
    from keras_ccar.layers import Thresholds

    model = keras.Sequential(
        [keras.Input((8,)), keras.layers.Dense(3, activation="sigmoid")]
    )
    decisions = keras.Sequential([model, Thresholds([0.5, 0.2, 0.9])])
    layer = Thresholds([0.5, 0.2, 0.9], from_logits=False)
    answers = keras.ops.convert_to_numpy(layer(keras.ops.array([[0.4, 0.4, 0.95]])))
    assert answers.tolist() == [[0, 1, 1]]
    ```
    """

    def __init__(
        self,
        thresholds: float | Sequence[float] | np.ndarray,
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
        # Plain JSON for the configuration.
        self.thresholds = read_thresholds(thresholds).tolist()
        self.from_logits = optional(check_boolean, "from_logits", from_logits)
        self.supports_masking = True

    def decides_labels(self, num_columns: int) -> bool:
        """Whether the columns are yes-or-no labels: always."""
        return True

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """See `keras.layers.Layer`."""
        if source_of(inputs) is not None:
            self._check_shape(inputs.shape)
            self.from_logits = find_input_kind(
                inputs, self.from_logits, True, "Thresholds", _ADVICE
            )
        return super().__call__(inputs, *args, **kwargs)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Checks that the inputs have the labels of `thresholds`."""
        self._check_shape(input_shape)

    def call(self, inputs: Any) -> Any:
        """Returns the decisions."""
        self._check_shape(inputs.shape)
        yes = probabilities_of_labels(inputs, self.from_logits)
        thresholds = ops.convert_to_tensor(np.asarray(self.thresholds, "float32"))
        decisions = ops.cast(yes >= thresholds, self.compute_dtype)
        return mark_unknown(decisions, yes)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Returns the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments as plain JSON."""
        return {
            **super().get_config(),
            "thresholds": self.thresholds,
            "from_logits": self.from_logits,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Makes the layer from `get_config()`."""
        return super().from_config(read_layer_config(config))

    def _check_shape(self, shape: tuple[int | None, ...]) -> None:
        numbers = np.asarray(self.thresholds)
        if len(shape) < 2 or shape[-1] is None:
            raise ValueError(
                "`inputs` must have the shape (..., K) with a known K. Received: "
                f"inputs.shape={tuple(shape)}. Give one label an axis of size 1."
            )
        if numbers.shape not in ((), (shape[-1],)):
            raise ValueError(
                "`thresholds` must have one entry for each label on the last axis of "
                f"`inputs`, or be one number. Received: {numbers.size} thresholds and "
                f"inputs.shape={tuple(shape)}"
            )
