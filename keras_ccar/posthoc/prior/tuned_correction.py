"""The result of `tune_logit_correction`."""

from typing import Any

from keras_ccar.layers.logit_correction import LogitCorrection
from keras_ccar.posthoc.result import Result


class TunedLogitCorrection(Result):
    """What `tune_logit_correction` found.

    Attributes:
        tau: the chosen τ.
        layer: the `keras_ccar.LogitCorrection` with it.
        curve: a DataFrame with a row for each τ: `tau`, `score`, and `standard_error`,
            that of the difference from the best score.
        best_tau: the τ with the best score, which the one-standard-error rule may pass
            over for a smaller one.
    """

    chosen_by = "tune_logit_correction"

    def __init__(
        self, tau: float, layer: LogitCorrection, curve: Any, objective: str
    ) -> None:
        self.tau = tau
        self.layer = layer
        self.curve = curve
        self.best_tau: float = float(curve["tau"][curve["score"].idxmax()])
        self._objective = objective

    def describe(self) -> str:
        """Returns the chosen τ and what it does to the score."""
        scores = self.curve.set_index("tau")["score"]
        name = self._objective.replace("_", " ")
        return (
            f"tau = {self.tau:g}: {name} {scores[self.tau]:.4f} on the validation "
            f"data, {scores[0.0]:.4f} without a correction, {scores.max():.4f} with "
            f"the best tau = {self.best_tau:g}"
        )

    def draw(self, axes: Any) -> None:
        """Draws the score against τ, with the band of one standard error."""
        curve = self.curve
        low = curve["score"] - curve["standard_error"]
        high = curve["score"] + curve["standard_error"]
        axes.fill_between(curve["tau"], low, high, color="#0072B2", alpha=0.2, lw=0)
        axes.plot(curve["tau"], curve["score"], color="#0072B2")
        axes.axvline(self.tau, color="#D55E00", ls="--", lw=1)
        axes.set_xlabel(f"τ (chosen: {self.tau:g})")
        axes.set_ylabel(self._objective.replace("_", " "))
