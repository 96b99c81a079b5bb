"""Says after the first epoch what a compiled step cannot say."""

import math
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_ccar.callbacks.attachment import Attached
from keras_ccar.frequencies import format_class_list
from keras_ccar.losses.binary_long_tailed_crossentropy import (
    BinaryLongTailedCrossentropy,
)

# The rarer answer must be this much rarer in the counts to tell them from swapped ones.
_SMALLEST_ODDS = 4
# The share of yes must be so many standard errors away from one half.
_ERRORS = 4


def warn_of_first_epoch(logs: Mapping[str, Any] | None, attached: Attached) -> None:
    """Warns if the loss of an epoch is NaN, or counts of yes and no look swapped.

    Args:
        logs: of the epoch.
        attached: the losses of the model; none if there is nothing to say.
    """
    _warn_if_nan(logs, attached)
    for loss, statistics in attached.values():
        counts = loss.statistics_counts
        if isinstance(loss, BinaryLongTailedCrossentropy) and counts is not None:
            sides = (np.reshape(part, (2, -1)) for part in (counts, statistics.seen()))
            _warn_if_swapped(type(loss).__name__, *sides)


def _warn_if_nan(logs: Mapping[str, Any] | None, attached: Attached) -> None:
    loss = (logs or {}).get("loss")
    if not attached or loss is None or not math.isnan(float(loss)):
        return
    kinds = {
        isinstance(loss, BinaryLongTailedCrossentropy) for loss, _ in attached.values()
    }
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
        "The loss is NaN. In a compiled step, an error cannot be raised; the cause may "
        f"be {found}; a prediction that is NaN or, with from_logits=False, outside of "
        "[0, 1]; or a learning rate that is too large. "
        "`model.compile(..., run_eagerly=True)` for one batch names the value.",
        stacklevel=4,
    )


def _warn_if_swapped(name: str, counts: np.ndarray, seen: np.ndarray) -> None:
    """Warns if what was seen is like the counts with yes and no in each other's place.

    Resampled data, whose shares of yes are nearer to one half than those of the counts,
    pass.

    Args:
        name: the class of the loss.
        counts: those of yes and of no of each label that it was given, `(2, K)`.
        seen: the samples of both.
    """
    total = np.maximum(seen.sum(axis=0), 1)
    share, given = seen[0] / total, counts[0] / counts.sum(axis=0)
    odds, given_odds = (_log_odds(part) for part in (share, given))
    is_sure = np.abs(share - 0.5) > _ERRORS * 0.5 / np.sqrt(total)
    is_swapped = is_sure & (np.abs(given_odds) > np.log(_SMALLEST_ODDS))
    # On the other side of one half, and at least half as far from it.
    is_swapped &= odds * -np.sign(given_odds) > np.abs(given_odds) / 2
    if not is_swapped.any():
        return
    worst = int(np.argmax(np.where(is_swapped, np.abs(given_odds), -1)))
    where = format_class_list(is_swapped, "label", "labels")
    warnings.warn(
        f"`class_counts` of {name} seem to have yes and no in each "
        f"other's place, for {where}. By them {given[worst]:.3g} of the answers to "
        f"label {worst} are yes, but in the first epoch it was {share[worst]:.3g}. The "
        "counts are `[no, yes]`, and `[[no, yes], ...]` of several labels, as "
        "`keras_ccar.datasets.count_classes(..., multi_label=True)` returns them; with "
        "`num_examples` they are those of yes.",
        stacklevel=4,
    )


def _log_odds(share: np.ndarray) -> np.ndarray:
    clipped = np.clip(share, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(clipped / (1 - clipped)))
