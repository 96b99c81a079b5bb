"""Post hoc logit adjustment, as the last layer of a trained model."""

import warnings
from typing import Any, Self

import keras
import numpy as np
from keras import ops

from keras_ccar.arguments import (
    check_boolean,
    check_number,
    check_whole_number,
    optional,
)
from keras_ccar.frequencies import ClassCounts, class_prior, format_class_list
from keras_ccar.inputs.predictions import (
    are_probabilities,
    check_num_classes,
    check_probabilities,
    class_axis,
)
from keras_ccar.keras_internals import source_of
from keras_ccar.layers.keras_arguments import (
    check_layer_arguments,
    read_layer_config,
)
from keras_ccar.layers.kind_of_input import (
    ONE_COLUMN,
    check_not_probabilities,
    find_from_logits,
)
from keras_ccar.layers.model_output import KeepsActivation
from keras_ccar.losses.search import find_losses
from keras_ccar.ops.numerics import safe_log


@keras.saving.register_keras_serializable(package="keras_ccar")
class LogitCorrection(KeepsActivation, keras.layers.Layer):
    """Corrects the logits of a trained model: `z - τ log f + τ log g`.

    Takes the class prior `f` of the training data out of the logits of a model that was
    trained with plain cross-entropy and, if it is known, puts in the prior `g` of the
    data to predict. A model that was trained with an adjusted loss, such as
    `BalancedSoftmaxLoss`, needs no correction: the prior would be taken out twice.

    The classes must exclude each other. A single yes-or-no output needs two columns,
    which the error about it shows how to make.

    Args:
        class_counts: training examples of each class: a sequence of shape `(K,)` or a
            dict `{class: count}`.
        tau: τ >= 0, how much of the priors to apply.
        target_prior: g, the class frequencies of the data to predict, of shape `(K,)`,
            none of them 0; None for a balanced distribution.
        from_logits: whether inputs and outputs are logits rather than probabilities.
            None reads it from the activation of the layer that the inputs come from,
            or the loss that their model was compiled with, and keeps what it found,
            also in saved models. Arrays and other eager tensors are taken for logits,
            unless all of them are in [0, 1], which is an error. Where nothing tells,
            as in the `call` of a subclassed model, give True or False.
        axis: the class axis of inputs.
        name: as in every Keras layer.
        trainable: as in every Keras layer.
        dtype: as in every Keras layer.
        autocast: as in every Keras layer.
        activity_regularizer: as in every Keras layer.

    Input shape:
        `(..., K)`.

    Output shape:
        The same.

    Raises:
        ValueError: for arguments other than these, and for classes with a count or
            prior of 0. When applied: for inputs with another number of
            classes, after a sigmoid, or that `from_logits` does not fit. In a compiled
            step, inputs outside of [0, 1] with `from_logits=False` become NaN.

    Warns:
        UserWarning: if the layer is applied to a model that was compiled with an
            adjusted loss of this package.

    Reference:
        Menon et al. 2021, arXiv 2007.07314, Eq. 9; Saerens et al. 2002, "Adjusting the
        Outputs of a Classifier to New a Priori Probabilities", for g.

    Example:
    ```python
    import keras
    import keras_ccar

    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3)])
    corrected = keras.Sequential(
        [model, keras_ccar.LogitCorrection([500, 100, 20], tau=1.0)]
    )
    ```
    """

    def __init__(
        self,
        class_counts: ClassCounts,
        tau: float = 1.0,
        target_prior: ClassCounts | None = None,
        from_logits: bool | None = None,
        axis: int = -1,
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
        trained_on = class_prior(class_counts)
        frequency = trained_on.frequency
        target = np.ones_like(frequency)
        if target_prior is not None:
            target = class_prior(target_prior, "target_prior").frequency
        if target.shape != frequency.shape:
            raise ValueError(
                "`target_prior` must have one entry for each class. Received: "
                f"{len(target)} entries for {len(frequency)} classes"
            )
        for name, prior in (("class_counts", frequency), ("target_prior", target)):
            if not prior.all():
                raise ValueError(
                    f"`{name}` must be above 0 for its logarithm. Received: 0 for "
                    f"{format_class_list(prior == 0)}. Add 1 to the counts of all "
                    "classes."
                )
        self.class_counts = trained_on.counts
        self.tau = check_number("tau", tau, 0)
        self.target_prior = None if target_prior is None else target.tolist()
        self.from_logits = optional(check_boolean, "from_logits", from_logits)
        self.axis = check_whole_number("axis", axis, meaning="the class axis")
        self.supports_masking = True
        self._correction = self.tau * (np.log(target) - np.log(frequency))

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """See `keras.layers.Layer`."""
        source = source_of(inputs)
        if source is not None:
            self._check_shape(inputs.shape)
            warn_if_adjusted(source[0], stacklevel=2)
            self.from_logits = find_from_logits(inputs, self.from_logits, self.axis)
        return super().__call__(inputs, *args, **kwargs)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Checks that the inputs have the classes of `class_counts`."""
        self._check_shape(input_shape)

    def call(self, inputs: Any) -> Any:
        """Returns the corrected logits or probabilities."""
        self._check_shape(inputs.shape)
        inputs = ops.cast(inputs, "float32")
        axis = class_axis(self.axis, inputs.shape, "inputs")
        behind = (1,) * (len(inputs.shape) - 1 - axis)
        correction = ops.cast(self._correction.reshape(-1, *behind), "float32")
        if self.from_logits is None:
            check_not_probabilities(inputs)
        if self.from_logits is not False:
            return ops.cast(inputs + correction, self.compute_dtype)
        check_probabilities(inputs, "inputs")
        corrected = ops.softmax(safe_log(inputs) + correction, axis=axis)
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
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Makes the layer from `get_config()`."""
        return super().from_config(read_layer_config(config))

    def _check_shape(self, shape: tuple[int | None, ...]) -> None:
        check_num_classes(
            tuple(shape),
            len(self.class_counts),
            self.axis,
            predictions="inputs",
            one_column=ONE_COLUMN,
        )


def warn_if_adjusted(model: Any, stacklevel: int) -> None:
    """Warns if a model to correct was compiled with an adjusted loss of this package.

    Ignores anything but a `keras.Model`. The stack level is that of the caller.
    """
    for loss in find_losses(getattr(model, "loss", None)):
        if getattr(loss, "adjustment", None):
            warnings.warn(
                f"The model was compiled with {type(loss).__name__}, which adjusts its "
                "logits in training: correcting them again would apply the prior "
                "twice. Leave `LogitCorrection` out, or only correct for a target "
                "prior, with `class_counts` of ones.",
                stacklevel=stacklevel + 1,
            )
