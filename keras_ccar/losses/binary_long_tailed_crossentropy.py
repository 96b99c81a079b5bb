"""The loss behind all sigmoid losses: adjustment, cross-entropy, weight."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ccar import adjustments
from keras_ccar.adjustments import Adjustment
from keras_ccar.binary_counts import NumExamples, binary_counts, prior_by_label
from keras_ccar.frequencies import ClassCounts, class_prior
from keras_ccar.inputs.binary_targets import check_ignore_value, parse_binary_targets
from keras_ccar.inputs.predictions import probabilities_or_nan
from keras_ccar.inputs.samples import Shape
from keras_ccar.losses.call_state import counted_labels, mask_ignored
from keras_ccar.losses.class_aware_loss import ClassAwareLoss
from keras_ccar.ops.crossentropy import probability_terms, sigmoid_terms
from keras_ccar.ops.numerics import safe_log
from keras_ccar.weightings.base import Normalize, Weighting
from keras_ccar.weightings.normalized_weights import compute_side_weights

# A number for yes and one for no, of shape `(..., K)` each.
Sides = Sequence[Any]


@keras.saving.register_keras_serializable(package="keras_ccar")
class BinaryLongTailedCrossentropy(ClassAwareLoss):
    """Binary cross-entropy of adjusted logits, weighted by confidence and frequency.

    The sigmoid half of `LongTailedCrossentropy`, with the same parts. Every label is a
    problem of two classes, yes and no, whose frequencies are `f`, the share of examples
    that carry the label, and `1 - f`:
    `L = y w(p, f) * -log p + (1 - y) w(1 - p, 1 - f) * -log(1 - p)`.
    Here `p` is the sigmoid of the adjusted logit; `LogitAdjustment` makes it
    `z + τ log(f / (1 - f))`. With neither weighting nor adjustment this is binary
    cross-entropy.

    Args:
        class_counts: the examples of both answers: `[no, yes]` of one label, a dict
            `{0: no, 1: yes}`, or shape `(K, 2)` of K labels, as
            `count_classes(..., multi_label=True)` returns them. With `num_examples`,
            the examples that carry each label: a sequence of shape `(K,)` or a dict
            `{label: count}`; K may be 1. May be None if neither part needs them.
        num_examples: N, the number of examples, one for all labels or of shape `(K,)`
            where labels are known for different examples. None if `class_counts` has
            both answers.
        weighting: a `keras_ccar.weightings.Weighting`, a callable
            `(p_t, f_c) -> weight`, or None for weight 1.
        adjustment: a `keras_ccar.adjustments.Adjustment`, or None.
        ignore_value: the value of unknown targets, such as -1 or NaN. They have loss 0
            and do not count. `count_classes` calls it `ignore_class`.
        from_logits: whether predictions are logits rather than probabilities.
        name: name of the loss.
        normalize: as in `LongTailedCrossentropy`. The mean over the batch is that of
            all labels of all examples.
        differentiate_weight: whether gradients also flow through the weight.
        label_smoothing: α in [0, 1]: targets become `(1 - α) y + α / 2`.
        reduction: as in every Keras loss, over the labels of all examples.
        dtype: as in `LongTailedCrossentropy`.

    Call arguments:
        y_true: targets in [0, 1], of the shape of `y_pred`; if K is 1, also without the
            last axis.
        y_pred: predictions `(..., K)`.
        sample_weight: optional, for each label `(..., K)` or for each example.

    Raises:
        ValueError: for arguments other than these, and for counts above
            `num_examples`. When called: for shapes that do not fit and, outside a
            compiled step, for invalid targets and probabilities. In a compiled step
            these make the loss NaN.
        TypeError: for a weighting or an adjustment of another type.

    Warns:
        UserWarning: as `LongTailedCrossentropy`.

    Example:
    ```python
    import keras
    import keras_ccar
    from keras_ccar.adjustments import LogitAdjustment

    model = keras.Sequential([keras.Input((30,)), keras.layers.Dense(1)])
    loss = keras_ccar.BinaryLongTailedCrossentropy(
        class_counts=[284_315, 492],
        adjustment=LogitAdjustment(tau=1.0),
        from_logits=True,
    )
    model.compile("adam", loss)
    ```
    """

    sibling = "LongTailedCrossentropy"

    def __init__(
        self,
        class_counts: ClassCounts | None,
        num_examples: NumExamples = None,
        weighting: Weighting | Callable[..., Any] | None = None,
        adjustment: Adjustment | None = None,
        ignore_value: float | None = None,
        from_logits: bool = False,
        name: str = "binary_long_tailed_crossentropy",
        *,
        normalize: Normalize = False,
        differentiate_weight: bool = False,
        label_smoothing: float = 0.0,
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            weighting=weighting,
            normalize=normalize,
            differentiate_weight=differentiate_weight,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            reduction=reduction,
            name=name,
            dtype=dtype,
        )
        self.num_examples: float | list[float] | None = None
        if class_counts is not None:
            counts, self.num_examples = binary_counts(class_counts, num_examples)
            # The statistics have 2K classes: with and without each label.
            self._prior = class_prior(counts.ravel())
            self.statistics_counts = counts.ravel().tolist()
            self.class_counts = self._prior.counts[: counts.shape[1]]
        elif num_examples is not None:
            raise ValueError(
                "`class_counts` must be given with `num_examples`. Received: "
                f"class_counts=None, num_examples={num_examples}"
            )
        self.ignore_value = check_ignore_value(ignore_value)
        self.adjustment = adjustments.get(adjustment)
        prior = None if self._prior is None else prior_by_label(self._prior, np)
        for part in (self.weighting, self.adjustment):
            if part is not None:
                part.check(prior)

    def class_summary(self, statistics: Any) -> dict[str, np.ndarray]:
        """Returns the statistics of positives, and of negatives as `negative_...`."""
        summary = {}
        for name, values in super().class_summary(statistics).items():
            summary[name], summary[f"negative_{name}"] = values.reshape(2, -1)
        negative = summary.pop("negative_frequency")
        summary["frequency"] = summary["frequency"] / (summary["frequency"] + negative)
        return summary

    def statistics_groups(self) -> dict[str, np.ndarray]:
        """Returns all answers, those of yes and those of no."""
        yes = np.repeat([True, False], self.num_classes or 0)
        return {"all": np.ones_like(yes), "yes": yes, "no": ~yes}

    def loss_shape(self, shape: Shape) -> Shape:
        """See `ClassAwareLoss`."""
        return shape

    def current_prior(self) -> Any:
        """Returns the prior of all labels: frequencies `(2, K)`, examples `(K,)`."""
        prior = super().current_prior()
        return None if prior is None else prior_by_label(prior, ops)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns one loss for each label, in the shape of `y_pred`."""
        y_true, counted = counted_labels(self, y_true)
        y_pred = ops.convert_to_tensor(y_pred, dtype=self.dtype)
        targets = parse_binary_targets(
            y_true, y_pred, self.num_classes, self.ignore_value, counted, self.sibling
        )
        if not self.from_logits:
            y_pred = probabilities_or_nan(y_pred)
        prior = self.current_prior()
        shares = (targets.values, 1.0 - targets.values)
        confidences, crossentropy = self.terms(y_pred, targets.values, prior)
        masses = smoothed = targets.mass(shares)
        if self.label_smoothing:
            kept, rest = 1.0 - self.label_smoothing, self.label_smoothing / 2
            shares = (kept * shares[0] + rest, kept * shares[1] + rest)
            smoothed = targets.mass(shares)
        weights = self.compute_weights(confidences, prior, masses, smoothed)
        yes, no = (
            share * weight for share, weight in zip(shares, weights, strict=True)
        )
        losses = crossentropy(yes, no)
        if targets.is_known is not None:
            losses = ops.where(targets.is_known, losses, ops.zeros_like(losses))
            mask_ignored(self, losses, targets.is_known)
        return losses

    def terms(
        self, y_pred: Any, targets: Any, prior: Any
    ) -> tuple[Sides, Callable[[Any, Any], Any]]:
        """Returns the confidences of both sides, and the cross-entropy.

        See `keras_ccar.ops.crossentropy.sigmoid_terms`.

        Args:
            y_pred: logits or probabilities `(..., K)`.
            targets: targets in [0, 1], of the same shape.
            prior: what `current_prior` returns.
        """
        if self.adjustment is None and not self.from_logits:
            return probability_terms(y_pred)
        return sigmoid_terms(self.logits(y_pred, targets, prior))

    def logits(self, y_pred: Any, targets: Any, prior: Any) -> Any:
        """Returns the adjusted logits; the arguments are those of `terms`."""
        logits = y_pred
        if not self.from_logits:
            logits = safe_log(y_pred) - safe_log(1.0 - y_pred)
        if self.adjustment is None:
            return logits
        return self.adjustment.adjust_sigmoid(logits, targets, prior)

    def side_weights(
        self, confidences: Sides, prior: Any, masses: Sides, shares: Sides
    ) -> list[Any]:
        """Returns the weights of yes and of no; see `compute_side_weights`."""
        return compute_side_weights(
            self.weighting, confidences, prior, masses, shares, self.normalize
        )

    def compute_weights(
        self, confidence: Any, prior: Any, mass: Any, share: Any, labels: Any = None
    ) -> Any:
        """Returns the weights of both sides, and adds them to the statistics.

        The arguments are pairs of yes and no.
        """
        weights = self.side_weights(confidence, prior, mass, share)
        weights = [ops.cast(weight, self.dtype) for weight in weights]
        statistics = self.statistics
        if statistics is not None:
            weights = [statistics.weight_in_force(weight) for weight in weights]
            if statistics.is_recording:
                statistics.record_sides(mass, confidence, weights, self.pivot)
        if self.differentiate_weight:
            return weights
        return [ops.stop_gradient(weight) for weight in weights]

    def _own_config(self) -> dict[str, Any]:
        return {
            **super()._own_config(),
            "num_examples": self.num_examples,
            "adjustment": keras.saving.serialize_keras_object(self.adjustment),
            "ignore_value": self.ignore_value,
        }
