"""The result of `tune_thresholds`."""

from typing import Any

import numpy as np

from keras_ccar.layers.thresholds import Thresholds
from keras_ccar.posthoc.decisions.objectives import ThresholdObjective
from keras_ccar.posthoc.result import Result

_MOST_DESCRIBED = 5
_MOST_NAMED_LINES = 10


class TunedThresholds(Result):
    """What `tune_thresholds` found.

    Attributes:
        thresholds: float64 of shape `(K,)`.
        layer: the `keras_ccar.layers.Thresholds` with them.
        chosen: a DataFrame with a row for each label: `label`, `threshold`, and what it
            reaches on the validation data: `precision`, NaN if no answer is yes,
            `recall`, `alarm_rate`, the share of answers that are yes, `f1`,
            `balanced_accuracy` and, for costs, `cost`, that of an example on average.
            All are NaN of a label that was not tuned.
        curve: a DataFrame of the same columns with a row for each threshold that was
            tried; at most 1000 of a label.
    """

    chosen_by = "tune_thresholds"

    def __init__(
        self,
        layer: Thresholds,
        chosen: Any,
        curve: Any,
        objective: ThresholdObjective,
    ) -> None:
        self.thresholds: np.ndarray = chosen["threshold"].to_numpy(dtype="float64")
        self.layer = layer
        self.chosen = chosen
        self.curve = curve
        self._objective = objective
        goals = objective.of_labels(len(chosen))
        self._columns = [goal.column for goal in goals]

    def describe(self) -> str:
        """Returns the thresholds and what they reach."""
        parts = []
        rows = self.chosen.head(_MOST_DESCRIBED).to_dict("records")
        for row, column in zip(rows, self._columns, strict=False):
            measured = dict.fromkeys(["precision", "recall", "alarm_rate", column])
            reached = ", ".join(
                f"{name.replace('_', ' ')} {row[name]:.4g}" for name in measured
            )
            if np.isnan(row["recall"]):
                reached = "not tuned"
            parts.append(f"{row['label']}: {row['threshold']:.4g} ({reached})")
        further = len(self.chosen) - len(parts)
        if further:
            parts.append(f"and {further} more")
        return (
            f"thresholds for {self._objective!r}, measured on the validation data: "
            + "; ".join(parts)
        )

    def draw(self, axes: Any) -> None:
        """Draws what was chosen for against the threshold, and the choice."""
        are_named = len(self.chosen) <= _MOST_NAMED_LINES
        lines = dict(list(self.curve.groupby("label", sort=False)))
        for place, column in zip(
            self.chosen.to_dict("records"), self._columns, strict=True
        ):
            name = place["label"]
            if name not in lines:
                continue  # not tuned
            line = lines[name]
            (drawn,) = axes.plot(
                line["threshold"],
                line[column],
                lw=1.5 if are_named else 0.5,
                label=str(name),
            )
            axes.plot(
                place["threshold"], place[column], "o", ms=4, color=drawn.get_color()
            )
        if are_named and len(self.chosen) > 1:
            axes.legend(frameon=False, fontsize="small")
        axes.set_xlabel("threshold (chosen: dot)")
        columns = dict.fromkeys(self._columns)
        axes.set_ylabel(", ".join(columns).replace("_", " "))
