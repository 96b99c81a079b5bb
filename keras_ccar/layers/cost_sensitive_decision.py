"""The decision with the smallest expected cost, as the last layer of a model."""

from collections.abc import Sequence
from typing import Any, Self

import keras
import numpy as np
from keras import ops

from keras_ccar.arguments import check_boolean, optional
from keras_ccar.keras_internals import source_of
from keras_ccar.layers.costs import check_costs, regrets
from keras_ccar.layers.decides import Decides
from keras_ccar.layers.decision_inputs import (
    find_input_kind,
    mark_unknown,
    probabilities_of_classes,
    probabilities_of_labels,
)
from keras_ccar.layers.keras_arguments import (
    check_float32_layer_arguments,
    read_layer_config,
)
from keras_ccar.layers.model_output import has_prior_of_data, origin_of
from keras_ccar.layers.prior_warning import warn_if_costs_lack_prior

_OF_EACH_LABEL = (
    "give each label the threshold `fp / (fp + fn)` of its two costs, those of a false "
    "yes and of a false no, with `keras_ccar.layers.Thresholds`."
)
_ONE_LABEL = (
    "End the model in a softmax over the classes or, if the columns are labels, "
    f"{_OF_EACH_LABEL}"
)
_ONE_COLUMN = "The softmax of one column is always 1: end the model in a sigmoid."


@keras.saving.register_keras_serializable(package="keras_ccar")
class CostSensitiveDecision(Decides, keras.layers.Layer):
    """Decides for the class with the smallest expected cost, `argmin_j Σ p_i c_ij`.

    The cost `c_ij` is that of answering `j` where the truth is `i`. For costs of 1 for
    every mistake this is the most probable class. The decision is the best one if the
    probabilities are those of the data to decide on: calibrate them before, and correct
    a model that was rebalanced in training with `LogitCorrection(...,
    trained_prior="balanced")`. You are warned where its loss tells that it was.

    Costs of shape (2, 2), `[[c_no_no, c_no_yes], [c_yes_no, c_yes_yes]]`, also decide
    on one column of a sigmoid: yes from the probability `fp / (fp + fn)` on, where `fp`
    is what a wrong yes costs more than the right no, and `fn` what a wrong no costs
    more than the right yes.

    Args:
        costs: finite numbers of shape `(K, K)`; `costs[i][j]` is the cost of answering
            class `j` where the truth is class `i`. The diagonal is usually 0; negative
            costs are gains.
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
        `(..., K)`; `(..., 1)` for one yes-or-no label with costs of shape (2, 2).

    Output shape:
        The same: 1 for the decision, 0 for the other classes; of one label, 1 for yes.
        Of answers that cost the same, the first class is taken, and yes. A row is NaN
        where its input is or, in a compiled step with `from_logits=False`, where it is
        outside of [0, 1].

    Raises:
        ValueError: for arguments other than these, for costs that are the same for
            every answer, and for gains, by which no wrong answer costs more than the
            right one. When applied: for inputs with another number of classes, of
            several yes-or-no labels, and for inputs that `from_logits` does not fit.

    Warns:
        UserWarning: if the layer is applied without a correction to a model that this
            package rebalanced, by a loss or by `posthoc.retrain_classifier`.

    Reference:
        Elkan 2001, "The Foundations of Cost-Sensitive Learning", Eq. 1 and 2.

    Example:
    ```python
    import keras
    from keras_ccar.layers import CostSensitiveDecision

    # To miss class 2 costs 20 times as much as other mistakes.
    costs = [[0, 1, 1], [1, 0, 1], [20, 20, 0]]
    model = keras.Sequential(
        [keras.Input((8,)), keras.layers.Dense(3, activation="softmax")]
    )
    decisions = keras.Sequential([model, CostSensitiveDecision(costs)])
    layer = CostSensitiveDecision(costs, from_logits=False)
    answer = keras.ops.convert_to_numpy(layer(keras.ops.array([[0.6, 0.3, 0.1]])))
    assert answer.tolist() == [[0, 0, 1]]
    ```
    """

    def __init__(
        self,
        costs: Sequence[Sequence[float]] | np.ndarray,
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
        numbers = check_costs(costs)
        self.costs = numbers.tolist()
        self._regrets = regrets(numbers).astype("float32")
        self.from_logits = optional(check_boolean, "from_logits", from_logits)
        self.supports_masking = True

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """See `keras.layers.Layer`."""
        if source_of(inputs) is not None:
            self._check_shape(inputs.shape)
            is_label = inputs.shape[-1] == 1
            self.from_logits = find_input_kind(
                inputs,
                self.from_logits,
                is_label,
                "CostSensitiveDecision",
                _ONE_COLUMN if is_label else _ONE_LABEL,
            )
            if not has_prior_of_data(inputs):
                warn_if_costs_lack_prior(origin_of(inputs)[0], 2)
        return super().__call__(inputs, *args, **kwargs)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Checks that the inputs have the classes of `costs`."""
        self._check_shape(input_shape)

    def call(self, inputs: Any) -> Any:
        """Returns the decisions."""
        self._check_shape(inputs.shape)
        costs = self._regrets
        if inputs.shape[-1] == 1:
            yes = probabilities_of_labels(inputs, self.from_logits)
            # Each row has one cost of 0, that of its better answer.
            of_yes = (1.0 - yes) * float(costs[0, 1]) + yes * float(costs[1, 1])
            of_no = (1.0 - yes) * float(costs[0, 0]) + yes * float(costs[1, 0])
            decisions = ops.cast(of_yes <= of_no, self.compute_dtype)
            return mark_unknown(decisions, yes)
        probabilities = probabilities_of_classes(inputs, self.from_logits)
        expected = ops.matmul(probabilities, ops.convert_to_tensor(costs))
        decisions = ops.one_hot(
            ops.argmin(expected, axis=-1), len(costs), dtype=self.compute_dtype
        )
        return mark_unknown(decisions, ops.sum(probabilities, -1, keepdims=True))

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Returns the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments as plain JSON."""
        return {
            **super().get_config(),
            "costs": self.costs,
            "from_logits": self.from_logits,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Makes the layer from `get_config()`."""
        return super().from_config(read_layer_config(config))

    def _check_shape(self, shape: tuple[int | None, ...]) -> None:
        fitting = (len(self.costs), 1) if len(self.costs) == 2 else (len(self.costs),)
        if len(shape) < 2 or shape[-1] not in fitting:
            advice = ""
            if len(self.costs) == 2 and len(shape) > 1:
                advice = f". If these are costs of no and yes: {_OF_EACH_LABEL}"
            raise ValueError(
                "`costs` must have one row and one column for each class on the last "
                f"axis of `inputs`. Received: costs of shape {np.shape(self.costs)} "
                f"and inputs.shape={tuple(shape)}{advice}"
            )
