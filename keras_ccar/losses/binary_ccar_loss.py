"""CCAR for binary and multi-label classification."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ccar.binary_counts import binary_counts
from keras_ccar.frequencies import ClassCounts, ClassPrior, class_prior, replace_zero
from keras_ccar.inputs.binary_targets import check_ignore_value, parse_binary_targets
from keras_ccar.inputs.predictions import probabilities_or_nan
from keras_ccar.inputs.samples import Shape
from keras_ccar.losses.call_state import counted_labels, mask_ignored
from keras_ccar.losses.class_aware_loss import ClassAwareLoss
from keras_ccar.ops.crossentropy import binary_crossentropies
from keras_ccar.weightings import CCARWeighting


@keras.saving.register_keras_serializable(package="keras_ccar")
class BinaryCCARLoss(ClassAwareLoss):
    """Class-confidence-aware reweighting of sigmoid outputs: binary and multi-label.

    Every label is a separate two-class problem. Its frequency `f_c` is the share of
    examples (images, anchors, tokens) that carry it. If the target is 1, the confidence
    is `p` and the frequency `f_c`; if it is 0, they are `1 - p` and `1 - f_c`.
    `L = y Ω(p, f_c) * -log p + (1 - y) Ω(1 - p, 1 - f_c) * -log(1 - p)`.

    Args:
        class_counts: with `num_examples`, the examples that carry each label: a
            sequence of shape `(K,)` or a dict `{label: count}`; K may be 1. Without,
            the examples of both answers: `[no, yes]` for one label, or shape `(K, 2)`,
            as `count_classes(..., multi_label=True)` returns them.
        num_examples: N, the number of examples, one for all labels or of shape `(K,)`
            where labels are known for different examples. None if `class_counts` has
            both answers.
        pivot: ω in (0, 1]: the confidence at which the weight is 1.
        strength: s >= 0; 0 is binary cross-entropy.
        form: as in `CCARLoss`.
        normalize: whether to divide weights by their mean over the batch.
        differentiate_weight: whether gradients also flow through the weight.
        from_logits: whether predictions are logits rather than probabilities.
        label_smoothing: α in [0, 1]: targets become `(1 - α) y + α / 2`.
        ignore_value: the value of unknown targets, such as -1 or NaN. They have loss 0
            and do not count. None if all targets are known.
        reduction: as in every Keras loss, over the labels of all examples.
        name: name of the loss.
        dtype: as in `LongTailedCrossentropy`.

    Call arguments:
        y_true: targets in [0, 1], of the shape of `y_pred`; if K is 1, also without the
            last axis.
        y_pred: predictions `(..., K)`.
        sample_weight: optional, for each label `(..., K)` or for each example.

    Raises:
        ValueError: for counts above `num_examples`, and as `CCARLoss`.

    Reference:
        Jagati et al. 2026, arXiv 2601.15924, with two classes for each label.

    Example:
    ```python
    import keras
    import keras_ccar

    model = keras.Sequential([keras.Input((30,)), keras.layers.Dense(1)])
    model.compile(
        "adam",
        keras_ccar.BinaryCCARLoss(
            class_counts=[492], num_examples=284_807, from_logits=True
        ),
    )
    ```
    """

    class_counts: list[float]
    _fixed_parts = ("weighting",)

    def __init__(
        self,
        class_counts: ClassCounts,
        num_examples: float | Sequence[float] | np.ndarray | None = None,
        pivot: float = 0.75,
        strength: float = 1.0,
        form: str | Callable[..., Any] = "exponential",
        from_logits: bool = False,
        name: str = "binary_ccar",
        *,
        normalize: bool = False,
        differentiate_weight: bool = False,
        label_smoothing: float = 0.0,
        ignore_value: float | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            weighting=CCARWeighting(pivot, strength, form),
            normalize=normalize,
            differentiate_weight=differentiate_weight,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            reduction=reduction,
            name=name,
            dtype=dtype,
        )
        counts, self.num_examples = binary_counts(class_counts, num_examples)
        # The statistics have 2K classes: with and without each label.
        self._prior = class_prior(counts.ravel())
        self.statistics_counts = counts.ravel().tolist()
        self.class_counts = self._prior.counts[: counts.shape[1]]
        self.ignore_value = check_ignore_value(ignore_value)

    def class_summary(self, statistics: Any) -> dict[str, np.ndarray]:
        """Returns the statistics of positives, and of negatives as `negative_...`."""
        summary = {}
        for name, values in super().class_summary(statistics).items():
            summary[name], summary[f"negative_{name}"] = values.reshape(2, -1)
        negative = summary.pop("negative_frequency")
        summary["frequency"] = summary["frequency"] / (summary["frequency"] + negative)
        return summary

    def loss_shape(self, shape: Shape) -> Shape:
        """See `ClassAwareLoss`."""
        return shape

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns one loss for each label, in the shape of `y_pred`."""
        y_true, counted = counted_labels(self, y_true)
        y_pred = ops.convert_to_tensor(y_pred, dtype=self.dtype)
        targets = parse_binary_targets(
            y_true, y_pred, len(self.class_counts), self.ignore_value, counted
        )
        if not self.from_logits:
            y_pred = probabilities_or_nan(y_pred)
        # The axis before the last holds the two classes of each label.
        terms = binary_crossentropies(y_pred, self.from_logits)
        share = ops.stack([targets.values, 1.0 - targets.values], axis=-2)
        mass = share
        if targets.counted is not None:
            mass = share * ops.expand_dims(targets.counted, -2)
        weight = self.compute_weights(ops.exp(-terms), self._label_priors(), mass)
        share = (1.0 - self.label_smoothing) * share + self.label_smoothing / 2
        losses = ops.sum(share * weight * terms, axis=-2)
        if targets.is_known is not None:
            losses = ops.where(targets.is_known, losses, ops.zeros_like(losses))
            mask_ignored(self, losses, targets.is_known)
        return losses

    def _label_priors(self) -> ClassPrior:
        """Returns the priors of all labels: frequencies `(2, K)`, examples `(K,)`."""
        frequency, num_examples = self.current_prior()
        rows = ops.reshape(frequency, (2, -1))
        total = ops.sum(rows, axis=0)
        return ClassPrior(rows / replace_zero(total, 1.0), total * num_examples)

    def _own_config(self) -> dict[str, Any]:
        return {
            **super()._own_config(),
            "num_examples": self.num_examples,
            "ignore_value": self.ignore_value,
        }
