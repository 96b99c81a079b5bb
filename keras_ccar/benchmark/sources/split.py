"""Splits examples so that every class is in every part."""

import hashlib
from collections.abc import Sequence

import numpy as np

from keras_ccar.benchmark.sources.labels import shown

_PARTS = ("training", "validation", "test")


def split_examples(
    labels: np.ndarray,
    names: Sequence[str],
    keys: Sequence[str],
    shares: Sequence[float],
    seed: int,
) -> list[np.ndarray]:
    """Returns the indices of the training examples, and those of a part for each share.

    Of each class, every part gets its share, rounded, and one example at least. Which
    examples, the seed and their keys decide.

    Args:
        labels: int64 classes `(N,)`, or zeros and ones `(N, K)` of several labels.
        names: a name for each class, or for each label.
        keys: a text for each example that stays the same, such as its file name.
        shares: the share of each part but the first, such as `(0.2,)`.
        seed: whole number.

    Raises:
        ValueError: if a class has too few examples; names it.
    """
    groups = labels if labels.ndim == 1 else _rarest_labels(labels)
    order = np.argsort(
        [hashlib.sha256(f"{seed}|{key}".encode()).hexdigest() for key in keys],
        kind="stable",
    )
    parts: list[list[int]] = [[] for _ in range(len(shares) + 1)]
    too_small = []
    for group in np.unique(groups):
        members = order[groups[order] == group]
        sizes = [max(1, round(share * len(members))) for share in shares]
        if sum(sizes) >= len(members):
            if labels.ndim == 1:
                too_small.append(f"{names[group]} ({len(members)})")
            parts[0] += members.tolist()
            continue
        for number, size in enumerate(sizes, 1):
            parts[number] += members[:size].tolist()
            members = members[size:]
        parts[0] += members.tolist()
    if too_small:
        raise ValueError(
            f"Every class must have an example for each of "
            f"{', '.join(_PARTS[: len(parts)])}. These have fewer: "
            f"{', '.join(too_small[:20])}. Add examples, leave these classes out, or "
            "make the shares smaller."
        )
    found = [np.array(sorted(part), "int64") for part in parts]
    if labels.ndim == 2:
        _require_both_answers([labels[part] for part in found], names)
    return found


def check_same_classes(
    labels: np.ndarray, names: Sequence[str], where: str, kind: str
) -> None:
    """Raises a `ValueError` if a part that was given lacks a class; names it."""
    if kind == "labels":
        is_missing = (labels == 1).sum(axis=0) == 0
    else:
        is_missing = np.bincount(labels, minlength=len(names)) == 0
    missing = [name for name, lacks in zip(names, is_missing, strict=True) if lacks]
    if missing:
        raise ValueError(
            f"{where} must have an example of every class. It lacks {shown(missing)}. "
            "Add examples of these classes, or leave the classes out everywhere."
        )


def _rarest_labels(labels: np.ndarray) -> np.ndarray:
    """Returns the rarest label that each example has, and K for examples without."""
    count = labels.shape[1]
    # Of equally rare labels the first.
    rank = np.argsort(np.argsort(labels.sum(axis=0), kind="stable"), kind="stable")
    of_rank = np.argsort(rank)
    best = np.where(labels == 1, rank, count).min(axis=1)
    return np.append(of_rank, count)[best]


def _require_both_answers(parts: Sequence[np.ndarray], names: Sequence[str]) -> None:
    wrong = []
    for column, name in enumerate(names):
        if any(len(np.unique(part[:, column])) < 2 for part in parts):
            yes = sum(int(part[:, column].sum()) for part in parts)
            wrong.append(f"{name} ({yes} yes)")
    if wrong:
        raise ValueError(
            "Every label must have examples of yes and of no for each of "
            f"{', '.join(_PARTS[: len(parts)])}. These lack some: "
            f"{', '.join(wrong[:20])}. Add examples, or leave these labels out."
        )
