"""Label smoothing that depends on how frequent the class of a label is."""

from typing import Any, Self

import keras
import numpy as np
from keras import ops

from keras_ccar.arguments import argument_error, check_choice, check_number
from keras_ccar.frequencies import ClassPrior, require_class_counts
from keras_ccar.serialization import warn_if_not_reloadable

FORMS = ("concave", "linear", "convex")


@keras.saving.register_keras_serializable(package="keras_ccar")
class LabelAwareSmoothing:
    """Smooths the labels of frequent classes more than those of rare ones.

    Networks are most overconfident of the classes that they saw most. A label of class
    `y` becomes `1 - ε_y` on `y` and `ε_y / (K - 1)` on each of the other classes, where
    `ε` rises from `tail` for the rarest class to `head` for the most frequent one. Pass
    it as `label_smoothing` to any softmax loss of this package. Distributions are
    smoothed as the mixture of labels that they are. If all classes have the same
    number of examples, `ε` is `tail`.

    Args:
        head: ε of the most frequent class, in [0, 1], at least `tail`.
        tail: ε of the rarest class.
        form: how ε rises with the number of examples: "concave" (a quarter of a sine,
            fast at first), "linear", or "convex" (slow at first).

    Raises:
        ValueError: for arguments other than these; from the loss, if it has no
            `class_counts`.

    Reference:
        Zhong et al. 2021 (MiSLAS), arXiv 2104.00466, Eq. 5 and 6.

    Example:
    ```python
    import keras_ccar
    from keras_ccar.adjustments import LabelAwareSmoothing

    loss = keras_ccar.LongTailedCrossentropy(
        [500, 100, 20],
        label_smoothing=LabelAwareSmoothing(head=0.4, tail=0.1),
        from_logits=True,
    )
    value = loss([0, 2], [[2.0, 0.5, -1.0], [0.1, 0.2, 0.3]])
    ```
    """

    def __init__(
        self, head: float = 0.4, tail: float = 0.1, form: str = "concave"
    ) -> None:
        self.head = check_number("head", head, 0, 1)
        self.tail = check_number("tail", tail, 0, 1)
        self.form = check_choice("form", form, FORMS)
        if self.tail > self.head:
            raise argument_error(
                "tail",
                tail,
                f"at most `head`, which is {self.head:g}",
                "Labels of frequent classes are smoothed more than those of rare ones.",
            )

    def amounts(self, prior: ClassPrior) -> Any:
        """Returns ε of each class, a tensor of shape `(K,)`."""
        frequency = ops.convert_to_tensor(prior.frequency)
        rarest, most = ops.min(frequency), ops.max(frequency)
        span = ops.where(most > rarest, most - rarest, ops.ones_like(most))
        position = (frequency - rarest) / span
        if self.form == "concave":
            position = ops.sin(position * (np.pi / 2))
        elif self.form == "convex":
            # sin(3π/2 + x) = -cos x
            position = 1.0 - ops.cos(position * (np.pi / 2))
        return self.tail + (self.head - self.tail) * position

    def smooth(self, distributions: Any, prior: ClassPrior) -> Any:
        """Returns smoothed labels.

        Args:
            distributions: tensor of shape `(..., K)`.
            prior: the `keras_ccar.frequencies.ClassPrior` of the training data.
        """
        amounts = ops.cast(self.amounts(prior), distributions.dtype)
        taken = distributions * amounts
        # Each class gets an equal share of what is taken from the others.
        others = ops.sum(taken, axis=-1, keepdims=True) - taken
        return distributions - taken + others / (distributions.shape[-1] - 1)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments as plain JSON."""
        return {"head": self.head, "tail": self.tail, "form": self.form}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Makes the smoothing from `get_config()`."""
        return cls(**config)


def get(value: Any) -> float | LabelAwareSmoothing:
    """Returns the argument `label_smoothing` of a softmax loss, checked."""
    if isinstance(value, LabelAwareSmoothing):
        warn_if_not_reloadable("label_smoothing", value)
        return value
    return check_number(
        "label_smoothing",
        value,
        0,
        1,
        "or a `keras_ccar.adjustments.LabelAwareSmoothing`",
    )


def check(value: float | LabelAwareSmoothing, prior: ClassPrior | None) -> None:
    """Raises a `ValueError` for a smoothing that needs class counts, without them."""
    if isinstance(value, LabelAwareSmoothing):
        require_class_counts(prior, type(value).__name__)
