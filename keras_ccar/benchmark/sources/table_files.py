"""Reads the rows of a CSV or Parquet file."""

import csv
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from keras_ccar.benchmark.sources.column_kinds import is_text
from keras_ccar.benchmark.sources.notations import (
    Notation,
    find_notations,
    shown_notations,
)
from keras_ccar.requirements import require

_DIVIDERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_LOOKED_AT = 100
# A number that a float has exactly, or nothing.
_WHOLE = r"|0|-?[1-9]\d{0,14}"


@dataclass(frozen=True)
class Table:
    """A table as it is read by itself.

    Attributes:
        rows: its values.
        notations: those of columns that were read otherwise than pandas does.
        is_text: whether the file holds texts, as CSV does, or typed values.
    """

    rows: pd.DataFrame
    notations: dict[str, Notation]
    is_text: bool

    def shown_notations(self, columns: Sequence[str]) -> dict[str, Notation]:
        """Returns the notation of each column of numbers that shows one."""
        if not self.is_text:
            return {}
        return shown_notations(self.rows, columns, self.notations)


def read_table_file(path: Path, label: Sequence[str], notes: list[str]) -> Table:
    """Reads a table; notes what divides it, and its numbers, if not commas and points.

    Args:
        path: the file.
        label: the columns of labels, whose commas stay as they are.
        notes: takes what there is to say.

    Raises:
        ValueError: if the file is no table, or has no rows.
        ModuleNotFoundError: for a Parquet file without pyarrow.
    """
    if is_parquet(path):
        return Table(_named(_read_parquet(path), path), {}, False)
    rows, divider = _read_csv(path)
    if divider == ",":
        return Table(rows, {}, True)
    names = [name for name in rows.columns if name not in label]
    texts, _ = _read_csv(path, dtype=str)
    notations = find_notations(texts[names])
    for column, notation in notations.items():
        rows[column] = notation.read(texts[column])
    changed = [c for c in notations if texts[c].str.contains(",").any()]
    dotted = [c for c in notations if c not in changed]
    said = [_describe(path, divider)]
    if changed:
        said.append(f"the numbers of {', '.join(changed)} have decimal commas")
    if dotted:
        said.append(f"those of {', '.join(dotted)} have points between their thousands")
    notes.append(f"{', and '.join(said)}.")
    return Table(rows, notations, True)


def read_texts(path: Path, notes: list[str]) -> pd.DataFrame:
    """Reads a table as texts, NaN where they are missing; of Parquet, typed values.

    It raises what `read_table_file` raises.
    """
    if is_parquet(path):
        return _named(_read_parquet(path), path)
    texts, divider = _read_csv(path, dtype=str)
    if divider != ",":
        notes.append(f"{_describe(path, divider)}.")
    return texts


def read_cells(path: Path) -> pd.DataFrame:
    """Reads a table as it is, so that it can be written again; raises the same."""
    if is_parquet(path):
        return _named(_read_parquet(path), path)
    cells, _ = _read_csv(path, dtype=str, na_values=[], keep_default_na=False)
    return cells


def as_values(cells: pd.DataFrame) -> pd.DataFrame:
    """Returns cells of texts as whole numbers and truth values, if these are the same.

    A column stays text if a number has zeros in front, or too many digits; or a point,
    which may stand between thousands.
    """
    values = cells.copy()
    for column in cells.columns[[is_text(cells[name]) for name in cells.columns]]:
        texts = cells[column]
        if texts.isin(["True", "False"]).all():
            values[column] = texts == "True"
        elif texts.str.fullmatch(_WHOLE).fillna(False).all() and texts.ne("").any():
            values[column] = pd.to_numeric(texts)
    return values


def is_parquet(path: Path) -> bool:
    """Whether a file holds typed values, not texts."""
    return path.suffix.lower() == ".parquet"


def _describe(path: Path, divider: str) -> str:
    return f"{path} is divided by {_DIVIDERS[divider]}"


def _named(rows: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Returns rows without spaces around their names."""
    if rows.empty:
        raise ValueError(f"{path} must have rows. Received: none.")
    names = pd.Index([str(name).strip() for name in rows.columns])
    if not names.is_unique:
        twice = names[names.duplicated()].unique().tolist()
        raise ValueError(
            f"{path} must have columns of different names. Received more than once: "
            f"{', '.join(map(repr, twice))}, without the spaces around them. Rename "
            "them."
        )
    return rows.set_axis(names, axis=1).reset_index(drop=True)


def _read_parquet(path: Path) -> pd.DataFrame:
    require("pyarrow", "pyarrow", "tables", "Reading a Parquet file")
    try:
        return pd.read_parquet(path)
    except Exception as error:  # of several types, for files that are broken
        raise ValueError(f"{path} is no Parquet file: {error}") from error


def _read_csv(path: Path, **how: Any) -> tuple[pd.DataFrame, str]:
    """Returns the rows, and what divides the columns."""
    # A question mark is what tables write for a missing value. A part of a column does
    # not decide what its other values are.
    usual = {"skipinitialspace": True, "na_values": ["?"], "low_memory": False}
    try:
        divider = find_divider(path)
        rows: pd.DataFrame = pd.read_csv(path, sep=divider, **{**usual, **how})
    except (ValueError, pd.errors.ParserError) as error:
        raise ValueError(
            f"{path} must be a table with a line of column names, divided by commas, "
            "semicolons, tabs or vertical bars, in UTF-8, which Excel saves as 'CSV "
            f"UTF-8': {error}"
        ) from error
    return _named(rows, path), divider


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
