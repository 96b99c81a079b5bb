"""The loss behind all softmax losses: adjustment, cross-entropy, weight."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_ccar import adjustments
from keras_ccar import label_smoothing as smoothings
from keras_ccar.adjustments import Adjustment
from keras_ccar.arguments import check_ignore_class, check_whole_number
from keras_ccar.frequencies import ClassCounts, class_prior
from keras_ccar.inputs.labels import Labels, parse_labels
from keras_ccar.inputs.predictions import (
    check_num_classes,
    move_class_axis_last,
    to_logits,
)
from keras_ccar.label_smoothing import LabelAwareSmoothing
from keras_ccar.losses.call_state import counted_labels, mask_ignored
from keras_ccar.losses.class_aware_loss import ClassAwareLoss
from keras_ccar.ops.crossentropy import (
    class_losses,
    few_classes,
    softmax_terms,
    sparse_crossentropy,
)
from keras_ccar.weightings.base import Normalize, Weighting


@keras.saving.register_keras_serializable(package="keras_ccar")
class LongTailedCrossentropy(ClassAwareLoss):
    """Cross-entropy of adjusted logits, weighted by confidence and class frequency.

    `L = w(p_t, f_c) * -log p_t`, where `p_t` is the softmax probability of the true
    class after the adjustment. Every named softmax loss of this package chooses the two
    parts, weighting and adjustment; with neither this is cross-entropy. For label
    distributions `y` the term of every class has its own weight:
    `L = Σ_k y_k w(p_k, f_k) * -log p_k`.

    Args:
        class_counts: training examples of each class: a sequence of shape `(K,)` or a
            dict `{class: count}`. May be None if neither part needs them, as in
            `FocalLoss`.
        weighting: a `keras_ccar.weightings.Weighting`, a callable
            `(p_t, f_c) -> weight`, or None for weight 1. Register functions and classes
            of your own, so that saved models can be loaded in other processes.
        adjustment: a `keras_ccar.adjustments.Adjustment`, or None.
        normalize: whether to divide weights by their mean: over the training
            distribution if they only depend on the class, otherwise over the batch.
            "batch": always over the samples that count in the batch, of all replicas,
            as `torch.nn.functional.cross_entropy(weight=...)` does for integer labels.
            Weights that depend on confidence count by their share of smoothed labels.
        differentiate_weight: whether gradients also flow through the weight.
        from_logits: whether predictions are logits rather than probabilities. Rows of
            probabilities that do not sum to 1 are normalised.
        label_smoothing: α in [0, 1]: labels become `(1 - α) y + α / K`; or a
            `keras_ccar.adjustments.LabelAwareSmoothing`, with which frequent classes
            are smoothed more than rare ones.
        ignore_class: an integer label, for example 255, whose samples have loss 0 and
            do not count. As a distribution, such a sample has its whole mass on this
            class, or a row of zeros. Binary losses have `ignore_value` instead.
        axis: the class axis of predictions and of distributions.
        reduction: as in every Keras loss: "sum_over_batch_size", "sum", "mean",
            "mean_with_sample_weight" or None. With replicas of a `tf.distribute`
            strategy, it spans the batch of all of them.
        name: name of the loss.
        dtype: "float64" computes in double precision. With any other, also half
            precision, the loss is computed in float32.

    Call arguments:
        y_true: integer labels `(...)` or `(..., 1)`, of integer or float dtype, or
            distributions `(..., K)`, whose rows sum to 1.
        y_pred: predictions `(..., K)`, of any rank of at least 2.
        sample_weight: optional, of the rank of the labels or lower.

    Raises:
        ValueError: for arguments other than these. When called: for labels and
            predictions whose shapes do not fit and, outside a compiled step, for
            invalid labels and probabilities. In a compiled step these make the loss
            NaN.
        TypeError: for a weighting or an adjustment of another type.

    Warns:
        UserWarning: if another process could not load the weighting or the adjustment
            with a saved model.

    Example:
    ```python
    import keras
    import keras_ccar
    from keras_ccar.adjustments import LogitAdjustment

    @keras.saving.register_keras_serializable(package="mine")
    def doubt(p_t, f_c):
        return (1 - p_t) * (1 - f_c)

    loss = keras_ccar.LongTailedCrossentropy(
        class_counts=[500, 100, 20],
        weighting=doubt,
        adjustment=LogitAdjustment(tau=1.0),
        from_logits=True,
    )
    value = loss([0, 2], [[2.0, 0.5, -1.0], [0.1, 0.2, 0.3]])
    ```
    """

    sibling = "BinaryLongTailedCrossentropy"

    def __init__(
        self,
        class_counts: ClassCounts | None,
        weighting: Weighting | Callable[..., Any] | None = None,
        adjustment: Adjustment | None = None,
        ignore_class: int | None = None,
        axis: int = -1,
        name: str = "long_tailed_crossentropy",
        *,
        normalize: Normalize = False,
        differentiate_weight: bool = False,
        from_logits: bool = False,
        label_smoothing: float | LabelAwareSmoothing = 0.0,
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
        if class_counts is not None:
            self._prior = class_prior(class_counts)
            self.class_counts = self.statistics_counts = self._prior.counts
        self.adjustment = adjustments.get(adjustment)
        self.ignore_class = check_ignore_class(ignore_class)
        self.axis = check_whole_number("axis", axis, meaning="the class axis")
        if self.weighting is not None and self.weighting.is_binary:
            raise ValueError(
                "`weighting` must be one of classes that exclude each other. Received: "
                f"{type(self.weighting).__name__} that tells yes from no. Use it with "
                f"`{self.sibling}`, or leave out its `alpha`."
            )
        for part in (self.weighting, self.adjustment):
            if part is not None:
                part.check(self._prior)
        smoothings.check(self.label_smoothing, self._prior)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns one loss for each sample, in the shape of the labels."""
        y_true, counted = counted_labels(self, y_true)
        y_pred = ops.convert_to_tensor(y_pred, dtype=self.dtype)
        one_sigmoid = f"`{self.sibling}`"
        if self.sibling != "BinaryLogitAdjustedLoss":
            one_sigmoid += ", or where yes is rare `BinaryLogitAdjustedLoss`"
        check_num_classes(
            y_pred.shape,
            self.num_classes,
            self.axis,
            one_column=f"For one sigmoid output use {one_sigmoid}.",
        )
        y_pred = move_class_axis_last(y_pred, self.axis, self.dtype)
        labels = parse_labels(y_true, y_pred, self.axis, self.ignore_class, counted)
        counted = labels.counted_samples(counted, self.dtype)
        logits = to_logits(y_pred, self.from_logits)
        losses = labels.mask_losses(self._losses(labels, logits, counted))
        if self.ignore_class is not None:
            mask_ignored(self, losses, ops.logical_not(labels.is_ignored))
        return losses

    def _losses(self, labels: Labels, logits: Any, counted: Any) -> Any:
        prior, y = self.current_prior(), labels.values
        if self.adjustment is not None:
            logits = self.adjustment(logits, y, prior)
        # A term is a sample or, with distributions, a class of a sample.
        if labels.is_sparse and not self.label_smoothing:
            # The fused cross-entropy already contains the confidence.
            terms = sparse_crossentropy(y, logits)
            if counted is None:
                counted = ops.ones_like(terms)
            return terms * self.compute_weights(
                ops.exp(-terms), prior, counted, counted, y
            )
        y = labels.distributions(logits.shape[-1], self.dtype)
        few = None if self.label_smoothing or labels.is_sparse else few_classes(y)
        if few is not None:
            classes, share = few
            # A class that is not there may have a loss that is infinite.
            terms = ops.where(share == 0, 0.0, class_losses(classes, logits))
            confidence = ops.exp(-terms)
            weights = self.compute_weights(confidence, prior, share, share, classes)
            return ops.sum(share * weights * terms, axis=-1)
        mass = smoothed = y if counted is None else y * ops.expand_dims(counted, -1)
        share = self._smooth(y, prior)
        if self.label_smoothing:
            # A sample that does not count has no mass.
            smoothed = share * ops.sum(mass, axis=-1, keepdims=True)
        confidence, crossentropy = softmax_terms(logits)
        weights = self.compute_weights(confidence, prior, mass, smoothed)
        return crossentropy(share * weights)

    def _smooth(self, y: Any, prior: Any) -> Any:
        smoothing = self.label_smoothing
        if isinstance(smoothing, LabelAwareSmoothing):
            return smoothing.smooth(y, prior)
        return (1.0 - smoothing) * y + smoothing / y.shape[-1] if smoothing else y

    def _read_smoothing(self, value: Any) -> float | LabelAwareSmoothing:
        return smoothings.get(value)

    def _own_config(self) -> dict[str, Any]:
        return {
            **super()._own_config(),
            "adjustment": keras.saving.serialize_keras_object(self.adjustment),
            "ignore_class": self.ignore_class,
            "axis": self.axis,
        }
