"""The result of `calibrate`."""

from typing import Any

import numpy as np

from keras_ccar.layers.temperature_scaling import TemperatureScaling
from keras_ccar.posthoc.calibration.reliability import Reliability
from keras_ccar.posthoc.result import Result

PARTS = {"all": "for all classes", "group": "of each group", "class": "of each class"}


class Calibrated(Result):
    """What `calibrate` found.

    Attributes:
        temperature: a float or, with `by="group"` and `by="class"`, of shape `(K,)`.
        layer: the `keras_ccar.layers.TemperatureScaling` with it.
        curve: a DataFrame with a row for "all" and, unless `by="all"`, for each group
            or class: `scope`, its `temperature`, its `examples` (of yes-or-no labels,
            the answers that are given), and on the validation data
            `log_loss_before`, `log_loss_after`, `calibration_error_before` and
            `calibration_error_after`. The temperature of "all" is the common one. The
            log loss is that of the examples of the scope, the calibration error that of
            the predictions of its classes, with the bins of `ExpectedCalibrationError`;
            of yes-or-no labels both are of the columns of the scope, and the
            calibration error is that of the probability of yes. NaN where there is
            nothing to measure.
    """

    chosen_by = "calibrate"

    def __init__(
        self,
        temperature: float | np.ndarray,
        layer: TemperatureScaling,
        curve: Any,
        by: str,
        before: Reliability,
        after: Reliability,
    ) -> None:
        self.temperature = temperature
        self.layer = layer
        self.curve = curve
        self._by = by
        self._sides = {"before": before, "after": after}

    def describe(self) -> str:
        """Returns the temperatures and what they do on the validation data."""
        found = np.atleast_1d(self.temperature)
        text = f"{found.min():.3g}"
        if found.max() > found.min():
            text += f" to {found.max():.3g}"
        row = self.curve.iloc[0]
        unit = "answers" if self.layer.are_labels else "examples"
        changes = [
            f"{words} {row[f'{name}_before']:.4g} before, {row[f'{name}_after']:.4g} "
            "after"
            for name, words in (
                ("log_loss", "log loss"),
                ("calibration_error", "calibration error"),
            )
        ]
        return (
            f"temperature {PARTS[self._by]}: {text}. On {row['examples']} {unit} of "
            f"the validation data: {'; '.join(changes)}."
        )

    def draw(self, axes: Any) -> None:
        """Draws how often predictions come true, by how sure they are."""
        axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
        for name, side in self._sides.items():
            is_filled = side.counts > 0
            axes.plot(
                side.confidence[is_filled],
                side.accuracy[is_filled],
                marker="o",
                label=f"{name} (error {side.error:.3f})",
            )
        is_yes = self.layer.are_labels
        axes.set_xlabel("Probability of yes" if is_yes else "Confidence")
        axes.set_ylabel("Share of yes" if is_yes else "Accuracy")
        axes.legend(frameon=False)
