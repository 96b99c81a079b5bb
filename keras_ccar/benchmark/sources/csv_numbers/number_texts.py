"""Numbers that texts hold, also with marks between their thousands."""

import re
from collections.abc import Sequence
from numbers import Number
from typing import Any

import numpy as np
import pandas as pd

from keras_ccar.benchmark.sources.labels.answers import as_answers, find_answers

NAMES_OF_MARKS = {
    ",": "commas",
    "'": "apostrophes",
    "\N{RIGHT SINGLE QUOTATION MARK}": "apostrophes",
    " ": "spaces",
    "\N{NO-BREAK SPACE}": "spaces",
    "\N{NARROW NO-BREAK SPACE}": "spaces",
}
MARKS = tuple(NAMES_OF_MARKS)
_MOST_WRITINGS = 20


def to_numbers(series: pd.Series) -> pd.Series:
    """Returns floats; what is missing, infinite or no number is NaN."""
    numbers = as_numbers(series).astype("float64")
    return numbers.replace([np.inf, -np.inf], np.nan)


def as_numbers(series: pd.Series) -> pd.Series:
    """Returns numbers of the type that suits them; what is no number is NaN."""
    if pd.api.types.is_numeric_dtype(series):
        return series
    numbers = pd.to_numeric(series.astype("object"), errors="coerce")
    others = series[numbers.isna() & series.notna()]
    if others.empty:
        return numbers
    mark = find_mark(series)
    if mark is None:
        return numbers
    plain = others.astype("string").str.replace(mark, "", regex=False)
    return numbers.fillna(pd.to_numeric(plain, errors="coerce").astype("float64"))


def find_mark(
    series: pd.Series, marks: Sequence[str] = MARKS, point: str = "."
) -> str | None:
    """Returns what stands between the thousands of all numbers of a column, or None.

    A number that has such marks elsewhere, such as "0,125", or is of four digits
    without one, shows that a mark means something else, or may.

    Args:
        series: the column.
        marks: what may stand there.
        point: what stands before the decimals.
    """
    texts = pd.Series(series.dropna().astype("string").str.strip().unique())
    signs = re.escape("".join(marks) + point)
    is_number = texts.str.fullmatch(rf"[+-]?[\d{signs}]*\d[\d{signs}]*")
    texts = texts[is_number.fillna(False).astype(bool)]
    decimals = rf"(?:{re.escape(point)}\d*)?"
    if texts.str.fullmatch(rf"[+-]?\d{{4,}}{decimals}").any():
        return None
    for mark in marks:
        marked = texts[texts.str.contains(mark, regex=False).astype(bool)]
        in_threes = rf"[+-]?[1-9]\d{{0,2}}(?:{re.escape(mark)}\d{{3}})+{decimals}"
        if len(marked) and marked.str.fullmatch(in_threes).all():
            return mark
    return None


def like_answers(series: pd.Series, trained: pd.Series, are_numbers: bool) -> pd.Series:
    """Returns answers such as yes and no in the writing of the training data.

    Other columns, and texts that the training data have, are returned as they are.

    Args:
        series: a column of another file.
        trained: the column of the training data.
        are_numbers: whether answers are wanted as 0 and 1.
    """
    known = as_answers(_few_values(trained))
    often = trained.dropna().value_counts().index.tolist() if known else []
    writings = {known[value]: value for value in reversed(often) if value in known}
    if set(writings) != {0, 1}:
        return series
    # Values that are no answers may be no numbers, but other categories.
    given = find_answers if are_numbers else as_answers
    found = {
        value: answer if are_numbers else writings[answer]
        for value, answer in given(_few_values(series)).items()
        if are_numbers or value not in known
    }
    if not found:
        return series
    return series.astype("object").map(lambda value: found.get(value, value))


def _few_values(series: pd.Series) -> list[Any]:
    """Returns the texts and numbers of a column that has few different ones."""
    present = series.dropna()
    if not all(isinstance(value, str | Number) for value in present):
        return []
    values = present.unique().tolist()
    return values if len(values) <= _MOST_WRITINGS else []
