"""Temperature scaling, as the last layer of a trained model."""

from collections.abc import Sequence
from typing import Any, Self

import keras
import numpy as np
from keras import ops

from keras_ccar.arguments import (
    argument_error,
    check_boolean,
    check_numbers,
    check_whole_number,
    optional,
)
from keras_ccar.inputs.predictions import (
    are_probabilities,
    check_probabilities,
    class_axis,
    probabilities_or_nan,
)
from keras_ccar.keras_internals import source_of
from keras_ccar.layers.keras_arguments import (
    check_float32_layer_arguments,
    read_layer_config,
)
from keras_ccar.layers.kind_of_input import (
    check_not_probabilities,
    find_from_logits,
    find_multi_label,
)
from keras_ccar.layers.model_output import KeepsActivation
from keras_ccar.ops.numerics import safe_log


@keras.saving.register_keras_serializable(package="keras_ccar")
class TemperatureScaling(KeepsActivation, keras.layers.Layer):
    """Divides the logits of a trained model by a temperature: `z / T + b`.

    A temperature above 1 makes predictions less confident, one below 1 more. A single
    temperature for all classes without a bias leaves the order of the classes as it is,
    and with it the predicted class; of labels it leaves the side of one half. A
    temperature of each class divides column j by `T_j`, and may change the predicted
    class, as a bias may. It also depends on the constant that logits of classes are
    known up to: it fits the model that `keras_ccar.posthoc.calibrate` chose it for.

    Args:
        temperature: T, a number above 0, or one for each class or label, of shape
            `(K,)`.
        bias: b, a number, or one for each class or label, of shape `(K,)`, as in
            bias-corrected temperature scaling. None for no bias.
        from_logits: whether inputs and outputs are logits rather than probabilities, as
            in `LogitCorrection`.
        axis: the class axis of inputs.
        multi_label: whether the columns are yes-or-no labels (sigmoid) rather than
            classes that exclude each other (softmax). None reads it from the activation
            of the layer that the inputs come from, or the loss that their model was
            compiled with, and keeps what it found, also in saved models. Logits are the
            same for both. Probabilities of one column are of a label; those of several,
            where nothing tells, need True or False.
        name: as in every Keras layer.
        trainable: as in every Keras layer.
        dtype: as in every Keras layer; None for float32, whatever the global policy is.
        autocast: as in every Keras layer.
        activity_regularizer: as in every Keras layer.

    Input shape:
        `(..., K)`; `(..., 1)` for one label.

    Output shape:
        The same.

    Raises:
        ValueError: for arguments other than these. When applied: for inputs with
            another number of columns than `temperature` or `bias`, and inputs that
            `from_logits` or `multi_label` do not fit. In a compiled step, inputs
            outside of [0, 1] with `from_logits=False` become NaN.

    Reference:
        Guo et al. 2017, arXiv 1706.04599, Eq. 9; Alexandari et al. 2020, arXiv
        1901.06852, for the bias.

    Example:
    ```python
    import keras
    import keras_ccar

    model = keras.Sequential(
        [keras.Input((8,)), keras.layers.Dense(3, activation="softmax")]
    )
    scaling = keras_ccar.layers.TemperatureScaling(1.5)
    calibrated = keras.Sequential([model, scaling])
    ```
    """

    moves_prior = False

    def __init__(
        self,
        temperature: float | Sequence[float] | np.ndarray,
        bias: float | Sequence[float] | np.ndarray | None = None,
        from_logits: bool | None = None,
        axis: int = -1,
        *,
        multi_label: bool | None = None,
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
        # Plain JSON, as in the configuration.
        self.temperature = _read("temperature", temperature, "a finite number above 0")
        self.bias = optional(_read, "bias", bias, "a finite number")
        self.from_logits = optional(check_boolean, "from_logits", from_logits)
        self.axis = check_whole_number("axis", axis, meaning="the class axis")
        self.multi_label = optional(check_boolean, "multi_label", multi_label)
        self.supports_masking = True
        lengths = [
            len(part)
            for part in (self.temperature, self.bias)
            if isinstance(part, list)
        ]
        if len(set(lengths)) > 1:
            raise ValueError(
                "`bias` must have one number for each number of `temperature`. "
                f"Received: {lengths[1]} for {lengths[0]}"
            )
        self._num_columns = lengths[0] if lengths else None

    @property
    def are_labels(self) -> bool:
        """Whether the layer was told, or found, that the columns are labels."""
        return self.multi_label is True

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """See `keras.layers.Layer`."""
        if source_of(inputs) is not None:
            self._check_shape(inputs.shape)
            self.multi_label = find_multi_label(inputs, self.multi_label)
            self.from_logits = find_from_logits(
                inputs, self.from_logits, self.axis, self.are_labels
            )
        return super().__call__(inputs, *args, **kwargs)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Checks that the inputs have a column for each temperature and bias."""
        self._check_shape(input_shape)

    def call(self, inputs: Any) -> Any:
        """Returns the scaled logits or probabilities."""
        self._check_shape(inputs.shape)
        inputs = ops.cast(inputs, "float32")
        axis = class_axis(self.axis, inputs.shape, "inputs")
        behind = (1,) * (len(inputs.shape) - 1 - axis)
        # Numbers for all columns broadcast as columns do.
        factor = 1 / np.array(self.temperature, "float64").reshape(-1, *behind)
        shift = np.array(self.bias or 0.0, "float64").reshape(-1, *behind)
        factor, shift = ops.cast(factor, "float32"), ops.cast(shift, "float32")
        if self.from_logits is None:
            check_not_probabilities(inputs)
        if self.from_logits is not False:
            scaled = inputs * factor + shift
        elif self._columns_are_labels(inputs.shape[axis]):
            yes = probabilities_or_nan(inputs, "inputs")
            logits = safe_log(yes) - safe_log(1.0 - yes)
            scaled = ops.sigmoid(logits * factor + shift)
        else:
            check_probabilities(inputs, "inputs")
            scaled = ops.softmax(safe_log(inputs) * factor + shift, axis=axis)
            # A compiled step cannot raise an error.
            is_right = ops.expand_dims(are_probabilities(inputs, axis), axis)
            scaled = ops.where(is_right, scaled, float("nan"))
        return ops.cast(scaled, self.compute_dtype)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Returns the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments as plain JSON."""
        return {
            **super().get_config(),
            "temperature": self.temperature,
            "bias": self.bias,
            "from_logits": self.from_logits,
            "axis": self.axis,
            "multi_label": self.multi_label,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Makes the layer from `get_config()`."""
        return super().from_config(read_layer_config(config))

    def _columns_are_labels(self, num_columns: int | None) -> bool:
        if self.multi_label is None and num_columns != 1:
            raise ValueError(
                "`multi_label` must be given where nothing tells whether probabilities "
                "are of labels or of classes. Received: multi_label=None. Pass "
                "`multi_label=False` after a softmax, `multi_label=True` after sigmoids"
            )
        return num_columns == 1 or self.are_labels

    def _check_shape(self, shape: tuple[int | None, ...]) -> None:
        axis = class_axis(self.axis, tuple(shape), "inputs")
        if self._num_columns not in (None, shape[axis]):
            name = "temperature" if isinstance(self.temperature, list) else "bias"
            raise ValueError(
                f"`{name}` must have one number for each column of `inputs`. Received: "
                f"{self._num_columns} for inputs.shape={tuple(shape)}, axis={axis}"
            )


def _read(name: str, value: Any, number: str) -> float | list[float]:
    """Returns a number, or one for each column, as plain JSON."""
    expected = f"{number}, or one for each class, of shape (K,)"
    numbers = check_numbers(name, value, expected)
    is_wrong = ~np.isfinite(numbers)
    if name == "temperature":
        is_wrong |= numbers <= 0
    if numbers.ndim > 1 or not numbers.size or is_wrong.any():
        raise argument_error(name, value, expected)
    return numbers.tolist()
