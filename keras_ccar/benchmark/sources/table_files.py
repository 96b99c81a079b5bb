"""Reads the rows of a CSV or Parquet file."""

import csv
import itertools
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from keras_ccar.requirements import require

_DIVIDERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_LOOKED_AT = 100
# Whole or with a decimal comma, and perhaps with dots between the thousands.
_WITH_COMMA = r"[+-]?(?:\d+|\d{1,3}(?:\.\d{3})+)(?:,\d+)?(?:[eE][+-]?\d+)?"


def read_rows(path: Path, label: Sequence[str], notes: list[str]) -> pd.DataFrame:
    """Reads a table; notes what divides it, and its numbers, if not commas and points.

    Args:
        path: the file.
        label: the columns of labels, whose commas stay as they are.
        notes: takes what there is to say.

    Raises:
        ValueError: if the file is no table, or has no rows.
        ModuleNotFoundError: for a Parquet file without pyarrow.
    """
    is_parquet = path.suffix.lower() == ".parquet"
    rows = _read_parquet(path) if is_parquet else _read_csv(path, label, notes)
    if rows.empty:
        raise ValueError(f"{path} must have rows. Received: none.")
    rows.columns = [str(name).strip() for name in rows.columns]
    return rows.reset_index(drop=True)


def _read_parquet(path: Path) -> pd.DataFrame:
    require("pyarrow", "pyarrow", "tables", "Reading a Parquet file")
    try:
        return pd.read_parquet(path)
    except Exception as error:  # of several types, for files that are broken
        raise ValueError(f"{path} is no Parquet file: {error}") from error


def _read_csv(path: Path, label: Sequence[str], notes: list[str]) -> pd.DataFrame:
    try:
        divider = find_divider(path)
        # A question mark is what tables write for a missing value.
        rows = pd.read_csv(path, sep=divider, skipinitialspace=True, na_values=["?"])
    except (ValueError, pd.errors.ParserError) as error:
        raise ValueError(
            f"{path} must be a table with a line of column names, divided by commas, "
            "semicolons, tabs or vertical bars, in UTF-8, which Excel saves as 'CSV "
            f"UTF-8': {error}"
        ) from error
    if divider == ",":
        return rows
    changed = _read_decimal_commas(rows, label)
    numbers = f", and the numbers of {', '.join(changed)} have decimal commas"
    notes.append(
        f"{path} is divided by {_DIVIDERS[divider]}{numbers if changed else ''}."
    )
    return rows


def find_divider(path: Path) -> str:
    """Returns what divides the columns of a CSV file: the comma wherever it may be.

    Another divider is taken only if it gives each row as many values as there are
    names of columns, at least two, and the comma does not.
    """
    found: dict[str, int] = {}
    for divider in _DIVIDERS:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=divider, skipinitialspace=True)
            try:
                rows = [row for row in itertools.islice(reader, _LOOKED_AT) if row]
            except csv.Error:  # a text of more than 131,072 characters
                return ","
        widths = {len(row) for row in rows}
        if len(widths) == 1 and widths != {1}:
            found[divider] = widths.pop()
    if "," in found or not found:
        return ","
    return max(found, key=found.__getitem__)


def _read_decimal_commas(rows: pd.DataFrame, label: Sequence[str]) -> list[str]:
    """Turns texts such as "1,5" and "1.234,5" into numbers; returns their columns."""
    changed: list[str] = []
    for column in rows.columns:
        if str(column).strip() in label or not _is_text(rows[column]):
            continue
        texts = rows[column].astype("string").str.strip()
        present = texts.dropna()
        are_numbers = present.str.fullmatch(_WITH_COMMA)
        # As of other columns, some values may be marks of what is missing.
        if not present[are_numbers].str.contains(",").any() or are_numbers.mean() < 0.9:
            continue
        plain = texts.str.replace(".", "", regex=False).str.replace(",", ".")
        numbers = plain.where(texts.str.fullmatch(_WITH_COMMA).fillna(False))
        rows[column] = pd.to_numeric(numbers, errors="coerce").astype("float64")
        changed.append(str(column).strip())
    return changed


def _is_text(series: pd.Series) -> bool:
    return pd.api.types.is_object_dtype(series) or pd.api.types.is_string_dtype(series)
