"""CCAR for labels that are each their own yes-or-no question."""

from collections.abc import Callable

import keras
from keras import ops

from keras_ccar.frequencies import (
    ClassCounts,
    ClassPrior,
    class_prior,
    positive_and_negative_counts,
)
from keras_ccar.inputs.checks import check_number
from keras_ccar.inputs.labels import standardize_binary_targets
from keras_ccar.inputs.samples import unpack_labels
from keras_ccar.losses.class_aware_loss import ClassAwareLoss
from keras_ccar.ops.crossentropy import binary_crossentropies
from keras_ccar.ops.numerics import clip_min
from keras_ccar.weightings import CCARWeighting


@keras.saving.register_keras_serializable(package="keras_ccar")
class BinaryCCARLoss(ClassAwareLoss):
    """Class-confidence-aware reweighting of sigmoid outputs: binary and multi-label.

    Every label is a two-class problem of its own, with its own frequency `f_c`, the
    share of examples (images, anchors, tokens) that carry it. Where the target is 1 the
    confidence is `p` and the frequency `f_c`; where it is 0 they are `1 - p` and
    `1 - f_c`. `L = y Ω(p, f_c) * -log p + (1 - y) Ω(1 - p, 1 - f_c) * -log(1 - p)`.

    Args:
        class_counts: examples that carry each label: a sequence of shape `(K,)` or a
            dict `{label: count}`. K may be 1.
        num_examples: N, the number of examples altogether.
        pivot: ω in (0, 1]: the confidence at which the weight is 1.
        strength: s >= 0; 0 is binary cross-entropy.
        form: as in `CCARLoss`.
        normalize: whether to divide weights by their mean over the batch.
        differentiate_weight: whether gradients flow through the weight as well.
        from_logits: whether predictions are logits rather than probabilities.
        label_smoothing: α in [0, 1]: targets become `(1 - α) y + α / 2`.
        reduction: as in every Keras loss. Each label of each example is one loss.
        name: name of the loss.
        dtype: as in `LongTailedCrossentropy`.

    Call arguments:
        y_true: targets in [0, 1], of the shape of `y_pred`; for one label also without
            its last axis.
        y_pred: predictions `(..., K)`.
        sample_weight: optional, one for each label `(..., K)` or for each example.

    Raises:
        ValueError: for counts that are not such or exceed `num_examples`, otherwise as
            `CCARLoss`.

    Reference:
        Jagati et al. 2026, arXiv 2601.15924, each label taken as two classes.

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

    def __init__(
        self,
        class_counts: ClassCounts,
        num_examples: float,
        pivot: float = 0.75,
        strength: float = 1.0,
        form: str | Callable = "exponential",
        from_logits: bool = False,
        name: str = "binary_ccar",
        **arguments,
    ) -> None:
        weighting = CCARWeighting(pivot, strength, form)
        super().__init__(weighting, from_logits=from_logits, name=name, **arguments)
        self.num_examples = check_number("num_examples", num_examples, 1)
        # Statistics know 2K classes: examples that carry each label, and that do not.
        self.statistics_counts = positive_and_negative_counts(
            class_counts, self.num_examples
        ).tolist()
        self._prior = class_prior(self.statistics_counts)
        self.class_counts = self._prior.counts[: len(self.statistics_counts) // 2]

    def class_summary(self):
        """Returns the statistics of positives, and of negatives as `negative_...`."""
        summary = {}
        for name, values in self.statistics.class_summary().items():
            summary[name], summary[f"negative_{name}"] = values.reshape(2, -1)
        negative = summary.pop("negative_frequency")
        summary["frequency"] = summary["frequency"] / (summary["frequency"] + negative)
        return summary

    def loss_shape(self, shape):
        """See `ClassAwareLoss`."""
        return shape

    def call(self, y_true, y_pred):
        """Returns one loss per label, of the shape of `y_pred`.

        Args:
            y_true: targets; see the class.
            y_pred: predictions; see the class.
        """
        y_true, counted = unpack_labels(y_true)
        y_pred = ops.convert_to_tensor(y_pred, dtype=self.dtype)
        y_true = standardize_binary_targets(y_true, y_pred, self.num_classes, counted)
        # The two classes of a label stand side by side on the axis before the last.
        terms = binary_crossentropies(y_pred, self.from_logits)
        share = ops.stack([y_true, 1.0 - y_true], axis=-2)
        mass = share if counted is None else share * ops.expand_dims(counted, -2)
        rows = ops.reshape(self.current_prior().frequency, (2, -1))
        total = clip_min(ops.sum(rows, axis=0), self._prior.floor)
        prior = ClassPrior(rows / total, self.num_examples)
        weight = self.compute_weights(ops.exp(-terms), prior, mass)
        share = (1.0 - self.label_smoothing) * share + self.label_smoothing / 2
        losses = ops.sum(share * weight * terms, axis=-2)
        # A target that is none must not train silently.
        is_target = (y_true >= 0) & (y_true <= 1)
        return ops.where(is_target, losses, float("nan"))

    def get_config(self):
        """Returns the constructor arguments as plain JSON."""
        config = super().get_config()
        del config["weighting"]
        return {
            **config,
            **self.weighting.get_config(),
            "class_counts": self.class_counts,
            "num_examples": self.num_examples,
        }
