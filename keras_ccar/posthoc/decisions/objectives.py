"""What a threshold of a yes-or-no label is chosen for."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_ccar.arguments import argument_error, check_number, check_numbers
from keras_ccar.layers.costs import refuse_gains

# Sums of a different order differ by less.
_ROUNDING = 1e-12
_NAMES = ("f1", "balanced_accuracy")
_EXPECTED = (
    '"f1", "balanced_accuracy", `precision_at_least(...)`, `recall_at_least(...)`, '
    "`alarm_rate_at_most(...)`, or finite costs of shape (2, 2) or (K, 2, 2), or a "
    "list of one of these for each label"
)
_OF_EACH_EXAMPLE = (
    "If each example has its own costs, no single threshold is best: say yes where the "
    "calibrated probability times the cost of a missed yes reaches that of an alarm."
)


class UnreachableError(ValueError):
    """No threshold of a label does what was asked for."""


class ThresholdObjective:
    """Base of what `tune_thresholds` takes as its objective.

    Attributes:
        column: the column of the curve that it makes large or, if costs, small.
        costs: of shape (2, 2), None if it has none.
    """

    column = "f1"
    costs: np.ndarray | None = None

    def choose(self, curve: dict[str, np.ndarray], label: str, num_yes: int) -> int:
        """Returns which row of the curve of a label is best.

        Args:
            curve: the columns of the curve, by rising threshold.
            label: how messages call the label.
            num_yes: examples of yes in the validation data.

        Raises:
            UnreachableError: if none does what was asked for.
        """
        raise NotImplementedError

    def of_labels(self, num_labels: int) -> "list[ThresholdObjective]":
        """Returns the objective of each label.

        Raises:
            ValueError: if there is a number of its own for each of other labels.
        """
        return [self] * num_labels


class _Largest(ThresholdObjective):
    def __init__(self, column: str) -> None:
        self.column = column

    def choose(self, curve: dict[str, np.ndarray], label: str, num_yes: int) -> int:
        return last_of(curve[self.column], np.ones(len(curve["threshold"]), bool))

    def __repr__(self) -> str:
        return self.column


class _PrecisionAtLeast(ThresholdObjective):
    column = "recall"

    def __init__(self, precision: float) -> None:
        self.precision = check_number("precision", precision, 0, 1)

    def choose(self, curve: dict[str, np.ndarray], label: str, num_yes: int) -> int:
        reached = curve["precision"] >= self.precision
        if not reached.any():
            best = int(np.nanargmax(curve["precision"]))
            raise UnreachableError(
                "`precision` must be one that a threshold reaches on the validation "
                f"data. Received: {self.precision:g} for {label}, whose largest is "
                f"{curve['precision'][best]:.4g}, with a recall of "
                f"{curve['recall'][best]:.4g}. Ask for less, or improve the model."
            )
        return last_of(curve["recall"], reached)

    def __repr__(self) -> str:
        return f"precision_at_least({self.precision:g})"


class _SmallestCost(ThresholdObjective):
    column = "cost"

    def __init__(self, costs: np.ndarray) -> None:
        self.costs: np.ndarray = costs

    def choose(self, curve: dict[str, np.ndarray], label: str, num_yes: int) -> int:
        scale = max(np.abs(self.costs).max(), np.finfo("float64").tiny)
        return last_of(-curve["cost"] / scale, np.ones(len(curve["threshold"]), bool))

    def of_labels(self, num_labels: int) -> list[ThresholdObjective]:
        if self.costs.ndim == 2:
            return [self] * num_labels
        if len(self.costs) != num_labels:
            raise ValueError(
                "`objective` must have costs of shape (2, 2), or (K, 2, 2) for each of "
                f"the model's {num_labels} labels. Received: costs of shape "
                f"{self.costs.shape}. {_OF_EACH_EXAMPLE}"
            )
        return [_SmallestCost(costs) for costs in self.costs]

    def __repr__(self) -> str:
        return f"costs {self.costs.tolist()}"


class _OneForEachLabel(ThresholdObjective):
    def __init__(self, objectives: list[ThresholdObjective]) -> None:
        self._objectives = objectives

    def of_labels(self, num_labels: int) -> list[ThresholdObjective]:
        if len(self._objectives) != num_labels:
            raise ValueError(
                "`objective` must be one for all labels, or a list of one for each of "
                f"the model's {num_labels} labels. Received: a list of "
                f"{len(self._objectives)}"
            )
        return self._objectives

    def __repr__(self) -> str:
        return ", ".join(map(repr, self._objectives))


Objective = str | ThresholdObjective | Sequence[Any] | np.ndarray


def precision_at_least(precision: float) -> ThresholdObjective:
    """Asks `tune_thresholds` for the largest recall with a precision of at least this.

    Args:
        precision: the smallest share of right answers among those of yes, in [0, 1], on
            the validation data.

    Returns:
        An objective for `tune_thresholds`.

    Raises:
        ValueError: for anything but a number in [0, 1].

    Example:
    ```python
    from keras_ccar.posthoc.decisions.objectives import precision_at_least

    assert repr(precision_at_least(0.9)) == "precision_at_least(0.9)"
    ```
    """
    return _PrecisionAtLeast(precision)


def read_objective(objective: Any, name: str = "objective") -> ThresholdObjective:
    """Returns the objective that a name, costs, an objective or a list stand for.

    Args:
        objective: see `tune_thresholds`.
        name: the name of the argument.

    Raises:
        ValueError: for anything else.
    """
    if isinstance(objective, ThresholdObjective):
        return objective
    if isinstance(objective, str) and objective in _NAMES:
        return _Largest(objective)
    if isinstance(objective, list | tuple) and any(
        isinstance(part, str | ThresholdObjective) for part in objective
    ):
        parts = [read_objective(p, f"{name}[{i}]") for i, p in enumerate(objective)]
        return _OneForEachLabel(parts)
    costs = check_numbers(name, objective, _EXPECTED)
    is_right = costs.shape[-2:] == (2, 2) and costs.ndim in (2, 3) and costs.size
    if not is_right or not np.isfinite(costs).all():
        raise argument_error(name, objective, _EXPECTED, _advice(costs.shape))
    if (costs[..., 0] == costs[..., 1]).all(axis=-1).any():
        raise argument_error(
            name,
            objective,
            "costs that differ between yes and no",
            "`costs[i][j]` is the cost of answering j where the truth is i.",
        )
    refuse_gains(name, objective, costs)
    return _SmallestCost(costs)


def _advice(shape: tuple[int, ...]) -> str:
    """Says what to do with costs of another shape."""
    if len(shape) == 2 and shape[0] == shape[1]:
        return (
            "Costs of classes that exclude each other are for "
            "`keras_ccar.layers.CostSensitiveDecision`."
        )
    return _OF_EACH_EXAMPLE if len(shape) in (2, 3) else ""


def last_of(values: np.ndarray, allowed: np.ndarray) -> int:
    """Returns the largest threshold among the best ones that are allowed.

    Of thresholds that are equally good, it answers yes to the fewest.
    """
    best = np.nanmax(values[allowed])
    return int(np.flatnonzero(allowed & (values >= best - _ROUNDING))[-1])
