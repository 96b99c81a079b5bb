"""CCAR for binary and multi-label classification."""

from collections.abc import Callable
from typing import Any

import keras

from keras_ccar.adjustments import Adjustment
from keras_ccar.binary_counts import NumExamples
from keras_ccar.frequencies import ClassCounts
from keras_ccar.losses.binary_long_tailed_crossentropy import (
    BinaryLongTailedCrossentropy,
)
from keras_ccar.weightings import CCARWeighting
from keras_ccar.weightings.base import Normalize


@keras.saving.register_keras_serializable(package="keras_ccar")
class BinaryCCARLoss(BinaryLongTailedCrossentropy):
    """Class-confidence-aware reweighting of sigmoid outputs: binary and multi-label.

    Every label is a separate two-class problem. Its frequency `f_c` is the share of
    examples (images, anchors, tokens) that carry it. If the target is 1, the confidence
    is `p` and the frequency `f_c`; if it is 0, they are `1 - p` and `1 - f_c`.
    `L = y Ω(p, f_c) * -log p + (1 - y) Ω(1 - p, 1 - f_c) * -log(1 - p)`.

    Args:
        class_counts: as in `BinaryLongTailedCrossentropy`.
        num_examples: as in `BinaryLongTailedCrossentropy`.
        pivot: ω in (0, 1]: the confidence at which the weight is 1.
        strength: s >= 0; 0 is binary cross-entropy.
        form: as in `CCARLoss`.
        from_logits: as in `BinaryLongTailedCrossentropy`.
        name: name of the loss.
        adjustment: as in `BinaryLongTailedCrossentropy`. The weight of the default form
            is at most `e^0.75`, which does not balance rare labels; `LogitAdjustment`
            does.
        normalize: as in `BinaryLongTailedCrossentropy`.
        differentiate_weight: as in `BinaryLongTailedCrossentropy`.
        label_smoothing: as in `BinaryLongTailedCrossentropy`.
        ignore_value: as in `BinaryLongTailedCrossentropy`.
        reduction: as in `BinaryLongTailedCrossentropy`.
        dtype: as in `BinaryLongTailedCrossentropy`.
        frequency_scale: as in `CCARLoss`; with "largest", frequencies are relative to
            the more frequent answer of each label.

    Raises:
        ValueError: as `BinaryLongTailedCrossentropy` and `CCARLoss`.

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

    sibling = "CCARLoss"
    _fixed_parts = ("weighting",)

    def __init__(
        self,
        class_counts: ClassCounts,
        num_examples: NumExamples = None,
        pivot: float = 0.75,
        strength: float = 1.0,
        form: str | Callable[..., Any] = "exponential",
        from_logits: bool = False,
        name: str = "binary_ccar",
        *,
        adjustment: Adjustment | None = None,
        normalize: Normalize = False,
        differentiate_weight: bool = False,
        label_smoothing: float = 0.0,
        ignore_value: float | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
        frequency_scale: str = "total",
    ) -> None:
        super().__init__(
            class_counts,
            num_examples,
            weighting=CCARWeighting(pivot, strength, form, frequency_scale),
            adjustment=adjustment,
            ignore_value=ignore_value,
            from_logits=from_logits,
            name=name,
            normalize=normalize,
            differentiate_weight=differentiate_weight,
            label_smoothing=label_smoothing,
            reduction=reduction,
            dtype=dtype,
        )
