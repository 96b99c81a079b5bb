"""The labels of a table: in one column, in several, or as lists of tags."""

import contextlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from keras_ccar.benchmark.sources.label_texts import label_text
from keras_ccar.benchmark.sources.labelled import Labelled, label_examples
from keras_ccar.benchmark.sources.labels import (
    LabelCoding,
    find_classes,
    note_look_alikes,
    read_labels,
    shown,
)
from keras_ccar.benchmark.sources.named_columns import check_named
from keras_ccar.benchmark.sources.options import SourceOptions
from keras_ccar.benchmark.sources.split import check_same_classes
from keras_ccar.benchmark.sources.table_files import Table, read_table_file
from keras_ccar.benchmark.sources.tags import encode_tags, is_tagged, label_tags
from keras_ccar.inputs.class_names import join_first

_SHOWN = 5


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
        several = len(options.label) > 1
        what = f"lack one or more of the {len(options.label)} labels"
        notes.append(
            f"{int((~is_there).sum()):,} of {len(rows):,} rows "
            f"{what if several else 'have no label'} and are left out."
        )
        if several:
            _note_lost_answers(rows, is_there, options, notes)
        rows = rows[is_there].reset_index(drop=True)
        if rows.empty:
            names = "columns of which some row has all values"
            raise ValueError(
                f"`--label` must name {names if several else 'a column with values'}. "
                f"Received: {shown(options.label, 20)} of {path}, which no row has."
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
        return table, Labelled(coding, np.arange(len(rows)), labels)
    texts = read_labels(answers.iloc[:, 0], notes)
    return table, label_examples(texts, where, notes, options.fewest_examples())


def _note_lost_answers(
    rows: pd.DataFrame, is_there: pd.Series, options: SourceOptions, notes: list[str]
) -> None:
    """Notes how many answers of yes are in rows that lack another label."""
    lost: dict[str, tuple[int, int]] = {}
    for name in options.label:
        column = rows[name].dropna()
        texts = read_labels(column, [])
        with contextlib.suppress(ValueError):  # as is said when they are read
            coding = find_classes(texts, str(name))
            is_yes = np.array(texts) == coding.class_names[-1]
            gone = ~is_there[column.index].to_numpy(bool)
            lost[name] = int((is_yes & gone).sum()), int(is_yes.sum())
    # Those that lose the largest share first.
    order = sorted(lost, key=lambda name: -lost[name][0] / max(1, lost[name][1]))
    said = [f"{lost[n][0]:,} of {lost[n][1]:,} of {n}" for n in order if lost[n][0]]
    if said:
        notes.append(
            f"Warning: with these rows, answers of yes are lost: "
            f"{join_first(said, _SHOWN)}. One `--label` at a time keeps all rows that "
            "have its answer."
        )


def encode_labels(
    rows: pd.DataFrame,
    coding: LabelCoding,
    options: SourceOptions,
    where: str,
    part: str,
    notes: list[str],
) -> np.ndarray:
    """Returns the labels of the rows of another table, which must have all of them.

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
    if not is_there.all():
        lacking = int((~is_there).sum())
        several = len(options.label) > 1
        raise ValueError(
            f"{where} must have {'every' if several else 'a'} label in every row. "
            f"Received: {lacking:,} of {len(rows):,} rows "
            f"without{' one or more' if several else ''}. Take these rows out."
        )
    if coding.columns:
        labels = _encode_columns(answers, coding, where)
    elif coding.kind == "labels":
        labels = encode_tags(answers.iloc[:, 0], coding, options, where, notes)
    else:
        texts = [label_text(value) for value in answers.iloc[:, 0]]
        labels = coding.encode(texts, where)
    check_same_classes(labels, coding, where, part, notes)
    return labels


def _fill_tags(rows: pd.DataFrame, options: SourceOptions) -> pd.Series:
    """Returns whether each row has its labels; an empty cell of tags holds none."""
    if options.separator is not None:
        rows[options.label[0]] = rows[options.label[0]].fillna("")
    return rows[list(options.label)].notna().all(axis=1)


def _find_coding(column: pd.Series, where: str, notes: list[str]) -> LabelCoding:
    """Finds what says no and yes in one of several label columns."""
    texts = read_labels(column, notes)
    note_look_alikes(set(texts), notes)
    coding = find_classes(texts, f"{where}, column {column.name!r},")
    if coding.kind != "binary":
        names, advice = coding.class_names, "Name one column of classes."
        if {"0", "1"} < set(names) and len(names) == 3:
            (mark,) = set(names) - {"0", "1"}
            advice = (
                f"If {mark!r} stands for an answer that is not known, empty these "
                "cells: rows that lack an answer are left out."
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
    """Returns zeros and ones of columns of no and yes, each by its own coding."""
    columns = []
    for name, column in zip(coding.class_names, coding.columns, strict=True):
        texts = [label_text(value) for value in answers[name]]
        columns.append(column.encode(texts, f"{where}, column {name!r},"))
    return np.stack(columns, axis=1)
