"""Reads the columns of numbers of a file, and says which values are none."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from keras_ccar.benchmark.sources.csv_numbers.known_notations import read_in_notations
from keras_ccar.benchmark.sources.csv_numbers.notations import Notation
from keras_ccar.benchmark.sources.csv_numbers.number_texts import (
    NAMES_OF_MARKS,
    find_mark,
    like_answers,
    to_numbers,
)
from keras_ccar.benchmark.sources.tables.column_kinds import (
    CATEGORY,
    NUMBER,
    TEXT,
    is_missing,
    is_text,
    to_texts,
)
from keras_ccar.benchmark.sources.tables.columns import Encoder
from keras_ccar.benchmark.sources.tables.table_files import OtherFile
from keras_ccar.inputs.class_names import join_first

_SHOWN = 3
# What a held-out column has fewer numbers of, of its filled values, is written
# otherwise than the training data.
_LEAST_READ = 0.5


def read_numbers(
    rows: pd.DataFrame, encoder: Encoder, where: str, notes: list[str]
) -> pd.DataFrame:
    """Returns rows whose columns of numbers are floats; notes what is no number.

    Args:
        rows: all rows of a file, which show how its numbers are written.
        encoder: knows what columns hold.
        where: the file.
        notes: takes what there is to say.
    """
    read = rows.copy()
    lost: list[str] = []
    marked: dict[str, list[str]] = {}
    for column in encoder.columns(NUMBER):
        numbers = to_numbers(rows[column])
        if not pd.api.types.is_numeric_dtype(rows[column]):
            mark = find_mark(rows[column])
            if mark is not None:
                marked.setdefault(NAMES_OF_MARKS[mark], []).append(column)
        if text := _describe_lost(rows[column], numbers):
            lost.append(f"{column} ({text})")
        read[column] = numbers
    notes += [
        f"The numbers of {', '.join(columns)} in {where} have {name} between their "
        "thousands."
        for name, columns in marked.items()
    ]
    if lost:
        notes.append(
            f"Warning: values of {where} that are no numbers are read as missing: "
            f"{', '.join(lost)}. Write them as numbers if they are some, or leave the "
            "cells empty."
        )
    return read


@dataclass(frozen=True)
class Training:
    """What other files of a table are read alike.

    Attributes:
        encoder: knows what its columns hold.
        rows: the training rows, or frequent values of them, as their file has them.
        notations: how its columns of numbers are written, as far as they show it.
        name: that of the file.
        advice: how columns are left out, with a place for their name.
    """

    encoder: Encoder
    rows: pd.DataFrame
    notations: Mapping[str, Notation]
    name: str
    advice: str = "leave it out by `--drop {}`"

    def texts(self, column: str) -> set[str]:
        """Returns the texts of a column that training rows have."""
        if self.encoder.kinds[column] == CATEGORY and self.encoder.space is not None:
            return set(self.encoder.categories(column))
        return set(to_texts(self.rows[column]))

    def leave_out(self, column: str) -> str:
        """Says how a column is left out."""
        return self.advice.format(shlex.quote(str(column)))


def read_like_training(
    file: OtherFile, training: Training, notes: list[str]
) -> pd.DataFrame:
    """Reads numbers, categories, and answers such as yes and no, of another file.

    Args:
        file: that file.
        training: what the training file is like.
        notes: takes what there is to say.

    Raises:
        ValueError: for a column with hardly a value that is read as in the training
            rows, or with numbers that may mean two things.
    """
    encoder, trained = training.encoder, training.rows
    rows, where = file.rows(), file.name
    for column in encoder.columns(CATEGORY):
        # "None" may be one.
        is_known = file.cells[column].isin(training.texts(column))
        rows[column] = rows[column].where(~is_known, file.cells[column])
    for column in encoder.columns(NUMBER, CATEGORY):
        is_number = encoder.kinds[column] == NUMBER
        rows[column] = like_answers(rows[column], trained[column], is_number)
    for column in encoder.columns(CATEGORY, TEXT):
        rows[column] = _like_texts(rows[column], training.texts(column))
    numbers = encoder.columns(NUMBER)
    texts = [column for column in numbers if is_text(rows[column])]
    read_texts = read_in_notations(
        rows[texts], training.notations, where, notes, file.usual
    )
    for column, series in read_texts.items():
        rows[column] = series
    for column in numbers:
        read = to_numbers(rows[column])
        filled = ~is_missing(rows[column])
        lost_in_training = trained[column][to_numbers(trained[column]).isna()]
        is_lost_alike = to_texts(rows[column]).isin(to_texts(lost_in_training))
        if not filled.any():
            notes.append(
                f"Warning: {column} is empty in all rows of {where}, and is filled by "
                "the mean of the training rows. If it is not known there, "
                f"{training.leave_out(column)}."
            )
        elif read.notna().sum() < _LEAST_READ * (filled & ~is_lost_alike).sum():
            examples = _examples(trained[column][to_numbers(trained[column]).notna()])
            raise ValueError(
                f"{column} of {where} must hold numbers, as {training.name} does, such "
                f"as {examples}. Received other values, "
                f"{_describe_lost(rows[column], read)}. Write the column as "
                f"{training.name} does, or {training.leave_out(column)}."
            )
    return read_numbers(rows, encoder, where, notes)


def _like_texts(values: pd.Series, known: set[str]) -> pd.Series:
    """Returns numbers as texts: 2.0, or 2, as the training rows have it."""
    if not pd.api.types.is_float_dtype(values):
        return values
    texts = to_texts(values)
    whole = texts.str.replace(r"\.0$", "", regex=True)
    return texts.where(texts.isin(known) | ~whole.isin(known), whole)


def _describe_lost(series: pd.Series, numbers: pd.Series) -> str:
    """Says how many filled values are no numbers, with examples; "" if none is."""
    filled = ~is_missing(series)
    lost = filled & numbers.isna()
    if not lost.any():
        return ""
    return (
        f"{int(lost.sum()):,} of {int(filled.sum()):,}, such as "
        f"{_examples(series[lost])}"
    )


def _examples(values: pd.Series) -> str:
    texts = to_texts(values.iloc[:1000]).unique().tolist()[:_SHOWN]
    return join_first([repr(text) for text in texts], _SHOWN)
