"""Accuracy over many-, medium- and few-shot classes."""

from typing import Any

import keras
import numpy as np

from keras_ccar.arguments import check_boolean, check_number, check_numbers
from keras_ccar.binary_counts import binary_counts
from keras_ccar.frequencies import ClassCounts, class_counts_array, shot_groups
from keras_ccar.metrics.per_class import PerClassMetric

_NAME = "shot_accuracy"


@keras.saving.register_keras_serializable(package="keras_ccar")
class ShotAccuracy(PerClassMetric):
    """Accuracy over many-, medium- and few-shot classes.

    Classes are grouped by the number of their *training* examples, as in Liu et al.
    2019 (arXiv 1904.05160). The accuracy of a group is the mean of the recalls of its
    classes, so it does not depend on the class distribution of the evaluated data.

    The result is a dict of scalars: "many", "medium" and "few", if there are such
    classes, and "balanced", the mean over all classes. Keras logs these keys as they
    are ("val_few"), without the name of the output. If you set the `name`, it becomes
    their prefix ("head_few"). In a model with several outputs, give each metric one, or
    the numbers of one overwrite those of another; `CCARCallback` warns of this.

    Labels and predictions are as in `BalancedAccuracy`. Classes without samples are
    left out of their group; the accuracy of a group without samples is NaN.

    One sigmoid column has the two classes no and yes: pass `class_counts=[no, yes]`.
    With `multi_label=True` the labels are grouped by the number of their *positive*
    training examples, and the accuracy of a group is the mean over its labels of
    (recall + specificity) / 2. Recall alone would be 1 for a model that says yes to
    everything. "balanced" is `BalancedAccuracy` in every case.

    Args:
        class_counts: training examples of each class: a sequence of shape `(K,)`, or
            a dict `{class: count}`. With `multi_label=True` the positives of each
            label, or the counts of no and yes of each, of shape `(K, 2)`.
        many: classes with more training examples than this are many-shot.
        few: classes with fewer training examples than this are few-shot.
        ignore_class: as in `BalancedAccuracy`.
        axis: as in `BalancedAccuracy`.
        multi_label: whether labels are independent of each other.
        ignore_value: as in `BalancedAccuracy`.
        threshold: as in `BalancedAccuracy`.
        from_logits: as in `BalancedAccuracy`.
        name: name of the metric.
        dtype: dtype of the results. Counts are exact with any dtype.

    Raises:
        ValueError: for invalid counts, for shares instead of counts, if `few > many`,
            and as `BalancedAccuracy`.

    Example:
    ```python
    import numpy as np
    from keras_ccar.metrics import ShotAccuracy

    metric = ShotAccuracy(class_counts=[500, 50, 5])
    y_pred = np.eye(3)[[0, 0, 1, 0]]
    metric.update_state(np.array([0, 0, 1, 2]), y_pred)
    shots = {name: round(float(value), 2) for name, value in metric.result().items()}
    assert shots == {"many": 1.0, "medium": 1.0, "few": 0.0, "balanced": 0.67}
    ```
    """

    _classes_argument = "class_counts"

    def __init__(
        self,
        class_counts: ClassCounts,
        many: float = 100,
        few: float = 20,
        ignore_class: int | None = None,
        axis: int = -1,
        multi_label: bool = False,
        ignore_value: float | None = None,
        threshold: float = 0.5,
        from_logits: bool = False,
        name: str = _NAME,
        dtype: Any = None,
    ) -> None:
        multi_label = check_boolean("multi_label", multi_label)
        self.class_counts = (
            _positives(class_counts)
            if multi_label
            else class_counts_array(class_counts)
        )
        super().__init__(
            len(self.class_counts),
            ignore_class,
            axis,
            multi_label,
            ignore_value,
            threshold,
            from_logits,
            name,
            dtype,
        )
        self.many = check_number("many", many, 0)
        self.few = check_number("few", few, 0)
        # A compiled step must always return the same keys, so the groups depend on the
        # class counts alone, not on the batch.
        self._groups = {
            group: classes
            for group, classes in shot_groups(
                self.class_counts, many, few, minimum=1
            ).items()
            if classes.any()
        }
        self.name_results((*self._groups, "balanced"), _NAME, "")

    def result(self) -> dict[str, Any]:
        """Returns the dict of scalar accuracies."""
        accuracies = [self.mean_recall(mask=mask) for mask in self._groups.values()]
        accuracies.append(self.mean_recall())
        return dict(zip(self.log_names, accuracies, strict=True))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments as plain JSON."""
        config = super().get_config()
        del config["num_classes"]
        return {
            **config,
            "class_counts": self.class_counts.tolist(),
            "many": self.many,
            "few": self.few,
        }


def _positives(class_counts: Any) -> np.ndarray:
    """Returns how many training examples have each label."""
    if not hasattr(class_counts, "items"):
        expected = "the positives of each label, or counts of no and yes, (K, 2)"
        shape = check_numbers("class_counts", class_counts, expected).shape
        if len(shape) == 2 and shape[1] == 2:
            (yes, _), _ = binary_counts(class_counts)
            return yes
    return class_counts_array(class_counts, minimum=1)
