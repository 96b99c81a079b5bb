"""A weighted sum of losses."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Self, TypeAlias

import keras
from keras import ops

from keras_ccar.arguments import argument_error, check_number, check_text, optional
from keras_ccar.inputs.checks import to_numeric_tensor
from keras_ccar.keras_internals import LossFunctionWrapper, get_keras_mask
from keras_ccar.losses.class_aware_loss import ClassAwareLoss
from keras_ccar.losses.copying import CopiesAttributes
from keras_ccar.serialization import (
    deserialize_argument,
    warn_if_not_reloadable,
    without_reload_warnings,
)

# A loss, the name of one, or a function `(y_true, y_pred) -> loss`.
LossLike: TypeAlias = keras.losses.Loss | str | Callable[..., Any]


@keras.saving.register_keras_serializable(package="keras_ccar")
class WeightedSum(CopiesAttributes, keras.losses.Loss):
    """Weighted sum of losses of one output: `L = Σ_i w_i L_i`.

    Each part is computed as if the model had been compiled with it alone: it gets the
    labels, predictions, masks and sample weights, and reduces its own values over the
    batch. Functions and names are reduced as Keras does, by "sum_over_batch_size".
    Callbacks find the losses of this package in it. With replicas of a `tf.distribute`
    strategy, a part that is one number for the batch is the mean over the replicas.

    Args:
        losses: pairs of a weight and a loss. A weight is any finite number; a part with
            weight 0 is still computed, so that callbacks can follow it. A loss is a
            `keras.losses.Loss`, the name of a Keras loss such as "mse", or a function
            `(y_true, y_pred)` that returns one value for each sample, or one for the
            batch. Register functions of your own, so that saved models can be loaded in
            other processes.
        name: name of the loss.

    Call arguments:
        y_true: labels that all parts take.
        y_pred: predictions that all parts take.
        sample_weight: optional, as the parts take it.

    Raises:
        ValueError: for anything but pairs of a finite number and a loss; when called,
            if the parts reduce to different shapes, and as the parts.

    Warns:
        UserWarning: if another process could not load a part with a saved model.

    Example:
    ```python
    import keras
    import keras_ccar

    @keras.saving.register_keras_serializable(package="mine")
    def dice(y_true, y_pred):
        y = keras.ops.one_hot(keras.ops.cast(y_true, "int32"), 3)
        p = keras.ops.softmax(y_pred)
        return 1 - 2 * keras.ops.sum(y * p) / keras.ops.sum(y + p)

    ccar = keras_ccar.CCARLoss([500, 100, 20], from_logits=True)
    loss = keras_ccar.WeightedSum([(0.5, dice), (1.0, ccar)])
    value = loss([0, 2], [[2.0, 0.5, -1.0], [0.1, 0.2, 0.3]])
    ```
    """

    def __init__(
        self, losses: Sequence[tuple[float, LossLike]], name: str = "weighted_sum"
    ) -> None:
        super().__init__(name=optional(check_text, "name", name))
        if not isinstance(losses, list | tuple) or not losses:
            raise _error("losses", losses, "a list of pairs of a weight and a loss")
        self.losses = [_check_pair(index, pair) for index, pair in enumerate(losses)]

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """See `keras.losses.Loss`."""
        # Keras takes lists for structures of several outputs.
        if isinstance(y_true, list | tuple):
            y_true = to_numeric_tensor("y_true", y_true)
        if isinstance(y_pred, list | tuple):
            y_pred = to_numeric_tensor("y_pred", y_pred)
        values = []
        for weight, loss in self.losses:
            own_weight = sample_weight
            if sample_weight is not None and get_keras_mask(y_pred) is not None:
                # On torch, Keras multiplies masks into it in place.
                own_weight = ops.copy(ops.convert_to_tensor(sample_weight))
            values.append(_reduced(loss)(y_true, y_pred, own_weight) * weight)
        shapes = [tuple(value.shape) for value in values]
        if len(set(shapes)) > 1:
            raise ValueError(
                "`losses` must reduce to the same shape: give all of them the same "
                f"`reduction`. Received: losses of the shapes {shapes}"
            )
        total = values[0]
        for value in values[1:]:
            total = ops.add(total, value)
        return total

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns the sum without sample weights."""
        return self(y_true, y_pred)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments as plain JSON."""
        pairs = [
            [weight, keras.saving.serialize_keras_object(loss)]
            for weight, loss in self.losses
        ]
        return {"losses": pairs, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Makes the loss from `get_config()`."""
        config = dict(config)
        if isinstance(config.get("losses"), list | tuple):
            config["losses"] = [_deserialize_pair(pair) for pair in config["losses"]]
        with without_reload_warnings():
            return cls(**config)


def _deserialize_pair(pair: Any) -> Any:
    """Returns a pair with its loss; the constructor refuses what is none."""
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        return pair
    weight, loss = pair
    return weight, deserialize_argument("losses", loss)


def _check_pair(index: int, pair: Any) -> tuple[float, LossLike]:
    """Returns a pair of a finite number and a loss."""
    name = f"losses[{index}]"
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise _error(name, pair, "a pair of a weight and a loss")
    weight, loss = pair
    try:
        weight = check_number(f"{name}[0]", weight)
    except ValueError as error:
        expected = "the weight of the loss, a finite number"
        raise _error(f"{name}[0]", weight, expected) from error
    is_loss = callable(loss) and not isinstance(loss, type)
    if isinstance(loss, str):
        with contextlib.suppress(ValueError):  # no loss has this name
            is_loss = keras.losses.get(loss) is not None
    if not is_loss:
        expected = "an instance of a loss, the name of one, or a function"
        raise _error(f"{name}[1]", loss, expected)
    warn_if_not_reloadable(f"{name}[1]", loss)
    return weight, loss


def _error(name: str, value: Any, expected: str) -> ValueError:
    advice = (
        "Write `keras_ccar.WeightedSum([(1.0, dice), (1.0, "
        "keras_ccar.CCARLoss(class_counts))])`."
    )
    return argument_error(name, value, expected, advice)


def _reduced(loss: LossLike) -> keras.losses.Loss:
    """Returns what Keras makes of a loss that a model is compiled with.

    It also reduces a single value for the batch, so that Keras divides it among the
    replicas of a `tf.distribute` strategy like all others.
    """
    made = keras.losses.get(loss)
    if not isinstance(made, keras.losses.Loss):
        made = LossFunctionWrapper(made, name=getattr(made, "__name__", "loss"))
    if isinstance(made, ClassAwareLoss | WeightedSum) or made.reduction in (
        None,
        "none",
    ):
        return made

    class Reduced(type(made)):  # type: ignore[misc]
        def call(self, y_true: Any, y_pred: Any) -> Any:
            values = ops.convert_to_tensor(super().call(y_true, y_pred))
            return values if len(values.shape) else ops.reshape(values, (1,))

    reduced = Reduced.__new__(Reduced)
    reduced.__dict__ = made.__dict__  # In all but this method, it is the same loss.
    return reduced
