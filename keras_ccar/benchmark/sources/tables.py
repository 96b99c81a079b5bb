"""Reads a table with a column of labels, from a CSV or Parquet file."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from keras_ccar.benchmark.sources import networks
from keras_ccar.benchmark.sources.columns import find_columns
from keras_ccar.benchmark.sources.labelled import Labelled, divide, label_examples
from keras_ccar.benchmark.sources.labels import (
    LabelCoding,
    find_classes,
    label_text,
    note_look_alikes,
    read_labels,
    shown,
)
from keras_ccar.benchmark.sources.options import SourceOptions
from keras_ccar.benchmark.sources.split import check_same_classes
from keras_ccar.benchmark.sources.table_files import read_rows
from keras_ccar.benchmark.sources.user_data import Arrays, UserData

SUFFIXES = (".csv", ".parquet")


def count_table(path: Path, options: SourceOptions) -> tuple[Labelled, list[str]]:
    """Returns the labels of a table, and what there is to say about them."""
    notes: list[str] = []
    _, labelled = _label_rows(path, options, notes)
    return labelled, notes


def read_table(path: Path, options: SourceOptions) -> UserData:
    """Reads, splits and encodes a table.

    Columns of numbers, of categories and of text are encoded by Keras's `FeatureSpace`,
    fitted on the training rows alone.

    Raises:
        ValueError: if the file is no table, or lacks the label column.
        ModuleNotFoundError: for a Parquet file without pyarrow.
    """
    notes: list[str] = []
    rows, labelled = _label_rows(path, options, notes)
    coding = labelled.coding
    keys = [str(number) for number in rows.index]
    parts = divide(labelled, keys, options)
    inputs = rows.drop(columns=list(options.label))
    train_rows = inputs.iloc[parts[0][0]]
    encoder = find_columns(train_rows, notes)
    encoder.fit(train_rows)
    arrays: list[Arrays] = [
        (encoder.encode(inputs.iloc[indices]), labels) for indices, labels in parts
    ]
    test = arrays[2] if len(arrays) > 2 else None
    if options.test_path is not None:
        test_rows = read_rows(options.test_path, options.label, notes)
        missing = [str(name) for name in rows.columns if name not in test_rows.columns]
        if missing:
            raise ValueError(
                f"{options.test_path} must have the columns of {path}. It lacks "
                f"{shown(missing)}."
            )
        labels = _encode_labels(test_rows, coding, options)
        test = encoder.encode(test_rows), labels
    num_outputs = 1 if coding.kind == "binary" else len(coding.class_names)
    are_labels = coding.kind == "labels"

    def make_whole(network: object) -> object:
        symbols, encoded = encoder.symbols()
        return networks.behind(network, symbols, encoded)

    return UserData(
        name=path.stem,
        kind=coding.kind,
        class_names=coding.class_names,
        train=arrays[0],
        validation=arrays[1],
        test=test,
        build_model=networks.dense_maker(arrays[0][0], num_outputs, are_labels),
        make_whole=make_whole,
        example=encoder.example(train_rows.iloc[:2]),
        inputs=encoder.names,
        notes=notes,
    )


def _label_rows(
    path: Path, options: SourceOptions, notes: list[str]
) -> tuple[pd.DataFrame, Labelled]:
    """Returns the rows that have a label, and their labels."""
    rows = read_rows(path, options.label, notes)
    if not options.label:
        raise ValueError(
            "A table needs `--label COLUMN`, the column that holds the class. Its "
            f"columns are {shown(list(rows.columns), 20)}."
        )
    unknown = [name for name in options.label if name not in rows.columns]
    if unknown:
        raise ValueError(
            f"`--label` must name columns of {path}. Received: {shown(unknown)}; "
            f"expected some of {shown(list(rows.columns), 20)}."
        )
    if options.separator is not None:  # An empty cell holds no label of several.
        rows[options.label[0]] = rows[options.label[0]].fillna("")
    is_there = rows[list(options.label)].notna().all(axis=1)
    if not is_there.all():
        notes.append(
            f"{int((~is_there).sum()):,} of {len(rows):,} rows have no label and are "
            "left out."
        )
        rows = rows[is_there].reset_index(drop=True)
        if rows.empty:
            raise ValueError(f"`--label` must name a column of {path} with values.")
    answers = rows[list(options.label)]
    where = f"The label {shown(list(options.label))} of {path}"
    if _is_tagged(answers, options):
        return rows, _label_tags(answers.iloc[:, 0], where, options, notes)
    if len(options.label) > 1:
        columns = [_answers(answers[name], where, notes) for name in options.label]
        labels = np.stack(columns, axis=1)
        coding = LabelCoding("labels", options.label)
        return rows, Labelled(coding, np.arange(len(rows)), labels)
    texts = read_labels(answers.iloc[:, 0], notes)
    return rows, label_examples(texts, where, notes)


def _encode_labels(
    rows: pd.DataFrame, coding: LabelCoding, options: SourceOptions
) -> np.ndarray:
    where = f"{options.test_path}"
    answers = rows[list(options.label)]
    if answers.isna().any(axis=None):
        raise ValueError(f"{where} must have a label in every row.")
    if _is_tagged(answers, options):
        rows_of_tags = [_tags(value, options) for value in answers.iloc[:, 0]]
        labels = _mark(rows_of_tags, coding.class_names)
    elif coding.kind == "labels":
        columns = [_answers(answers[name], where, []) for name in options.label]
        labels = np.stack(columns, axis=1)
    else:
        texts = [label_text(value) for value in answers.iloc[:, 0]]
        labels = coding.encode(texts, where)
    check_same_classes(labels, coding.class_names, where, coding.kind)
    return labels


def _answers(column: pd.Series, where: str, notes: list[str]) -> np.ndarray:
    """Returns zeros and ones of a column of no and yes."""
    texts = read_labels(column, notes)
    note_look_alikes(set(texts), notes)
    coding = find_classes(texts, f"{where}, column {column.name!r},")
    if coding.kind != "binary":
        raise ValueError(
            f"Of several label columns each must hold yes or no. {column.name!r} holds "
            f"{len(coding.class_names)} classes: {shown(coding.class_names)}. Name one "
            "column of classes."
        )
    if coding.note:
        notes.append(f"{column.name}: {coding.note}")
    return coding.encode(texts, where)


def _is_tagged(answers: pd.DataFrame, options: SourceOptions) -> bool:
    """Whether the only label column holds several labels in each row."""
    if answers.shape[1] > 1:
        return False
    is_list = isinstance(answers.iloc[0, 0], list | np.ndarray)
    return is_list or options.separator is not None


def _tags(value: object, options: SourceOptions) -> list[str]:
    if isinstance(value, list | np.ndarray):
        return [label_text(tag) for tag in value]
    parts = str(value).split(options.separator)
    return [part.strip() for part in parts if part.strip()]


def _label_tags(
    column: pd.Series, where: str, options: SourceOptions, notes: list[str]
) -> Labelled:
    rows = [_tags(value, options) for value in column]
    names = sorted({tag for tags in rows for tag in tags})
    note_look_alikes(names, notes)
    labels = _mark(rows, names)
    rare = labels.sum(axis=0) < 2
    single = [name for name, is_rare in zip(names, rare, strict=True) if is_rare]
    if single:
        notes.append(
            "Labels with one example, which cannot be trained on and measured too, are "
            f"left out: {shown(single)}."
        )
    kept = [name for name, is_rare in zip(names, rare, strict=True) if not is_rare]
    if len(kept) < 2:
        raise ValueError(f"{where} must hold two labels or more. Received: {kept}.")
    labels = labels[:, ~rare]
    return Labelled(LabelCoding("labels", tuple(kept)), np.arange(len(labels)), labels)


def _mark(rows: Sequence[Sequence[str]], names: Sequence[str]) -> np.ndarray:
    """Returns a one for each label that a row has, else zeros."""
    return np.array([[name in tags for name in names] for tags in rows], "int64")
