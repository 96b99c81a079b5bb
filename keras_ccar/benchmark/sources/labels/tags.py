"""Several labels in one column: lists of tags, or texts that a separator divides."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from keras_ccar.benchmark.sources.labels.coding import (
    LabelCoding,
    note_look_alikes,
    shown,
)
from keras_ccar.benchmark.sources.labels.label_texts import label_text, plain_texts
from keras_ccar.benchmark.sources.labels.labelled import Labelled, why_left_out
from keras_ccar.benchmark.sources.options import SourceOptions

_SHOWN = 20


def is_tagged(answers: pd.DataFrame, options: SourceOptions) -> bool:
    """Whether the only label column holds several labels in each row."""
    if answers.shape[1] > 1:
        return False
    return _is_list(answers.iloc[0, 0]) or options.separator is not None


def label_tags(
    column: pd.Series, where: str, options: SourceOptions, notes: list[str]
) -> Labelled:
    """Returns the labels of a table, without those that too few rows have."""
    rows = _read_tags(column, options)
    names = sorted(set(plain_texts([tag for tags in rows for tag in tags])))
    note_look_alikes(names, notes)
    labels = _mark(rows, LabelCoding("labels", tuple(names)), where)
    fewest = options.fewest_examples()
    rare = labels.sum(axis=0) < fewest
    left_out = [name for name, is_rare in zip(names, rare, strict=True) if is_rare]
    if left_out:
        few = "one example" if fewest == 2 else f"under {fewest} examples"
        notes.append(
            f"Labels with {few}, {why_left_out(fewest)}, are left out: "
            f"{shown(left_out)}."
        )
    kept = [name for name, is_rare in zip(names, rare, strict=True) if not is_rare]
    if len(kept) < 2:
        raise ValueError(f"{where} must hold two labels or more. Received: {kept}.")
    labels = labels[:, ~rare]
    coding = LabelCoding("labels", tuple(kept), left_out=tuple(left_out))
    return Labelled(coding, np.arange(len(labels)), labels)


def encode_tags(
    column: pd.Series,
    coding: LabelCoding,
    options: SourceOptions,
    where: str,
    notes: list[str],
) -> np.ndarray:
    """Returns the labels of another table; notes those that the training left out.

    Raises:
        ValueError: for labels that the training data lacks.
    """
    kept = len(coding.class_names)
    known = LabelCoding("labels", coding.class_names + coding.left_out)
    labels = _mark(_read_tags(column, options), known, where)
    is_lost = labels[:, kept:].any(axis=0)
    if is_lost.any():
        lost = [known.class_names[kept + index] for index in np.flatnonzero(is_lost)]
        notes.append(
            "Labels that are left out of the training data are left out of "
            f"{where} too: {shown(lost, _SHOWN)}."
        )
    return labels[:, :kept]


def _read_tags(column: pd.Series, options: SourceOptions) -> list[list[str]]:
    """Returns the tags of each row; a cell that nothing divides is one."""
    found = []
    for value in column:
        if _is_list(value):
            parts = [part for part in value if not pd.isna(part)]
        elif options.separator is not None:
            parts = str(value).split(options.separator)
        else:
            parts = [value]
        texts = [label_text(part) for part in parts]
        found.append([text for text in texts if text])
    return found


def _is_list(value: object) -> bool:
    return isinstance(value, list | np.ndarray)


def _mark(rows: Sequence[Sequence[str]], coding: LabelCoding, where: str) -> np.ndarray:
    """Returns a one for each label that a row has, else zeros."""
    labels = np.zeros((len(rows), len(coding.class_names)), "int64")
    # All at once, so that an error names all that are unknown.
    numbers = coding.encode([tag for tags in rows for tag in tags], where)
    labels[np.repeat(np.arange(len(rows)), [len(tags) for tags in rows]), numbers] = 1
    return labels
