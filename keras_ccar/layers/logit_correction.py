"""Post hoc logit adjustment, as the last layer of a trained model."""

from typing import Any, Self

import keras
from keras import ops

from keras_ccar.arguments import (
    check_boolean,
    check_number,
    check_whole_number,
    optional,
)
from keras_ccar.binary_counts import NumExamples
from keras_ccar.frequencies import ClassCounts
from keras_ccar.inputs.predictions import (
    are_probabilities,
    check_num_classes,
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
    ONE_COLUMN,
    check_not_probabilities,
    find_from_logits,
)
from keras_ccar.layers.model_output import KeepsActivation, origin_of, tensor_activation
from keras_ccar.layers.prior_shift import PriorShift
from keras_ccar.layers.prior_warning import warn_if_rebalanced
from keras_ccar.ops.numerics import safe_log
from keras_ccar.output_counts import read_output_counts


@keras.saving.register_keras_serializable(package="keras_ccar")
class LogitCorrection(KeepsActivation, keras.layers.Layer):
    """Corrects the logits of a trained model: `z - τ log t + τ log g`.

    Takes the prior `t` that training saw out of the logits, and puts in the prior `g`
    of the data to predict. For classes that exclude each other (softmax) the priors are
    class frequencies. For yes-or-no labels (sigmoid) each label has a prior of its own,
    the share of *yes*: `z - τ log(t / (1 - t)) + τ log(g / (1 - g))`. The counts tell
    which of the two is meant; `[no, yes]` is one label if the input has one column, and
    two classes if it has two.

    Two uses, of training data with the prior `f` of `class_counts`:

    - A model that was trained on the data as they are (`t = f`, the default), for
      balanced predictions (the default) or data with another `target_prior`.
    - A model that was rebalanced in training, by weights, resampling or an adjusted
      loss, such as `BalancedSoftmaxLoss`: give `trained_prior`, the prior that training
      saw instead, `"balanced"` in most cases. Then `g` is `f` by default, and
      probabilities mean what they say again. For balanced predictions such a model
      needs no correction.

    Args:
        class_counts: examples of each class in the training data, before any
            rebalancing: a sequence of shape `(K,)` or a dict `{class: count}`. For
            labels, those of no and yes: `[no, yes]` of one label, or shape `(K, 2)`, as
            `count_classes(..., multi_label=True)` returns them. With `num_examples`,
            those that carry each label, `(K,)`.
        tau: τ >= 0, how much of the priors to apply.
        target_prior: g. Frequencies of classes, of shape `(K,)`, none of them 0; shares
            of yes in (0, 1), a number for all labels or of shape `(K,)`. None for
            balanced classes and shares of one half or, with `trained_prior`, for f.
        from_logits: whether inputs and outputs are logits rather than probabilities.
            None reads it from the activation of the layer that the inputs come from,
            or the loss that their model was compiled with, and keeps what it found,
            also in saved models. Arrays and other eager tensors are taken for logits,
            unless all of them are in [0, 1], which is an error. Where nothing tells,
            as in the `call` of a subclassed model, give True or False.
        axis: the class axis of inputs.
        num_examples: N, the number of examples of labels, one for all or of shape
            `(K,)`. None if `class_counts` has both answers, and for classes.
        trained_prior: t, in the same form as `target_prior`, or `"balanced"`. None for
            f.
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
        ValueError: for arguments other than these, and for classes with a count or
            prior of 0, labels with a share of 0 or 1. When applied: for inputs with
            another number of columns, for counts of classes after a sigmoid or a binary
            loss, counts of labels after a softmax, and inputs that `from_logits` does
            not fit. In a compiled step, inputs outside of [0, 1] with
            `from_logits=False` become NaN.

    Warns:
        UserWarning: if the layer is applied without `trained_prior` to a model that
            this package rebalanced, by a loss or by `posthoc.retrain_classifier`.

    Reference:
        Menon et al. 2021, arXiv 2007.07314, Eq. 9; Saerens et al. 2002, "Adjusting the
        Outputs of a Classifier to New a Priori Probabilities", for g; King and Zeng
        2001, "Logistic Regression in Rare Events Data", Eq. 7, for one label.

    Example:
    ```python
    import keras
    import keras_ccar

    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3)])
    corrected = keras.Sequential(
        [model, keras_ccar.LogitCorrection([500, 100, 20], tau=1.0)]
    )
    # One sigmoid, trained with `class_weight`: probabilities for the data as they are.
    detector = keras.Sequential(
        [keras.Input((8,)), keras.layers.Dense(1, activation="sigmoid")]
    )
    calibrated = keras.Sequential(
        [detector, keras_ccar.LogitCorrection([990, 10], trained_prior="balanced")]
    )
    ```
    """

    def __init__(
        self,
        class_counts: ClassCounts,
        tau: float = 1.0,
        target_prior: float | ClassCounts | None = None,
        from_logits: bool | None = None,
        axis: int = -1,
        *,
        num_examples: NumExamples = None,
        trained_prior: float | str | ClassCounts | None = None,
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
        self._counts = read_output_counts(class_counts, num_examples)
        self.prior_shift = PriorShift(self._counts, trained_prior, target_prior)
        self.class_counts = self._counts.class_counts
        self.num_examples = self._counts.num_examples
        self.trained_prior = self.prior_shift.trained_prior
        self.target_prior = self.prior_shift.target_prior
        self.tau = check_number("tau", tau, 0)
        self.moves_prior = self.tau > 0
        self.from_logits = optional(check_boolean, "from_logits", from_logits)
        self.axis = check_whole_number("axis", axis, meaning="the class axis")
        self.supports_masking = True

    @property
    def are_labels(self) -> bool:
        """Whether the counts are of labels whatever the number of columns."""
        return self._counts.are_labels

    def fits(self, num_columns: int | None) -> bool:
        """Whether the counts are those of an output with so many columns."""
        return self._counts.fit(num_columns)

    def corrects_labels(self, num_columns: int | None) -> bool:
        """Whether the columns of an output count as yes-or-no labels."""
        return self._counts.mean_labels(num_columns)

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """See `keras.layers.Layer`."""
        if source_of(inputs) is not None:
            self._check_shape(inputs.shape)
            if not tensor_activation(inputs)[1]:  # else the first correction was told
                warn_if_rebalanced(origin_of(inputs)[0], self.trained_prior, 2)
            are_labels = self._counts.mean_labels(inputs.shape[self.axis])
            self.from_logits = find_from_logits(
                inputs, self.from_logits, self.axis, are_labels
            )
        return super().__call__(inputs, *args, **kwargs)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Checks that the inputs have the classes of `class_counts`."""
        self._check_shape(input_shape)

    def call(self, inputs: Any) -> Any:
        """Returns the corrected logits or probabilities."""
        self._check_shape(inputs.shape)
        inputs = ops.cast(inputs, "float32")
        axis = class_axis(self.axis, inputs.shape, "inputs")
        num_columns = inputs.shape[axis]
        behind = (1,) * (len(inputs.shape) - 1 - axis)
        shift = self.tau * self.prior_shift.of_columns(num_columns).reshape(-1, *behind)
        shift = ops.cast(shift, "float32")
        if self.from_logits is None:
            check_not_probabilities(inputs)
        if self.from_logits is not False:
            corrected = inputs + shift
        elif self._counts.mean_labels(num_columns):
            yes = probabilities_or_nan(inputs, "inputs")
            corrected = ops.sigmoid(safe_log(yes) - safe_log(1.0 - yes) + shift)
        else:
            check_probabilities(inputs, "inputs")
            corrected = ops.softmax(safe_log(inputs) + shift, axis=axis)
            # A compiled step cannot raise an error.
            is_right = ops.expand_dims(are_probabilities(inputs, axis), axis)
            corrected = ops.where(is_right, corrected, float("nan"))
        return ops.cast(corrected, self.compute_dtype)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Returns the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments as plain JSON."""
        return {
            **super().get_config(),
            "class_counts": self.class_counts,
            "tau": self.tau,
            "target_prior": self.target_prior,
            "from_logits": self.from_logits,
            "axis": self.axis,
            "num_examples": self.num_examples,
            "trained_prior": self.trained_prior,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Makes the layer from `get_config()`."""
        return super().from_config(read_layer_config(config))

    def _check_shape(self, shape: tuple[int | None, ...]) -> None:
        axis = class_axis(self.axis, tuple(shape), "inputs")
        if len(shape) > 1 and self._counts.fit(shape[axis]):
            return
        check_num_classes(
            tuple(shape),
            self._counts.num_columns,
            self.axis,
            predictions="inputs",
            one_column=ONE_COLUMN,
        )
