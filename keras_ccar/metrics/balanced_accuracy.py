"""Balanced accuracy."""

from typing import Any

import keras

from keras_ccar.metrics.per_class import PerClassMetric


@keras.saving.register_keras_serializable(package="keras_ccar")
class BalancedAccuracy(PerClassMetric):
    """Mean of the recalls of all classes, whatever their sizes.

    On a balanced test set this is the accuracy. On a long-tailed one it is the
    accuracy as if all classes were equally frequent (Brodersen et al. 2010, "The
    balanced accuracy and its posterior distribution"). It equals
    `sklearn.metrics.balanced_accuracy_score`.

    Labels are `(...)` or `(..., 1)` in any dtype, or distributions `(..., K)`, which
    are reduced to their most probable class. Predictions are `(..., K)`, probabilities
    or logits. Classes without samples are left out; before the first sample the result
    is NaN. A label outside `[0, K)`, or a row that does not sum to 1, is an error
    unless it is masked or ignored. In a compiled step, which cannot raise one, it makes
    the result NaN. So does a prediction that is NaN.

    One sigmoid column `(..., 1)`, or `(N,)` for labels `(N,)`, is read as two classes,
    no and yes: pass `num_classes=2`. The result is the mean of specificity and recall.

    Independent labels (tags, findings) are told by `multi_label=True`: labels and
    predictions are `(..., K)` then, of yes or no each. The result is the mean over
    labels of (recall + specificity) / 2. A label of which only one side has samples
    counts with that side alone, one without samples not at all: the macro mean of
    `sklearn.metrics.balanced_accuracy_score`.

    Targets of yes or no are in [0, 1]; above one half they are yes.

    Args:
        num_classes: K, the number of classes, or of independent labels.
        ignore_class: the label of samples to leave out, or None. As a distribution,
            such a sample has its whole mass on this class, or a row of zeros.
        axis: the class axis of predictions and of distributions.
        multi_label: whether labels are independent of each other.
        ignore_value: the value of unknown targets of yes or no, such as -1 or NaN,
            which do not count; or None.
        threshold: the probability of yes, in [0, 1], above which the answer is yes.
            Between several classes that exclude each other the largest prediction
            decides, and another threshold is an error.
        from_logits: whether predictions of yes or no are logits rather than
            probabilities; the threshold stays a probability. Between several classes
            the largest prediction decides, whatever it is.
        name: name of the metric.
        dtype: dtype of the result. Counts are exact with any dtype.

    Raises:
        ValueError: for arguments other than these, also if `num_classes` is below 2 (1
            with `multi_label=True`), or if labels, predictions and weights do not fit
            it or each other. Also for predictions of yes or no outside of [0, 1]
            although `from_logits=False`, which make the result NaN in a compiled step.

    Example:
    ```python
    import numpy as np
    from keras_ccar.metrics import BalancedAccuracy

    metric = BalancedAccuracy(num_classes=2)
    y_pred = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]])
    metric.update_state(np.array([0, 0, 0, 1]), y_pred)
    assert float(metric.result()) == 0.5  # plain accuracy: 0.75

    sigmoid = np.array([[0.1], [0.2], [0.3], [0.4]])  # one column
    metric = BalancedAccuracy(num_classes=2, threshold=0.35)
    metric.update_state(np.array([0, 0, 0, 1]), sigmoid)
    assert float(metric.result()) == 1.0

    tags = BalancedAccuracy(num_classes=2, multi_label=True)
    tags.update_state([[1, 1], [0, 1], [0, 0]], [[0.9, 0.8], [0.6, 0.7], [0.1, 0.2]])
    assert float(tags.result()) == 0.875  # (1 + 0.5) / 2 and (1 + 1) / 2
    ```
    """

    def __init__(
        self,
        num_classes: int,
        ignore_class: int | None = None,
        axis: int = -1,
        multi_label: bool = False,
        ignore_value: float | None = None,
        threshold: float = 0.5,
        from_logits: bool = False,
        name: str = "balanced_accuracy",
        dtype: Any = None,
    ) -> None:
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

    def result(self) -> Any:
        """Returns the scalar balanced accuracy."""
        return self.mean_recall()
