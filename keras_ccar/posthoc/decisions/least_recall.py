"""The objective for those who must find a share of the examples of yes."""

import math

import numpy as np

from keras_ccar.arguments import argument_error, check_number
from keras_ccar.posthoc.by_class.shares import smallest_share
from keras_ccar.posthoc.decisions.objectives import (
    ThresholdObjective,
    UnreachableError,
    last_of,
)


def recall_at_least(
    recall: float, confidence: float | None = None
) -> ThresholdObjective:
    """Asks `tune_thresholds` for the largest precision with a recall of at least this.

    On the validation data, a threshold has the recall that it was chosen for. On new
    data it has less about half of the time, and much less where the validation data
    have few examples of yes. With a `confidence` the threshold is so low that new data
    have the recall in so many of all cases: its one-sided interval of Clopper and
    Pearson on the validation data lies above `recall`. This takes examples for
    independent, and new ones for drawn like those of the validation data.

    Args:
        recall: the smallest share of the examples of yes that are found, in (0, 1], on
            the validation data; with a `confidence`, on new data, below 1.
        confidence: how often a threshold that is chosen so keeps to the recall on new
            data, in (0, 1), such as 0.95. It needs examples of yes: 14 for a recall of
            0.8 and 59 for 0.95. None for the recall on the validation data.

    Returns:
        An objective for `tune_thresholds`.

    Raises:
        ValueError: for anything but such numbers.

    Reference:
        Bates et al. 2021, "Distribution-free, risk-controlling prediction sets", for
        why the choice leaves the confidence as it is: recall only falls with the
        threshold.

    Example:
    ```python
    from keras_ccar.posthoc.decisions.least_recall import recall_at_least

    assert repr(recall_at_least(0.8)) == "recall_at_least(0.8)"
    promised = recall_at_least(0.8, confidence=0.95)
    ```
    """
    return _RecallAtLeast(recall, confidence)


class _RecallAtLeast(ThresholdObjective):
    column = "precision"

    def __init__(self, recall: float, confidence: float | None) -> None:
        self.recall = check_number("recall", recall, 0, 1, above=0)
        self.confidence = None
        if confidence is None:
            return
        self.confidence = check_number("confidence", confidence, above=0, below=1)
        if self.recall == 1:
            raise argument_error(
                "recall",
                recall,
                "a number below 1 with a `confidence`",
                "No number of examples shows that nothing is ever missed.",
            )

    def choose(self, curve: dict[str, np.ndarray], label: str, num_yes: int) -> int:
        recall = curve["recall"]
        if self.confidence is not None:
            recall = smallest_share(recall, num_yes, self.confidence)
            if recall[0] < self.recall:
                needed = math.log(1 - self.confidence) / math.log(self.recall)
                raise UnreachableError(
                    "`recall` must be one that the validation data can show. Received: "
                    f"{self.recall:g} with a confidence of {self.confidence:g} for "
                    f"{label}, of which they have {num_yes} examples of yes: if all "
                    f"are found, the recall is at least {recall[0]:.4g}. Ask for less, "
                    f"or hold out at least {math.ceil(needed)} examples of yes."
                )
        # Otherwise the threshold of 0 always reaches it.
        return last_of(curve["precision"], recall >= self.recall)

    def __repr__(self) -> str:
        with_confidence = ""
        if self.confidence is not None:
            with_confidence = f", confidence={self.confidence:g}"
        return f"recall_at_least({self.recall:g}{with_confidence})"
