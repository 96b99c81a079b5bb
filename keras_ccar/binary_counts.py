"""Turns the counts of yes-or-no labels into one form."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_ccar.arguments import argument_error, check_numbers, show
from keras_ccar.frequencies import (
    ClassCounts,
    ClassPrior,
    class_counts_array,
    format_class_list,
)

NumExamples = float | Sequence[float] | np.ndarray | None

# The rarer answer must be this much rarer in the counts to tell them from swapped ones.
_SMALLEST_ODDS = 4
# The share of yes must be so many standard errors away from one half.
_ERRORS = 4


def binary_counts(
    class_counts: ClassCounts, num_examples: NumExamples = None
) -> tuple[np.ndarray, float | list[float]]:
    """Returns the counts of yes and of no of each label, and the number of examples.

    Args:
        class_counts: the examples that carry each label, as for `class_counts_array`;
            without `num_examples`, `[no, yes]` or `{0: no, 1: yes}` of one label, or
            `(K, 2)` of K.
        num_examples: N, a number or of shape `(K,)`, or None.

    Returns:
        A float64 array of shape `(2, K)`: the counts of yes, then those of no; and N,
        a number if it is the same for all labels.

    Raises:
        ValueError: for shapes other than these, for counts that are not finite numbers
            of at least 0, or that exceed `num_examples`.
    """
    if num_examples is None:
        positives, totals = _from_both_answers(class_counts)
    else:
        positives = class_counts_array(class_counts, minimum=1)
        totals = _totals(num_examples, len(positives))
    if (positives > totals).any():
        raise ValueError(
            "`class_counts` must not exceed `num_examples`. Received: "
            f"class_counts={positives.tolist()}, num_examples={show(num_examples)}"
        )
    is_equal = (totals == totals[0]).all()
    counts = np.stack([positives, totals - positives])
    return counts, float(totals[0]) if is_equal else totals.tolist()


def prior_by_label(prior: ClassPrior, module: Any) -> ClassPrior:
    """Returns the prior of 2K classes as that of K labels.

    Args:
        prior: frequencies of yes, then those of no, of shape `(2K,)`.
        module: `numpy`, or `keras.ops` for tensors.
    """
    rows = module.reshape(prior.frequency, (2, -1))
    total = module.sum(rows, axis=0)
    # Training may not have seen a label for long.
    shares = rows / module.where(total <= 0, 1.0, total)
    return ClassPrior(shares, total * prior.num_examples)


def format_empty_sides(empty: np.ndarray) -> str:
    """Names the labels without examples of yes, or of no, for a message.

    Args:
        empty: boolean of shape `(2, K)`, yes first.
    """
    sides = zip(("yes", "no"), empty, strict=True)
    return "; ".join(
        f"{format_class_list(labels, 'label', 'labels')} without an example of {side}"
        for side, labels in sides
        if labels.any()
    )


def describe_swapped(
    counts: np.ndarray, seen: np.ndarray, of: str, seen_where: str
) -> str:
    """Says of which labels the counts are like what was seen with yes and no swapped.

    Resampled data, whose shares of yes are nearer to one half than those of the counts,
    pass.

    Args:
        counts: those of yes and of no of each label that were given, `(2, K)`.
        seen: the samples of both.
        of: whose `class_counts` they are, for the sentence, such as " of CCARLoss".
        seen_where: what stands before the share that was seen.

    Returns:
        Sentences without the last point, "" if there is nothing to say.
    """
    total = np.maximum(seen.sum(axis=0), 1)
    share, given = seen[0] / total, counts[0] / counts.sum(axis=0)
    odds, given_odds = (_log_odds(part) for part in (share, given))
    is_sure = np.abs(share - 0.5) > _ERRORS * 0.5 / np.sqrt(total)
    is_swapped = is_sure & (np.abs(given_odds) > np.log(_SMALLEST_ODDS))
    # On the other side of one half, and at least half as far from it.
    is_swapped &= odds * -np.sign(given_odds) > np.abs(given_odds) / 2
    if not is_swapped.any():
        return ""
    worst = int(np.argmax(np.where(is_swapped, np.abs(given_odds), -1)))
    where = format_class_list(is_swapped, "label", "labels")
    return (
        f"`class_counts`{of} seem to have yes and no in each other's place, for "
        f"{where}. By them {given[worst]:.3g} of the answers to label {worst} are yes, "
        f"but {seen_where} {share[worst]:.3g}. The counts are `[no, yes]`, and `[[no, "
        "yes], ...]` of several labels, as "
        "`keras_ccar.datasets.count_classes(..., multi_label=True)` returns them"
    )


def _from_both_answers(class_counts: Any) -> tuple[np.ndarray, np.ndarray]:
    given = class_counts
    # A dict, a Counter, a pandas value_counts; labels may also be floats or booleans.
    if hasattr(given, "items") and all(label in (0, 1) for label in dict(given)):
        answers = dict(given.items())
        class_counts = [answers.get(label, 0) for label in (0, 1)]
    shape: tuple[int, ...] = ()
    if not hasattr(class_counts, "items"):
        expected = "`[no, yes]` of one label, or counts of shape (K, 2) of K"
        shape = check_numbers("class_counts", class_counts, expected).shape
    if shape != (2,) and (len(shape) != 2 or shape[1] != 2 or not shape[0]):
        raise ValueError(
            "`num_examples` must be given, unless `class_counts` has the examples of "
            "both answers: `[no, yes]` or `{0: no, 1: yes}` for one label, or shape "
            "(K, 2) for K. Received: "
            f"class_counts={show(class_counts)}, num_examples=None"
        )
    flat = class_counts_array(np.reshape(class_counts, -1))
    no, yes = flat.reshape(-1, 2).T
    if not (no + yes).all():
        raise ValueError(
            "`class_counts` must count at least one example for each label. Received: "
            f"{show(class_counts)}"
        )
    return yes, no + yes


def _totals(num_examples: Any, num_labels: int) -> np.ndarray:
    expected = f"a finite number >= 1, or one for each of the {num_labels} labels"
    totals = check_numbers("num_examples", num_examples, expected)
    is_number = totals.shape in ((), (num_labels,))
    # Shares of the examples come with `num_examples=1`.
    if not is_number or not np.isfinite(totals).all() or (totals < 1).any():
        raise argument_error("num_examples", num_examples, expected)
    return np.broadcast_to(totals, (num_labels,))


def _log_odds(share: np.ndarray) -> np.ndarray:
    clipped = np.clip(share, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(clipped / (1 - clipped)))
