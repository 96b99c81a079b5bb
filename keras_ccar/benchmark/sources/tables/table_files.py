"""Reads the rows of a CSV or Parquet file."""

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from keras_ccar.benchmark.sources.csv_numbers.column_separators import (
    declared_divider,
    describe_divider,
    find_divider,
)
from keras_ccar.benchmark.sources.csv_numbers.notations import (
    Notation,
    find_doubtful,
    find_notations,
    shown_notations,
)
from keras_ccar.benchmark.sources.tables.column_kinds import is_text
from keras_ccar.benchmark.sources.tables.short_rows import csv_rows, note_short_rows
from keras_ccar.requirements import require

# What pandas reads as missing, and the question mark of old tables.
_MISSING = frozenset(
    {"", "?", "None", "null", "NULL", "NaN", "nan", "-NaN", "-nan", "NA", "N/A", "n/a"}
    | {"<NA>", "#NA", "#N/A", "#N/A N/A", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"}
)
# A whole number that a float has exactly, as it is written.
WHOLE = r"0|-?[1-9]\d{0,14}"
_CELL = f"|{WHOLE}"


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


def read_table_file(path: Path, as_texts: Sequence[str], notes: list[str]) -> Table:
    """Reads a table; notes what divides it and its numbers, and which rows are short.

    Args:
        path: the file.
        as_texts: columns that are read as they are written, such as labels.
        notes: takes what there is to say.

    Raises:
        ValueError: if the file is no table, or has no rows.
        ModuleNotFoundError: for a Parquet file without pyarrow.
    """
    if _is_parquet(path):
        return Table(_read_parquet(path), {}, False)
    rows, divider = _read_csv(path, as_texts)
    note_short_rows(path, divider, rows, notes)
    if divider == ",":
        return Table(rows, {}, True)
    names = [name for name in rows.columns if name not in as_texts]
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
    if doubtful := find_doubtful(texts[names], notations):
        columns = ", ".join(doubtful)
        notes.append(
            f"Warning: the points in numbers of {columns} are read as decimal ones, "
            "but may stand between thousands: nothing in the file tells. Write these "
            "numbers without points if they are whole."
        )
    return Table(rows, notations, True)


@dataclass(frozen=True)
class OtherFile:
    """A table that is to be read as another one.

    Attributes:
        name: of the file.
        cells: texts as the file has them; of Parquet typed values.
        is_text: whether they are texts.
        usual: the notation of its numbers where commas divide it, else None.
    """

    name: str
    cells: pd.DataFrame
    is_text: bool
    usual: Notation | None

    def rows(self) -> pd.DataFrame:
        """Returns the cells, NaN for the texts of what is missing."""
        if not self.is_text:
            return self.cells.copy()
        return self.cells.mask(self.cells.apply(lambda texts: texts.isin(_MISSING)))


def read_other_file(path: Path, notes: list[str]) -> OtherFile:
    """Reads a table as it is; raises what `read_table_file` raises.

    Args:
        path: the file.
        notes: takes what divides it, and how many rows are short.
    """
    english = Notation(".", ",")
    if _is_parquet(path):
        return OtherFile(str(path), _read_parquet(path), False, english)
    cells, divider = _read_csv(path, dtype=str, na_values=[])
    note_short_rows(path, divider, cells, notes)
    if divider != ",":
        notes.append(f"{_describe(path, divider)}.")
    return OtherFile(str(path), cells, True, english if divider == "," else None)


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
        elif texts.str.fullmatch(_CELL).fillna(False).all() and texts.ne("").any():
            values[column] = pd.to_numeric(texts)
    return values


def _is_parquet(path: Path) -> bool:
    """Whether a file holds typed values, not texts."""
    return path.suffix.lower() == ".parquet"


def _describe(path: Path, divider: str) -> str:
    return f"{path} is divided by {describe_divider(divider)}"


def _named(rows: pd.DataFrame, path: Path, names: Sequence[str]) -> pd.DataFrame:
    """Returns rows without spaces around their names.

    Args:
        rows: the rows, in which pandas has changed names that are there twice.
        path: the file.
        names: as the file has them.
    """
    if rows.empty:
        raise ValueError(f"{path} must have rows. Received: none.")
    given = Counter(name.strip() for name in names)
    twice = [name for name, count in given.items() if count > 1 and name]
    if twice:
        raise ValueError(
            f"{path} must have columns of different names. Received more than once: "
            f"{', '.join(map(repr, twice))}, without the spaces around them. Rename "
            "them."
        )
    stripped_names = [str(name).strip() for name in rows.columns]
    return rows.set_axis(stripped_names, axis=1).reset_index(drop=True)


def _read_parquet(path: Path) -> pd.DataFrame:
    require("pyarrow", "pyarrow", "tables", "Reading a Parquet file")
    try:
        rows = pd.read_parquet(path)
    except Exception as error:  # of several types, for files that are broken
        raise ValueError(f"{path} is no Parquet file: {error}") from error
    if rows.index.name is not None or rows.index.nlevels > 1:
        rows = rows.reset_index()
    return _named(rows, path, [str(name) for name in rows.columns])


def _read_csv(
    path: Path, as_texts: Sequence[str] = (), **how: Any
) -> tuple[pd.DataFrame, str]:
    """Returns the rows, those columns as they are written, and what divides them."""
    usual = {
        "skipinitialspace": True,
        "keep_default_na": False,
        "na_values": sorted(_MISSING),
        # A part of a column does not decide what its other values are.
        "low_memory": False,
        # Values that have no name are an error, unless they are empty.
        "index_col": False,
    }
    try:
        divider = find_divider(path)
        skipped = 0 if declared_divider(path) is None else 1
        _, names = next(csv_rows(path, divider), (0, []))
        # Pandas gives a name to a column that has none.
        shown = [name or f"Unnamed: {place}" for place, name in enumerate(names)]
        texts = {name: str for name in shown if name.strip() in as_texts}
        with warnings.catch_warnings(action="error", category=pd.errors.ParserWarning):
            rows: pd.DataFrame = pd.read_csv(
                path,
                sep=divider,
                skiprows=skipped,
                # In a table of one column, an empty line is a missing value.
                skip_blank_lines=len(names) > 1,
                **{**usual, "dtype": texts, **how},
            )
    except pd.errors.ParserWarning as error:
        raise ValueError(
            f"{path} must have as many values in a row as it has names of columns, "
            f"{len(names)}. Received rows with more. Values with "
            f"{describe_divider(divider)} in them need quotation marks, or another "
            "divider."
        ) from error
    except (ValueError, pd.errors.ParserError) as error:
        raise ValueError(
            f"{path} must be a table with a line of column names, divided by commas, "
            "semicolons, tabs or vertical bars, in UTF-8, which Excel saves as 'CSV "
            f"UTF-8': {error}"
        ) from error
    return _named(rows, path, names), divider
