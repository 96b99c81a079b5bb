"""What `estimate_prior` returns."""

from typing import Any

import keras
import numpy as np

from keras_ccar.layers.logit_correction import LogitCorrection
from keras_ccar.layers.temperature_scaling import TemperatureScaling
from keras_ccar.posthoc.result import Result

_MOST_SHOWN = 5


class EstimatedPrior(Result):
    """What `estimate_prior` found.

    Attributes:
        prior: float64 of shape `(K,)`: the frequencies of classes, or the share of yes
            of each label. None of them is 0.
        source_prior: the prior of the predictions that it was estimated from, in the
            same form.
        layer: the `keras_ccar.LogitCorrection` that puts the prior in. It is given what
            the model says or, with a `calibration`, what that returns.
        calibration: the `keras_ccar.layers.TemperatureScaling` to put between the model
            and `layer`, None without `validation`.
        curve: a DataFrame with a row for each iteration: `iteration`, `log_likelihood`,
            the mean over the examples, relative to that of the source prior, and
            `change`, the largest change of a number in the prior.
    """

    chosen_by = "estimate_prior"

    def __init__(
        self,
        prior: np.ndarray,
        layer: LogitCorrection,
        calibration: TemperatureScaling | None,
        curve: Any,
        source_prior: np.ndarray,
        num_examples: int,
    ) -> None:
        self.prior = prior
        self.layer = layer
        self.calibration = calibration
        self.curve = curve
        self.source_prior = source_prior
        self._num_examples = num_examples

    @property
    def _kind(self) -> str:
        is_shares = self.layer.corrects_labels(len(self.prior))
        return "shares of yes" if is_shares else "class frequencies"

    @property
    def layers(self) -> list[keras.layers.Layer]:
        """The calibration, if there is one, and the correction of what it returns."""
        return (
            [self.layer] if self.calibration is None else [self.calibration, self.layer]
        )

    def describe(self) -> str:
        """Returns the prior, and what it was estimated from."""
        shown = ", ".join(f"{share:.3g}" for share in self.prior[:_MOST_SHOWN])
        more = f", ... ({len(self.prior)} in all)"
        after = "" if self.calibration is None else ", calibrated first"
        return (
            f"{self._kind} {shown}{more if len(self.prior) > _MOST_SHOWN else ''}, "
            f"estimated from {self._num_examples} predictions in {len(self.curve)} "
            f"iterations{after}."
        )

    def draw(self, axes: Any) -> None:
        """Draws the prior of the predictions and the estimated one."""
        columns = np.arange(len(self.prior))
        width = 0.4
        axes.bar(columns - width / 2, self.source_prior, width, label="before")
        axes.bar(columns + width / 2, self.prior, width, label="estimated")
        is_shares = self.layer.corrects_labels(len(self.prior))
        axes.set_xlabel("Label" if is_shares else "Class")
        axes.set_ylabel(self._kind.capitalize())
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(frameon=False)
