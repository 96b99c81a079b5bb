"""Average precision, the area under the curve of precision over recall."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_ccar.arguments import (
    argument_error,
    check_choice,
    check_number,
    check_whole_number,
)
from keras_ccar.inputs.class_scores import class_logits
from keras_ccar.metrics.class_metric import ClassMetric, check_class_number
from keras_ccar.metrics.class_results import by_name, read_result_names
from keras_ccar.metrics.exact_sum import ExactSum
from keras_ccar.metrics.means import divide_or_nan, mean_of_known
from keras_ccar.metrics.score_thresholds import place_among_thresholds, warn_of_ends
from keras_ccar.ops.exact_row_sums import sum_rows

# More classes times thresholds would fill the memory.
_MOST_COUNTS = 50_000_000
_NAME = "average_precision"


@keras.saving.register_keras_serializable(package="keras_ccar")
class AveragePrecision(ClassMetric):
    """Mean of the precision at each threshold, weighted by the recall gained there.

    Each class is held against the rest, by its probability. Unlike the area under the
    ROC curve, it tells apart models of a rare class. Thresholds are spaced evenly in
    the logit from -16 to 16 (probabilities of 1e-7 and 1 - 1e-7), and in its logarithm
    from there to `limit`, so that scores that are all below 0.002, or all tiny, are
    told apart too. Between two thresholds the mean and the spread of the scores of yes
    and of no tell which come first. The result is within 0.005 of scikit-learn's
    `average_precision_score`, unless many scores lie between a few thresholds, or
    between two with a handful of positives, so that one of them decides it: then take
    more thresholds. `posthoc.evaluate_classes` is exact.

    Labels and predictions are as in `BalancedAccuracy`; so are one sigmoid column and,
    with `multi_label=True`, independent labels. Classes without positives have NaN, and
    are left out of the mean; before the first sample the result is NaN. Predictions
    outside of [0, 1] although `from_logits=False` are an error or, in a compiled step,
    make the result NaN.

    Args:
        num_classes: K, the number of classes, or of independent labels.
        average: "macro" for the mean over classes, or None for a vector of shape
            `(K,)`. Two classes that exclude each other are one question: "macro" is
            the average precision of yes, class 1, as in scikit-learn, and None gives
            that of no and of yes.
        num_thresholds: how many thresholds there are. The metric takes 48 bytes for
            each class and threshold, and adds to all of them in each batch: take fewer
            for thousands of classes.
        ignore_class: as in `BalancedAccuracy`.
        axis: as in `BalancedAccuracy`.
        multi_label: whether labels are independent of each other.
        ignore_value: as in `BalancedAccuracy`.
        threshold: as in `BalancedAccuracy`, and without effect here.
        from_logits: whether predictions are logits rather than probabilities.
        limit: the largest logit that is told from larger ones, and its negative from
            smaller ones. The default covers all probabilities of float32.
        name: name of the metric.
        dtype: dtype of the result. Counts are exact with any dtype.
        class_names: as in `PerClassRecall`, with `average=None`: the result is a dict
            of scalars, such as "average_precision_crack".

    Raises:
        ValueError: if `average` is another one, if `num_thresholds` is below 2 or too
            large for the memory, if `limit` is not in (0, 1e30], for `class_names` with
            a mean, if predictions are not probabilities although `from_logits=False`,
            and as `PerClassRecall`.

    Warns:
        UserWarning: when the result is read outside of a compiled step, if more than 1
            % of the positives of a class are beyond `limit`, among negatives.

    Example:
    ```python
    import numpy as np
    from keras_ccar.metrics import AveragePrecision

    metric = AveragePrecision(num_classes=2)
    sigmoid = np.array([[0.0001], [0.0004], [0.0003], [0.0011]])  # one column
    metric.update_state(np.array([0, 0, 1, 1]), sigmoid)
    assert round(float(metric.result()), 4) == 0.8333  # precision 1 and 2/3
    ```
    """

    _needs_probabilities = True

    def __init__(
        self,
        num_classes: int,
        average: str | None = "macro",
        num_thresholds: int = 5_000,
        ignore_class: int | None = None,
        axis: int = -1,
        multi_label: bool = False,
        ignore_value: float | None = None,
        threshold: float = 0.5,
        from_logits: bool = False,
        name: str = _NAME,
        dtype: Any = None,
        limit: float = 120.0,
        class_names: Sequence[str] | None = None,
    ) -> None:
        num_classes = check_class_number(num_classes, multi_label)
        super().__init__(
            num_classes,
            ignore_class,
            axis,
            multi_label,
            ignore_value,
            threshold,
            from_logits,
            name,
            dtype,
        )
        self._direction = "up"
        self.num_classes = num_classes
        self.average = check_choice("average", average, ("macro", None))
        if class_names is not None and average is not None:
            raise argument_error(
                "class_names", class_names, "None with a mean", "Pass `average=None`."
            )
        names = read_result_names(class_names, num_classes, self.multi_label)
        self.class_names = tuple(names) or None
        self.name_results(names, _NAME, f"{_NAME}_")
        self.num_thresholds = check_whole_number("num_thresholds", num_thresholds, 2)
        if self.num_thresholds * num_classes > _MOST_COUNTS:
            raise argument_error(
                "num_thresholds",
                num_thresholds,
                f"at most {_MOST_COUNTS // num_classes} for {num_classes} classes",
                "More would fill the memory.",
            )
        self.limit = check_number("limit", limit, 1e-30, 1e30)
        shape = (num_classes, 2, self.num_thresholds)
        self._samples = ExactSum(self, shape, "samples")
        # Sums of where the scores are between two thresholds, and of its square.
        self._offsets = ExactSum(self, (*shape, 2), "offsets")
        self._num_positives = ExactSum(self, (num_classes,), "num_positives")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch; see `PerClassMetric.update_state`."""
        rows = self.read(y_true, y_pred, sample_weight)
        logits, weights = class_logits(rows, self.from_logits)
        labels = rows.labels
        if not self.multi_label:
            labels = ops.one_hot(labels, self.num_classes, dtype="int32")
            weights = ops.expand_dims(weights, -1)
        # Not a product with ones, which crashes TensorFlow on an empty batch.
        weights = ops.broadcast_to(weights, ops.shape(logits))
        # NaN belongs to no threshold, but has to reach the result.
        is_nan = ops.isnan(logits)
        weights = ops.where(is_nan & (weights != 0), float("nan"), weights)
        place = place_among_thresholds(
            ops.where(is_nan, 0.0, logits), self.limit, self.num_thresholds
        )
        interval = ops.minimum(ops.floor(place), self.num_thresholds - 1.0)
        offset = place - interval - 0.5
        question = 2 * ops.arange(self.num_classes, dtype="int32") + labels
        groups = question * self.num_thresholds + ops.cast(interval, "int32")
        sums = ops.stack([weights, weights * offset, weights * offset**2], axis=-1)
        shape = (self.num_classes, 2, self.num_thresholds, 3)
        parts = sum_rows(
            ops.reshape(sums, (-1, 3)),
            ops.reshape(groups, (-1,)),
            self.num_classes * 2 * self.num_thresholds,
        )
        parts = tuple(ops.reshape(part, shape) for part in parts)
        self._samples.add(*(part[..., 0] for part in parts))
        self._offsets.add(*(part[..., 1:] for part in parts))
        is_positive = (labels == 1) & (weights != 0)
        self._num_positives.add(*sum_rows(ops.cast(is_positive, "float32")))

    def result(self) -> Any:
        """Returns the scalar mean, or the average precisions: `(K,)`, or by name."""
        samples, offsets = self._samples.value(), self._offsets.value()
        if self.from_logits:  # Probabilities at the ends are 0 or 1, which are ties.
            warn_of_ends(samples, self.limit)
        # From the largest scores down.
        samples, offsets = ops.flip(samples, axis=-1), ops.flip(offsets, axis=-2)
        positives, negatives = samples[:, 1], samples[:, 0]
        number = self._num_positives.value()
        total = ops.sum(positives, axis=-1)
        mean_weight = ops.expand_dims(total / ops.where(number == 0, 1.0, number), -1)
        own, ahead = _said_at_a_positive(samples, offsets, mean_weight)
        found = ops.cumsum(positives, axis=-1) - positives + own
        said = found + ops.cumsum(negatives, axis=-1) - negatives + ahead
        # Nothing is said above the largest score.
        precision = found / ops.where(said == 0, 1.0, said)
        values = divide_or_nan(ops.sum(positives * precision, axis=-1), total)
        if self.average == "macro":
            is_question = self.num_classes == 2 and not self.multi_label
            values = values[1] if is_question else mean_of_known(values, total != 0)
        return by_name(ops.cast(values, self.dtype), self.log_names)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments as plain JSON."""
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "average": self.average,
            "num_thresholds": self.num_thresholds,
            "limit": self.limit,
            "class_names": list(self.class_names) if self.class_names else None,
        }


def _said_at_a_positive(
    samples: Any, offsets: Any, mean_weight: Any
) -> tuple[Any, Any]:
    """Returns what is said yes to within an interval, at its average positive.

    Scores that are equal are said together. Others come in the order of their means, as
    far as their spread lets these tell: as if they were normally distributed.

    Args:
        samples: weights of no and of yes in each interval, `(K, 2, T)`.
        offsets: sums of their offsets and squares, `(K, 2, T, 2)`.
        mean_weight: the mean weight of the positives, `(K, 1)`.

    Returns:
        The weights of yes and of no, `(K, T)` each.
    """
    moments = offsets / ops.expand_dims(ops.where(samples == 0, 1.0, samples), -1)
    means = moments[..., 0]
    variances = moments[..., 1] - means**2
    # Below a hundredth of an interval, differences may be rounding.
    variances = ops.where(variances < 1e-4, 0.0, variances)
    negatives, positives = samples[:, 0], samples[:, 1]
    behind = means[:, 0] - means[:, 1]
    variance = variances[:, 0] + variances[:, 1]
    spread = ops.sqrt(ops.where(variance == 0, 1.0, 2.0 * variance))
    share = ops.where(
        variance == 0,
        ops.cast(behind > -1e-2, "float32"),
        0.5 + 0.5 * ops.erf(behind / spread),
    )
    average = ops.minimum((positives + mean_weight) / 2.0, positives)
    return ops.where(variances[:, 1] == 0, positives, average), negatives * share
