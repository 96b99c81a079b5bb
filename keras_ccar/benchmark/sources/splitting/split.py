"""Splits examples so that every class is in every part."""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from keras_ccar.benchmark.sources.labels.coding import LabelCoding, shown
from keras_ccar.inputs.class_names import join_first

_SHOWN = 20


def split_examples(
    labels: np.ndarray,
    names: Sequence[str],
    keys: Sequence[str],
    shares: Mapping[str, float],
    seed: int,
) -> dict[str, np.ndarray]:
    """Returns the indices of each part: of "train", and of those that have a share.

    Of each class, every part gets its share, rounded, and one example at least. Which
    examples, the seed and their keys decide.

    Args:
        labels: int64 classes `(N,)`, or zeros, ones and `UNKNOWN` `(N, K)` of several
            labels.
        names: a name for each class, or for each label.
        keys: a text for each example that stays the same, such as its file name.
        shares: the share of each part but "train", such as `{"test": 0.2}`.
        seed: whole number.

    Raises:
        ValueError: if a class has too few examples; names it.
    """
    groups = labels if labels.ndim == 1 else rarest_labels(labels)
    order = np.argsort(
        [hashlib.sha256(f"{seed}|{key}".encode()).hexdigest() for key in keys],
        kind="stable",
    )
    parts: dict[str, list[int]] = {name: [] for name in ("train", *shares)}
    too_small = []
    for group in np.unique(groups):
        members = order[groups[order] == group]
        sizes = {
            name: max(1, round(share * len(members))) for name, share in shares.items()
        }
        if sum(sizes.values()) >= len(members):
            if labels.ndim == 1:
                too_small.append(f"{names[group]} ({len(members)})")
            parts["train"] += members.tolist()
            continue
        for name, size in sizes.items():
            parts[name] += members[:size].tolist()
            members = members[size:]
        parts["train"] += members.tolist()
    if too_small:
        raise ValueError(
            f"Every class must have an example for each of {', '.join(parts)}. These "
            f"have fewer: {join_first(too_small, _SHOWN)}. Add examples, leave these "
            "classes out, or make the shares smaller."
        )
    found = {name: np.array(sorted(part), "int64") for name, part in parts.items()}
    if labels.ndim == 2:
        _require_both_answers(
            {name: labels[part] for name, part in found.items()}, names
        )
    return found


def check_same_classes(
    labels: np.ndarray, coding: LabelCoding, where: str, part: str, notes: list[str]
) -> None:
    """Checks that a part that was given has all that is to be measured of it.

    Each class must have an example, and each label one of yes. Without a no, only what
    is found of the yes can be measured, and nothing be chosen.

    Args:
        labels: of the part.
        coding: of the training data.
        where: what has them, for messages.
        part: "validation" or "test".
        notes: takes a warning of labels that all examples have.

    Raises:
        ValueError: if a class is missing, or there is nothing to choose by; names it.
    """
    names = coding.class_names
    if coding.kind == "softmax":
        is_missing = np.bincount(labels, minlength=len(names)) == 0
    else:
        answers = labels.reshape(len(labels), -1)
        names = names[-answers.shape[1] :]
        is_missing = (answers == 1).sum(axis=0) == 0
    missing = [name for name, lacks in zip(names, is_missing, strict=True) if lacks]
    if missing:
        raise ValueError(
            f"{where} must have an example of every class. It lacks {shown(missing)}. "
            "Add examples of these classes, or leave the classes out everywhere."
        )
    if coding.kind == "softmax":
        return
    is_everywhere = (answers == 0).sum(axis=0) == 0
    everywhere = [
        name for name, is_one in zip(names, is_everywhere, strict=True) if is_one
    ]
    if not everywhere:
        return
    of_part = f"the {where[4:]}" if where.startswith("The ") else where
    all_are_known = (answers[:, is_everywhere] == 1).all()
    which = "All examples" if all_are_known else "All known answers"
    verb = "have" if all_are_known else "say yes to"
    have = f"{which} of {of_part} {verb} {shown(everywhere)}"
    if part == "validation" and is_everywhere.all():
        raise ValueError(
            f"{have}, and validation data choose the best model, which would be one "
            "that always says so. Add examples without, or name these data by "
            "`--test`: there the share that is found, the recall, is measured."
        )
    notes.append(
        f"Warning: {have}. What is measured of these is the share that is found, the "
        "recall, as balanced accuracy too. False alarms cannot be, so that precision "
        "is 100 % and a model that finds more everywhere looks better."
    )


def rarest_labels(labels: np.ndarray) -> np.ndarray:
    """Returns the rarest label that each example has, and K for examples without."""
    count = labels.shape[1]
    # Of equally rare labels the first.
    yes = (labels == 1).sum(axis=0)
    rank = np.argsort(np.argsort(yes, kind="stable"), kind="stable")
    of_rank = np.argsort(rank)
    best = np.where(labels == 1, rank, count).min(axis=1)
    return np.append(of_rank, count)[best]


def _require_both_answers(
    parts: Mapping[str, np.ndarray], names: Sequence[str]
) -> None:
    """Raises a `ValueError` if a part lacks a yes or a no of a label; names it."""
    wrong = []
    for column, name in enumerate(names):
        answers = [part[:, column] for part in parts.values()]
        if any(np.setdiff1d((0, 1), part).size for part in answers):
            yes = sum(int((part == 1).sum()) for part in answers)
            wrong.append(f"{name} ({yes} yes)")
    if wrong:
        raise ValueError(
            "Every label must have examples of yes and of no for each of "
            f"{', '.join(parts)}. These lack some: "
            f"{join_first(wrong, _SHOWN)}. Add examples, or leave these labels out."
        )
