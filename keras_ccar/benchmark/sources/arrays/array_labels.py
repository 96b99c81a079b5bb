"""The labels of arrays: classes, or zeros and ones."""

from pathlib import Path

import numpy as np
import pandas as pd

from keras_ccar.benchmark.sources.arrays.array_files import missing_part
from keras_ccar.benchmark.sources.labels.coding import UNKNOWN, LabelCoding, read_labels
from keras_ccar.benchmark.sources.labels.label_texts import label_text
from keras_ccar.benchmark.sources.labels.labelled import (
    Labelled,
    label_examples,
    note_unknown,
)
from keras_ccar.benchmark.sources.splitting.split import check_same_classes
from keras_ccar.benchmark.sources.user_data import Arrays

# So many rows with a single 1 are meant to be classes.
_NEARLY_ALL = 0.9


def labelled_part(part: Arrays | None, path: Path, notes: list[str]) -> Arrays:
    """Returns the examples that have a label; notes how many have none."""
    x, answers = part or missing_part(path)
    lacks = _lack_label(answers)
    if lacks.any():
        notes.append(
            f"{int(lacks.sum()):,} of {len(lacks):,} examples of {path} have no label "
            "and are left out."
        )
    return x[~lacks], answers[~lacks]


def _lack_label(answers: np.ndarray) -> np.ndarray:
    """Returns which examples have NaN, or an empty text, for all their labels."""
    lacks: np.ndarray = np.asarray(pd.isna(answers))
    if answers.dtype.kind in "US":
        lacks = np.char.str_len(np.char.strip(answers)) == 0
    return np.asarray(lacks.reshape(len(answers), -1).all(axis=1))


def label_part(
    answers: np.ndarray, path: Path, notes: list[str], fewest: int
) -> Labelled:
    """Returns the labels of the training data, and what they mean.

    Args:
        answers: classes `(N,)`, or zeros and ones `(N, K)`.
        path: the file.
        notes: takes what there is to say.
        fewest: the examples that a class needs.

    Raises:
        ValueError: for other labels.
    """
    where = f"`y` in {path}"
    if answers.ndim == 1:
        return label_examples(read_labels(answers, notes), where, notes, fewest)
    labels = _zeros_and_ones(answers, where)
    names = tuple(str(number) for number in range(labels.shape[1]))
    is_one = ((labels == 1).sum(axis=1) == 1) & (labels != UNKNOWN).all(axis=1)
    if _NEARLY_ALL <= is_one.mean() < 1:
        notes.append(
            f"Warning: {int((~is_one).sum()):,} of {len(labels):,} rows of {where} "
            "have no single 1, so that its columns are yes-or-no labels. If they are "
            "classes that exclude each other, mend these rows."
        )
    if is_one.all():
        classes = [names[i] for i in labels.argmax(axis=1)]
        return label_examples(classes, where, notes, fewest)
    note_unknown(labels, names, where, notes)
    kept = np.arange(len(labels))
    return Labelled(LabelCoding("labels", names), kept, labels)


def encode_part(
    part: Arrays,
    coding: LabelCoding,
    name: str,
    path: Path,
    shape: tuple[int, ...],
    notes: list[str],
) -> Arrays:
    """Returns the inputs and the labels of another part, coded as the training data.

    Args:
        part: its arrays.
        coding: of the training data.
        name: of the part.
        path: the file.
        shape: of an example.
        notes: takes what there is to say.

    Raises:
        ValueError: if they do not fit the training data.
    """
    x, answers = part
    where = f"The {name} part of {path}"
    # Of several labels, examples without an answer do no harm.
    if coding.kind != "labels" and (lacks := _lack_label(answers)).any():
        raise ValueError(
            f"{where} must have a label for each example. Received: "
            f"{int(lacks.sum()):,} without. Leave them out."
        )
    if x.shape[1:] != shape:
        raise ValueError(
            f"{where} must have inputs of shape {shape}. Received: {x.shape[1:]}."
        )
    if coding.kind == "labels":
        labels = _zeros_and_ones(answers, where)
        note_unknown(labels, coding.class_names, where, notes)
    else:
        if answers.ndim == 2:
            answers = _one_hot(answers, where).argmax(axis=1)
        labels = coding.encode([label_text(value) for value in answers], where)
    check_same_classes(labels, coding, where, name, notes)
    return x, labels


def _one_hot(answers: np.ndarray, where: str) -> np.ndarray:
    rows = _zeros_and_ones(answers, where)
    wrong = np.flatnonzero((rows == 1).sum(axis=1) != 1)
    if wrong.size:
        raise ValueError(
            f"{where} must have a single 1 in each row of `y`, as the training data "
            f"does. Received: {wrong.size:,} rows without, such as row {wrong[0]}, "
            f"{rows[wrong[0]].tolist()}. Mend them, or leave them out."
        )
    return rows


def _zeros_and_ones(answers: np.ndarray, where: str) -> np.ndarray:
    """Returns answers as int64, those that are NaN as `UNKNOWN`."""
    is_known = np.asarray(~pd.isna(answers))
    if answers.ndim != 2 or not np.isin(answers[is_known], (0, 1)).all():
        raise ValueError(
            f"{where} must be classes (N,), or zeros and ones (N, K), with NaN for "
            f"what is not known. Received: shape {answers.shape}, dtype "
            f"{answers.dtype}."
        )
    return np.where(is_known, answers, UNKNOWN).astype("int64")
