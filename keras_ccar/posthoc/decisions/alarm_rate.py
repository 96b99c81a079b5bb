"""The objective for those who can look at a bounded number of alarms."""

import numpy as np

from keras_ccar.arguments import argument_error, check_number
from keras_ccar.posthoc.decisions.objectives import (
    ThresholdObjective,
    UnreachableError,
    last_of,
)


def alarm_rate_at_most(share: float) -> ThresholdObjective:
    """Asks `tune_thresholds` for the largest recall with at most so many alarms.

    For those who can look at 50 of 10,000 payments a day: the share is 0.005. Of
    thresholds with the same recall, the one with the fewest alarms is chosen.

    The limit is an average over the validation data: about half of the days have more
    alarms. Where no day may have more than `k`, take the `k` cases of the day with the
    highest probabilities, without a threshold.

    Args:
        share: the largest share of all examples that is answered with yes, in (0, 1],
            on the validation data, which must have yes as often as where the model will
            be used.

    Returns:
        An objective for `tune_thresholds`.

    Raises:
        ValueError: for anything but a number in (0, 1], such as 50 for 50 a day.

    Example:
    ```python
    import numpy as np
    from keras_ccar.posthoc.decisions.alarm_rate import alarm_rate_at_most

    assert repr(alarm_rate_at_most(50 / 10_000)) == "alarm_rate_at_most(0.005)"

    k, of_the_day = 2, np.array([0.1, 0.9, 0.3, 0.8])  # at most 2 alarms a day
    alarms = np.argsort(-of_the_day)[:k]
    assert alarms.tolist() == [1, 3]
    ```
    """
    return _AlarmRateAtMost(share)


class _AlarmRateAtMost(ThresholdObjective):
    column = "recall"

    def __init__(self, share: float) -> None:
        self.share = check_number("share", share, 0, above=0)
        if self.share > 1:
            raise argument_error(
                "share",
                share,
                "a finite number > 0 and <= 1, a share of all cases",
                f"For {self.share:g} a day of N cases a day, pass {self.share:g} / N.",
            )

    def choose(self, curve: dict[str, np.ndarray], label: str, num_yes: int) -> int:
        # A share such as 0.3 of 10 examples is a little more than 3 of 10.
        reached = curve["alarm_rate"] <= self.share * (1 + 1e-9)
        if not reached.any():
            smallest = curve["alarm_rate"].min()
            raise UnreachableError(
                "`share` must be one that a threshold reaches on the validation data. "
                f"Received: {self.share:g} for {label}, whose smallest share of alarms "
                f"is {smallest:.4g}: so many have the largest probability, 1. Ask for "
                "more, or pass logits, which tell them apart."
            )
        return last_of(curve["recall"], reached)

    def __repr__(self) -> str:
        return f"alarm_rate_at_most({self.share:g})"
