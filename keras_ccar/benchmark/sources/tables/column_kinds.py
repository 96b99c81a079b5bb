"""What a column of a table holds: numbers, categories or texts."""

from numbers import Number

import pandas as pd

from keras_ccar.benchmark.sources.csv_numbers.number_texts import to_numbers
from keras_ccar.benchmark.sources.tables.dates import ADVICE, are_dates

NUMBER, CATEGORY, TEXT = "number", "category", "text"
_WORDS_OF_TEXT = 3
_MOST_CATEGORIES = 200


def kind_of(series: pd.Series) -> tuple[str | None, str]:
    """Returns what a column holds, or None and why it is left out."""
    present = series[~is_missing(series)]
    if present.empty:
        return None, "no values"
    if pd.api.types.is_bool_dtype(series) or pd.api.types.is_numeric_dtype(series):
        is_number = True
    elif not _are_texts_or_numbers(present):
        reason = f"its type, {series.dtype}, is not read"
        return None, f"{reason}; {ADVICE}" if are_dates(present) else reason
    else:
        # Tables write missing numbers in many ways, such as "?" or "-".
        is_number = bool(to_numbers(present).notna().mean() >= 0.9)
    if is_number:
        numbers = to_numbers(series).dropna()
        return (NUMBER, "") if numbers.nunique() > 1 else (None, "one value")
    texts = to_texts(present)
    distinct = texts.nunique()
    if distinct == 1:
        return None, "one value"
    if texts.str.split().str.len().mean() >= _WORDS_OF_TEXT and distinct > 20:
        return TEXT, ""
    if distinct <= max(2, min(_MOST_CATEGORIES, len(texts) / 2)):
        return CATEGORY, ""
    is_often = distinct <= len(texts) / 2
    how = f"more than {_MOST_CATEGORIES}" if is_often else "which hardly repeat"
    reason = f"{distinct:,} different short texts, {how}"
    return None, f"{reason}: dates; {ADVICE}" if are_dates(present) else reason


def _are_texts_or_numbers(present: pd.Series) -> bool:
    """Whether values are texts or numbers, such as the decimals of Parquet."""
    is_categorical = isinstance(present.dtype, pd.CategoricalDtype)
    return is_categorical or all(isinstance(value, str | Number) for value in present)


def is_missing(series: pd.Series) -> pd.Series:
    """Whether values are missing, or empty text."""
    if pd.api.types.is_numeric_dtype(series):  # To write out numbers takes long.
        return series.isna()
    return series.isna() | (series.astype("string").str.strip() == "").fillna(False)


def to_texts(series: pd.Series) -> pd.Series:
    """Returns texts without spaces around them; what is missing is empty."""
    return series.astype("string").fillna("").str.strip()


def is_text(series: pd.Series) -> bool:
    """Whether values are texts, or of several types."""
    return pd.api.types.is_object_dtype(series) or pd.api.types.is_string_dtype(series)
