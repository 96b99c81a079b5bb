"""Class-balanced cross-entropy."""

from typing import Any

import keras

from keras_ccar.adjustments import Adjustment
from keras_ccar.frequencies import ClassCounts
from keras_ccar.label_smoothing import LabelAwareSmoothing
from keras_ccar.losses.long_tailed_crossentropy import LongTailedCrossentropy
from keras_ccar.weightings import EffectiveNumber
from keras_ccar.weightings.base import Normalize


@keras.saving.register_keras_serializable(package="keras_ccar")
class ClassBalancedLoss(LongTailedCrossentropy):
    """Cross-entropy weighted by the effective number of examples.

    Class weights are `(1 - β) / (1 - β^{n_c})`, scaled to sum to K, as published. Over
    long-tailed training data the mean weight is far below 1 (0.20 on CIFAR-100-LT with
    imbalance factor 100), which acts like a smaller learning rate. Prefer
    `normalize=True`, which scales it to 1, or `normalize="batch"`, which scales that of
    every batch to 1, as published code in PyTorch does.

    Args:
        class_counts: training examples of each class: a sequence of shape `(K,)` or a
            dict `{class: count}`.
        beta: β in [0, 1); 0 weights all classes equally.
        name: name of the loss.
        adjustment: as in `LongTailedCrossentropy`.
        normalize: as in `LongTailedCrossentropy`.
        differentiate_weight: as in `LongTailedCrossentropy`.
        from_logits: as in `LongTailedCrossentropy`.
        label_smoothing: as in `LongTailedCrossentropy`.
        ignore_class: as in `LongTailedCrossentropy`.
        axis: as in `LongTailedCrossentropy`.
        reduction: as in `LongTailedCrossentropy`.
        dtype: as in `LongTailedCrossentropy`.

    Raises:
        ValueError: as `LongTailedCrossentropy`, and for a beta outside [0, 1).

    Reference:
        Cui et al. 2019, arXiv 1901.05555, Eq. 2.

    Example:
    ```python
    import keras_ccar

    loss = keras_ccar.ClassBalancedLoss(
        [500, 100, 20], normalize=True, from_logits=True
    )
    value = loss([0, 2], [[2.0, 0.5, -1.0], [0.1, 0.2, 0.3]])
    ```
    """

    sibling = "BinaryClassBalancedLoss"
    _fixed_parts = ("weighting",)

    def __init__(
        self,
        class_counts: ClassCounts,
        beta: float = 0.9999,
        name: str = "class_balanced",
        *,
        adjustment: Adjustment | None = None,
        normalize: Normalize = False,
        differentiate_weight: bool = False,
        from_logits: bool = False,
        label_smoothing: float | LabelAwareSmoothing = 0.0,
        ignore_class: int | None = None,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            class_counts,
            weighting=EffectiveNumber(beta),
            adjustment=adjustment,
            normalize=normalize,
            differentiate_weight=differentiate_weight,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            ignore_class=ignore_class,
            axis=axis,
            reduction=reduction,
            name=name,
            dtype=dtype,
        )
