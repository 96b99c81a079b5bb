"""Reads the rows of a CSV or Parquet file."""

import csv
import itertools
import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from keras_ccar.benchmark.sources.number_texts import MARKS, find_mark
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
    columns = [name for name in rows.columns if str(name).strip() not in label]
    changed = _read_decimal_commas(rows, columns)
    others = [name for name in columns if name not in changed]
    texts = pd.read_csv(
        path, sep=divider, skipinitialspace=True, na_values=["?"], dtype=str
    )
    dotted = _read_dots(rows, texts[others], bool(changed))
    said = [f"{path} is divided by {_DIVIDERS[divider]}"]
    if changed:
        said.append(f"the numbers of {_listed(changed)} have decimal commas")
    if dotted:
        said.append(f"those of {_listed(dotted)} have points between their thousands")
    notes.append(f"{', and '.join(said)}.")
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


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(str(name).strip() for name in columns)


def _read_decimal_commas(rows: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """Turns texts such as "1,5" and "1.234,5" into numbers; returns their columns."""
    changed: list[str] = []
    for column in columns:
        if not _is_text(rows[column]) or _are_thousands(rows[column], ",", "."):
            continue
        texts = rows[column].astype("string").str.strip()
        mark = find_mark(texts, MARKS[1:], ",")
        plain = texts if mark is None else texts.str.replace(mark, "", regex=False)
        are_numbers = plain.str.fullmatch(_WITH_COMMA).fillna(False).astype(bool)
        # As of other columns, some values may be marks of what is missing.
        is_enough = are_numbers.sum() >= 0.9 * texts.notna().sum()
        if not plain[are_numbers].str.contains(",").any() or not is_enough:
            continue
        plain = plain.str.replace(".", "", regex=False).str.replace(",", ".")
        rows[column] = _numbers_where_all(plain.where(are_numbers, texts))
        changed.append(column)
    return changed


def _read_dots(rows: pd.DataFrame, texts: pd.DataFrame, has_commas: bool) -> list[str]:
    """Turns whole numbers such as "1.234" into numbers; returns their columns.

    Pandas takes the points for decimal ones.

    Args:
        rows: takes the numbers.
        texts: the columns as the file has them.
        has_commas: whether other columns have decimal commas. Without them a point is
            a decimal one, unless a number has two.
    """
    changed: list[str] = []
    for column in texts.columns:
        twice = texts[column].str.contains(r"\.\d{3}\.").fillna(False).any()
        if (has_commas or twice) and _are_thousands(texts[column], ".", ","):
            plain = texts[column].str.replace(".", "", regex=False)
            rows[column] = _numbers_where_all(plain)
            changed.append(column)
    return changed


def _are_thousands(series: pd.Series, mark: str, point: str) -> bool:
    """Whether a mark stands between thousands, and before no decimals.

    Decimals of three digits look alike where every number has them.
    """
    texts = series.dropna().astype("string").str.strip()
    if find_mark(texts, (mark,), point) is None:
        return False
    is_one = texts.str.fullmatch(rf"[+-]?\d+{re.escape(mark)}\d+").astype(bool)
    return bool((~is_one).any())


def _numbers_where_all(texts: pd.Series) -> pd.Series:
    """Returns texts as numbers, or as they are if some are none."""
    numbers = pd.to_numeric(texts, errors="coerce")
    if (numbers.isna() & texts.notna()).any():
        return texts.astype("object")
    return numbers.astype("float64")


def _is_text(series: pd.Series) -> bool:
    return pd.api.types.is_object_dtype(series) or pd.api.types.is_string_dtype(series)
