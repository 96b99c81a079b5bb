"""Splits examples so that those of a group stay in one part."""

import warnings
from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from keras_ccar.benchmark.sources.splitting.split import rarest_labels
from keras_ccar.inputs.class_names import join_first

_TRIES = 10
_MOST_FOLDS = 20
_SHOWN = 20


def split_groups(
    labels: np.ndarray,
    names: Sequence[str],
    groups: Sequence[str],
    shares: Mapping[str, float],
    seed: int,
    column: str,
) -> dict[str, np.ndarray]:
    """Returns the indices of each part: of "train", and of those that have a share.

    Every class is in every part, which gets its share of each class as nearly as whole
    groups allow. Which groups, the seed decides.

    Args:
        labels: int64 classes `(N,)`, or zeros, ones and `UNKNOWN` `(N, K)` of several
            labels.
        names: a name for each class, or for each label.
        groups: the group of each example.
        shares: the share of each part but "train", such as `{"test": 0.2}`.
        seed: whole number.
        column: where the groups are from, for messages.

    Raises:
        ValueError: if a class is in too few groups; names it.
    """
    codes = np.unique(groups, return_inverse=True)[1]
    _require_groups(labels, names, codes, ("train", *shares), column)
    classes = labels if labels.ndim == 1 else rarest_labels(labels)
    strata = np.unique(classes, return_inverse=True)[1]
    for number in range(_TRIES):
        parts = _try(strata, codes, shares, np.random.SeedSequence([seed, number]))
        lost = [
            names[i]
            for i in sorted({int(i) for part in parts for i in _lost(labels, part)})
        ]
        if not lost:
            return dict(zip(("train", *shares), parts, strict=True))
    raise ValueError(
        f"The rows of each `{column}` must stay in one part, and every class must be "
        f"in each of {', '.join(('train', *shares))}. No such division was found for "
        f"{join_first(lost, _SHOWN)}. Leave these classes out, pass another "
        "`--data-seed`, or leave `--group` out."
    )


def _try(
    strata: np.ndarray,
    codes: np.ndarray,
    shares: Mapping[str, float],
    seed: np.random.SeedSequence,
) -> list[np.ndarray]:
    """Returns the indices of the training part, and those of a part for each share."""
    random = np.random.RandomState(np.random.MT19937(seed))
    rest = np.arange(len(codes))
    parts: list[np.ndarray] = []
    left = 1.0
    for number, share in enumerate(shares.values()):
        later = len(shares) - number
        taken = _cut(strata[rest], codes[rest], share / left, later, random)
        parts.append(rest[taken])
        rest = rest[~taken]
        left -= share
    return [rest, *parts]


def _cut(
    strata: np.ndarray,
    codes: np.ndarray,
    share: float,
    later: int,
    random: np.random.RandomState,
) -> np.ndarray:
    """Returns which examples a part of a share takes.

    It takes neighbouring folds, those whose classes have the share most nearly. The
    rest must have groups of each class for the `later` parts.
    """
    counts = np.bincount(strata)
    fraction = Fraction(share).limit_denominator(_MOST_FOLDS)
    denominator = _MOST_FOLDS if fraction in (0, 1) else fraction.denominator
    number = min(denominator, len(np.unique(codes)), counts.max())
    if number < 2:
        return np.zeros(len(codes), bool)
    width = min(max(1, round(share * number)), number - 1)
    folds = StratifiedGroupKFold(int(number), shuffle=True, random_state=random)
    with warnings.catch_warnings(action="ignore"):  # of classes in few groups
        fold_of = np.zeros(len(codes), int)
        for fold, (_, indices) in enumerate(folds.split(codes, strata, codes)):
            fold_of[indices] = fold
    options = [(fold_of - first) % number < width for first in range(number)]
    options = [_complete(taken, strata, codes, later) for taken in options]

    def badness(taken: np.ndarray) -> tuple[int, float]:
        lost = _groups_of_classes(strata, codes, taken, len(counts)) < 1
        few = _groups_of_classes(strata, codes, ~taken, len(counts)) < later
        part = np.bincount(strata[taken], minlength=len(counts))
        return int(lost.sum() + few.sum()), float(np.abs(part - share * counts).sum())

    return min(options, key=badness)


def _complete(
    taken: np.ndarray, strata: np.ndarray, codes: np.ndarray, later: int
) -> np.ndarray:
    """Adds the smallest group of each class that a part lacks and others can spare."""
    taken = taken.copy()
    sizes = np.bincount(codes)
    for stratum in np.setdiff1d(strata, strata[taken]):
        if not (strata[taken] == stratum).any():
            having = np.unique(codes[strata == stratum])
            if len(having) > later:
                taken |= codes == having[sizes[having].argmin()]
    return taken


def _groups_of_classes(
    strata: np.ndarray, codes: np.ndarray, chosen: np.ndarray, length: int
) -> np.ndarray:
    """Returns in how many groups of the chosen examples each class is."""
    pairs = np.unique(np.stack([strata[chosen], codes[chosen]]), axis=1)
    return np.bincount(pairs[0], minlength=length)


def _require_groups(
    labels: np.ndarray,
    names: Sequence[str],
    codes: np.ndarray,
    parts: Sequence[str],
    column: str,
) -> None:
    few = []
    for index, name in enumerate(names):
        has = labels == index if labels.ndim == 1 else labels[:, index] == 1
        number = len(np.unique(codes[has]))
        if number < len(parts):
            few.append(f"{name} ({number})")
    if few:
        raise ValueError(
            f"Every class must be in {len(parts)} groups or more, because the rows of "
            f"each `{column}` stay in one of {', '.join(parts)}. These are in fewer: "
            f"{join_first(few, _SHOWN)}. Add groups that have them, leave these "
            "classes out, or leave `--group` out."
        )


def _lost(labels: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Returns the classes that a part lacks, or the labels that have no yes or no."""
    if labels.ndim == 1:
        return np.setdiff1d(labels, labels[part])
    yes, no = ((labels[part] == answer).sum(axis=0) for answer in (1, 0))
    return np.flatnonzero((yes == 0) | (no == 0))
