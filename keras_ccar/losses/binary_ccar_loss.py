"""CCAR for binary and multi-label classification."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ccar.frequencies import (
    ClassCounts,
    ClassPrior,
    class_prior,
    positive_and_negative_counts,
)
from keras_ccar.inputs.checks import check_number
from keras_ccar.inputs.labels import standardize_binary_targets
from keras_ccar.inputs.predictions import check_probabilities
from keras_ccar.inputs.samples import Shape, unpack_labels
from keras_ccar.losses.class_aware_loss import ClassAwareLoss
from keras_ccar.ops.crossentropy import binary_crossentropies
from keras_ccar.ops.numerics import clip_min
from keras_ccar.weightings import CCARWeighting


@keras.saving.register_keras_serializable(package="keras_ccar")
class BinaryCCARLoss(ClassAwareLoss):
    """Class-confidence-aware reweighting of sigmoid outputs: binary and multi-label.

    Every label is a separate two-class problem. Its frequency `f_c` is the share of
    examples (images, anchors, tokens) that carry it. If the target is 1, the confidence
    is `p` and the frequency `f_c`; if it is 0, they are `1 - p` and `1 - f_c`.
    `L = y Ω(p, f_c) * -log p + (1 - y) Ω(1 - p, 1 - f_c) * -log(1 - p)`.

    Args:
        class_counts: examples that carry each label: a sequence of shape `(K,)` or a
            dict `{label: count}`. K may be 1.
        num_examples: N, the total number of examples.
        pivot: ω in (0, 1]: the confidence at which the weight is 1.
        strength: s >= 0; 0 is binary cross-entropy.
        form: as in `CCARLoss`.
        normalize: whether to divide weights by their mean over the batch.
        differentiate_weight: whether gradients also flow through the weight.
        from_logits: whether predictions are logits rather than probabilities.
        label_smoothing: α in [0, 1]: targets become `(1 - α) y + α / 2`.
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
        num_examples: float,
        pivot: float = 0.75,
        strength: float = 1.0,
        form: str | Callable[..., Any] = "exponential",
        from_logits: bool = False,
        name: str = "binary_ccar",
        *,
        normalize: bool = False,
        differentiate_weight: bool = False,
        label_smoothing: float = 0.0,
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
        self.num_examples = check_number("num_examples", num_examples, 1)
        # The statistics have 2K classes: with and without each label.
        counts = positive_and_negative_counts(class_counts, self.num_examples)
        self.statistics_counts = counts.tolist()
        self._prior = class_prior(counts)
        self.class_counts = self._prior.counts[: len(counts) // 2]

    def class_summary(self) -> dict[str, np.ndarray]:
        """Returns the statistics of positives, and of negatives as `negative_...`."""
        summary = {}
        for name, values in self.statistics.class_summary().items():
            summary[name], summary[f"negative_{name}"] = values.reshape(2, -1)
        negative = summary.pop("negative_frequency")
        summary["frequency"] = summary["frequency"] / (summary["frequency"] + negative)
        return summary

    def loss_shape(self, shape: Shape) -> Shape:
        """See `ClassAwareLoss`."""
        return shape

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns one loss for each label, in the shape of `y_pred`."""
        y_true, counted = unpack_labels(y_true)
        y_pred = ops.convert_to_tensor(y_pred, dtype=self.dtype)
        num_labels = len(self.class_counts)
        y_true = standardize_binary_targets(y_true, y_pred, num_labels, counted)
        if not self.from_logits:
            check_probabilities(y_pred)
        # The axis before the last holds the two classes of each label.
        terms = binary_crossentropies(y_pred, self.from_logits)
        share = ops.stack([y_true, 1.0 - y_true], axis=-2)
        mass = share if counted is None else share * ops.expand_dims(counted, -2)
        rows = ops.reshape(self.current_prior().frequency, (2, -1))
        total = clip_min(ops.sum(rows, axis=0), self._prior.floor)
        prior = ClassPrior(rows / total, self.num_examples)
        weight = self.compute_weights(ops.exp(-terms), prior, mass)
        share = (1.0 - self.label_smoothing) * share + self.label_smoothing / 2
        losses = ops.sum(share * weight * terms, axis=-2)
        # A compiled step cannot raise an error for an invalid target: NaN shows it.
        is_target = (y_true >= 0) & (y_true <= 1)
        return ops.where(is_target, losses, float("nan"))

    def _own_config(self) -> dict[str, Any]:
        return {**super()._own_config(), "num_examples": self.num_examples}
