"""Reads the columns of numbers of a file, and says which values are none."""

import shlex

import pandas as pd

from keras_ccar.benchmark.sources.column_kinds import (
    CATEGORY,
    NUMBER,
    is_missing,
    to_texts,
)
from keras_ccar.benchmark.sources.columns import Encoder
from keras_ccar.benchmark.sources.number_texts import (
    NAMES_OF_MARKS,
    find_mark,
    like_answers,
    to_numbers,
)
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
    for column in _columns(encoder, NUMBER):
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


def read_like_training(
    rows: pd.DataFrame,
    trained: pd.DataFrame,
    encoder: Encoder,
    files: tuple[str, str],
    notes: list[str],
) -> pd.DataFrame:
    """Reads the numbers of another file, and its answers such as yes and no.

    Args:
        rows: the rows of that file.
        trained: the training rows, as their file has them.
        encoder: knows what columns hold.
        files: that file, and the one of the training rows.
        notes: takes what there is to say.

    Raises:
        ValueError: for a column with hardly a value that is read as in the training
            rows.
    """
    where, known = files
    rows = rows.copy()
    for column in _columns(encoder, NUMBER, CATEGORY):
        rows[column] = like_answers(rows[column], trained[column])
    for column in _columns(encoder, NUMBER):
        numbers = to_numbers(rows[column])
        filled = ~is_missing(rows[column])
        if not filled.any():
            notes.append(
                f"Warning: {column} is empty in all rows of {where}, and is filled by "
                f"the mean of the training rows. Leave it out by `--drop "
                f"{shlex.quote(str(column))}` if it is not known there."
            )
        elif numbers.notna().sum() < _LEAST_READ * filled.sum():
            examples = _examples(trained[column][to_numbers(trained[column]).notna()])
            raise ValueError(
                f"{column} of {where} must hold numbers, as {known} does, such as "
                f"{examples}. Received other values, "
                f"{_describe_lost(rows[column], numbers)}. Write the column as {known} "
                f"does, or leave it out by `--drop {shlex.quote(str(column))}`."
            )
    return read_numbers(rows, encoder, where, notes)


def _columns(encoder: Encoder, *kinds: str) -> list[str]:
    return [column for column, kind in encoder.kinds.items() if kind in kinds]


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
