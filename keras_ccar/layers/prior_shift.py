"""The priors that a correction takes out of logits and puts into them."""

from typing import Any

import numpy as np

from keras_ccar.arguments import argument_error, check_numbers
from keras_ccar.frequencies import class_prior
from keras_ccar.output_counts import OutputCounts, output_logits, require_positive

BALANCED = "balanced"


class PriorShift:
    """From the prior that training saw to the prior of the data to predict.

    Args:
        counts: the counts of the training data.
        trained_prior: as in `LogitCorrection`.
        target_prior: as in `LogitCorrection`.

    Attributes:
        trained_prior: the argument as plain JSON.
        target_prior: the argument as plain JSON.
    """

    def __init__(
        self, counts: OutputCounts, trained_prior: Any, target_prior: Any
    ) -> None:
        add = "Add 1 to the counts of all classes."
        if counts.are_labels:
            add = "Add 1 to the counts of yes and of no of all labels."
        counts.require_examples(add)
        # None stands for balanced classes and labels.
        self._trained: np.ndarray | None = counts.examples
        self._target: np.ndarray | None = None
        self.trained_prior: Any = None
        if isinstance(trained_prior, str) and trained_prior == BALANCED:
            self._trained, self.trained_prior = None, BALANCED
        elif trained_prior is not None:
            self._trained, self.trained_prior = _read(
                "trained_prior", trained_prior, counts
            )
        if trained_prior is not None:
            # What was rebalanced goes back to the data as they are.
            self._target = counts.examples
        self.target_prior: Any = None
        if target_prior is not None:
            self._target, self.target_prior = _read(
                "target_prior", target_prior, counts
            )

    def of_columns(self, num_columns: int) -> np.ndarray:
        """Returns what to add to the logits of an output, in float64."""
        return self.put_in(num_columns) - self.taken_out(num_columns)

    def put_in(self, num_columns: int) -> np.ndarray:
        """Returns the logits of the prior of the data to predict."""
        return _logits(self._target, num_columns)

    def taken_out(self, num_columns: int) -> np.ndarray:
        """Returns the logits of the prior that training saw."""
        return _logits(self._trained, num_columns)


def _logits(prior: np.ndarray | None, num_columns: int) -> np.ndarray:
    return np.zeros(num_columns) if prior is None else output_logits(prior, num_columns)


def _read(name: str, value: Any, counts: OutputCounts) -> tuple[np.ndarray, Any]:
    """Returns a prior in the shape of the counts, and as plain JSON."""
    if hasattr(value, "items") and not counts.are_labels:
        return _of_classes(name, value, counts)
    share = "the share of yes, a number in (0, 1)"
    expected = f"the frequencies of the {counts.num_columns} classes, above 0"
    if counts.are_one_question:
        expected = f"{share}, or the frequencies of [no, yes]"
    elif counts.are_labels:
        expected = f"{share}, or one for each of the {counts.num_columns} labels"
    if name == "trained_prior":
        expected += ', or "balanced"'
    numbers = check_numbers(name, value, expected)
    is_share = counts.are_labels or (counts.are_one_question and numbers.size == 1)
    if not is_share:
        if not numbers.ndim:
            raise argument_error(name, value, expected)
        return _of_classes(name, value, counts)
    fits = numbers.shape in ((), counts.examples.shape[1:] or (1,))
    if not fits or not ((numbers > 0) & (numbers < 1)).all():
        raise argument_error(name, value, expected)
    if counts.are_one_question:
        yes = numbers.item()
        return np.array([1 - yes, yes]), yes
    yes = np.broadcast_to(numbers, counts.examples.shape[1:])
    return np.stack([yes, 1 - yes]), numbers.tolist()


def _of_classes(
    name: str, value: Any, counts: OutputCounts
) -> tuple[np.ndarray, list[float]]:
    frequency = class_prior(value, name).frequency
    if frequency.shape != counts.examples.shape:
        raise ValueError(
            f"`{name}` must have one entry for each class. Received: "
            f"{len(frequency)} entries for {counts.num_columns} classes"
        )
    require_positive(name, frequency, "Add 1 to the counts of all classes.")
    return frequency, frequency.tolist()
