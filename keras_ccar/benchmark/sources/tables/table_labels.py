"""The labels of a table: in one column, in several, or as lists of tags."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from keras_ccar.benchmark.sources.labels.coding import (
    UNKNOWN,
    LabelCoding,
    find_classes,
    note_look_alikes,
    read_labels,
    shown,
)
from keras_ccar.benchmark.sources.labels.label_texts import label_text
from keras_ccar.benchmark.sources.labels.labelled import (
    Labelled,
    label_examples,
    note_unknown,
)
from keras_ccar.benchmark.sources.labels.tags import encode_tags, is_tagged, label_tags
from keras_ccar.benchmark.sources.options import SourceOptions
from keras_ccar.benchmark.sources.splitting.split import check_same_classes
from keras_ccar.benchmark.sources.tables.named_columns import check_named
from keras_ccar.benchmark.sources.tables.table_files import Table, read_table_file

_EMPTY_UNKNOWN = " Empty the cells of answers that are not known."


def label_rows(
    path: Path, options: SourceOptions, notes: list[str]
) -> tuple[Table, Labelled]:
    """Returns the rows that have a label, and their labels."""
    groups = () if options.group is None else (options.group,)
    table = read_table_file(path, (*options.label, *groups), notes)
    rows = table.rows
    if not options.label:
        raise ValueError(
            "A table needs `--label COLUMN`, the column that holds the class. Its "
            f"columns are {shown(list(rows.columns), 20)}."
        )
    check_named(path, rows, options)
    is_there = _fill_tags(rows, options)
    if not is_there.all():
        notes.append(
            f"{int((~is_there).sum()):,} of {len(rows):,} rows have no label and are "
            "left out."
        )
        rows = rows[is_there].reset_index(drop=True)
        if rows.empty:
            raise ValueError(
                f"`--label` must name columns with values. Received: "
                f"{shown(options.label, 20)} of {path}, which no row has."
            )
    table = replace(table, rows=rows)
    answers = rows[list(options.label)]
    where = f"The label {shown(list(options.label))} of {path}"
    if is_tagged(answers, options):
        return table, label_tags(answers.iloc[:, 0], where, options, notes)
    if len(options.label) > 1:
        codings = [_find_coding(answers[name], where, notes) for name in options.label]
        coding = LabelCoding("labels", options.label, columns=tuple(codings))
        labels = _encode_columns(answers, coding, where)
        note_unknown(labels, coding.class_names, str(path), notes)
        return table, Labelled(coding, np.arange(len(rows)), labels)
    texts = read_labels(answers.iloc[:, 0], notes)
    return table, label_examples(texts, where, notes, options.fewest_examples())


def encode_labels(
    rows: pd.DataFrame,
    coding: LabelCoding,
    options: SourceOptions,
    where: str,
    part: str,
    notes: list[str],
) -> np.ndarray:
    """Returns the labels of the rows of another table, which must each have one.

    Args:
        rows: its rows.
        coding: of the training table.
        options: name the columns of labels.
        where: the other table.
        part: "validation" or "test".
        notes: takes what there is to say.
    """
    is_there = _fill_tags(rows, options)
    answers = rows[list(options.label)]
    # Of several labels, rows without an answer do no harm.
    if not is_there.all() and not coding.columns:
        raise ValueError(
            f"{where} must have a label in every row. Received: "
            f"{int((~is_there).sum()):,} of {len(rows):,} rows without. Take these "
            "rows out."
        )
    if coding.columns:
        labels = _encode_columns(answers, coding, where)
        note_unknown(labels, coding.class_names, where, notes)
    elif coding.kind == "labels":
        labels = encode_tags(answers.iloc[:, 0], coding, options, where, notes)
    else:
        texts = [label_text(value) for value in answers.iloc[:, 0]]
        labels = coding.encode(texts, where)
    check_same_classes(labels, coding, where, part, notes)
    return labels


def _fill_tags(rows: pd.DataFrame, options: SourceOptions) -> pd.Series:
    """Returns whether each row has a label; an empty cell of tags holds none."""
    if options.separator is not None:
        rows[options.label[0]] = rows[options.label[0]].fillna("")
    return rows[list(options.label)].notna().any(axis=1)


def _find_coding(column: pd.Series, where: str, notes: list[str]) -> LabelCoding:
    """Finds what says no and yes in one of several label columns."""
    texts = read_labels(column.dropna(), notes)
    if len(set(texts)) < 2:
        raise ValueError(
            f"Of several label columns each must hold yes and no. {column.name!r} "
            f"holds {shown(sorted(set(texts))) or 'nothing'}. Leave it out of "
            "`--label`."
        )
    note_look_alikes(set(texts), notes)
    coding = find_classes(texts, f"{where}, column {column.name!r},")
    if coding.kind != "binary":
        names, advice = coding.class_names, "Name one column of classes."
        if {"0", "1"} < set(names) and len(names) == 3:
            (mark,) = set(names) - {"0", "1"}
            advice = (
                f"If {mark!r} stands for an answer that is not known, empty these "
                "cells: what is empty does not count."
            )
        raise ValueError(
            f"Of several label columns each must hold yes or no. {column.name!r} holds "
            f"{len(names)} classes: {shown(names)}. {advice}"
        )
    if coding.note:
        notes.append(f"{column.name}: {coding.note}")
    return coding


def _encode_columns(
    answers: pd.DataFrame, coding: LabelCoding, where: str
) -> np.ndarray:
    """Returns zeros and ones of columns of no and yes, each by its own coding.

    An empty cell is `UNKNOWN`.
    """
    labels = np.full(answers.shape, UNKNOWN, "int64")
    for number, column in enumerate(coding.columns):
        name = coding.class_names[number]
        is_known = answers[name].notna().to_numpy(bool)
        texts = [label_text(value) for value in answers[name][is_known]]
        numbers = column.encode(texts, f"{where}, column {name!r},", _EMPTY_UNKNOWN)
        labels[is_known, number] = numbers
    return labels
