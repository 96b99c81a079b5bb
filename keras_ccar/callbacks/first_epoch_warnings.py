"""Says after the first epoch what a compiled step cannot say."""

import math
import warnings
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from keras_ccar.binary_counts import describe_swapped
from keras_ccar.callbacks.attachment import Attached
from keras_ccar.losses.binary_long_tailed_crossentropy import (
    BinaryLongTailedCrossentropy,
)


def warn_of_first_epoch(
    model: keras.Model, logs: Mapping[str, Any] | None, attached: Attached
) -> None:
    """Warns if the loss of an epoch is NaN, or counts of yes and no look swapped.

    Args:
        model: the model that was trained.
        logs: of the epoch.
        attached: the losses of the model; none if there is nothing to say.
    """
    _warn_if_nan(model, logs or {}, attached)
    for loss, statistics in attached.values():
        counts = loss.statistics_counts
        if isinstance(loss, BinaryLongTailedCrossentropy) and counts is not None:
            given, seen = (
                np.reshape(part, (2, -1)) for part in (counts, statistics.seen())
            )
            of = f" of {type(loss).__name__}"
            told = describe_swapped(given, seen, of, "in the first epoch it was")
            if told:
                with_number = "; with `num_examples` they are those of yes."
                warnings.warn(f"{told}{with_number}", stacklevel=3)


def _warn_if_nan(
    model: keras.Model, logs: Mapping[str, Any], attached: Attached
) -> None:
    if not attached or not math.isnan(float(logs.get("loss", 0.0))):
        return
    # Keras keeps the loss of each output as a metric where there are several.
    outputs = [
        metric.name.removesuffix("_loss")
        for metric in model.metrics
        if metric.name.endswith("_loss")
        and math.isnan(float(logs.get(metric.name, 0.0)))
    ]
    of = f" of {' and '.join(map(repr, outputs))}" if outputs else ""
    losses = [
        loss for name, (loss, _) in attached.items() if name.startswith(tuple(outputs))
    ] or [loss for loss, _ in attached.values()]
    kinds = {isinstance(loss, BinaryLongTailedCrossentropy) for loss in losses}
    causes = {
        True: "a target of a yes-or-no label outside of [0, 1]: mark unknown ones, and "
        "pass their value as `ignore_value` (such as -1 or NaN) to the loss, or give "
        "them a `sample_weight` of 0 of the shape (N, K)",
        False: "a label that is not a class: number the classes from 0 on, and pass a "
        "label that stands for no class as `ignore_class` to the loss, or give it a "
        "`sample_weight` of 0",
    }
    found = "; ".join(cause for kind, cause in causes.items() if kind in kinds)
    warnings.warn(
        f"The loss{of} is NaN. In a compiled step, an error cannot be raised; the "
        f"cause may be {found}; a prediction that is NaN or, with from_logits=False, "
        "outside of [0, 1]; or a learning rate that is too large. "
        "`model.compile(..., run_eagerly=True)` for one batch names a wrong label, or "
        "a prediction outside of [0, 1]. If it names none, look before training for "
        "the rows that `model.predict` gives NaN for: inputs with NaN, or examples "
        "that are masked as a whole, such as texts without words before a "
        "`GlobalAveragePooling1D`, which divides 0 by 0.",
        stacklevel=4,
    )
