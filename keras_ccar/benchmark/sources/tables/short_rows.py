"""Notices rows of a CSV file that have fewer values than there are names."""

import csv
import itertools
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from keras_ccar.benchmark.sources.csv_numbers.column_separators import declared_divider
from keras_ccar.benchmark.sources.tables.column_kinds import is_missing


def csv_rows(path: Path, divider: str) -> Iterator[tuple[int, list[str]]]:
    """Yields each row of a CSV file, that of names first, and the line it begins at.

    Raises:
        csv.Error: for a text of more than 131,072 characters.
    """
    skipped = 0 if declared_divider(path) is None else 1
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = itertools.islice(file, skipped, None)
        reader = csv.reader(lines, delimiter=divider, skipinitialspace=True)
        begin = 1
        for row in reader:
            yield skipped + begin, row
            begin = reader.line_num + 1


def note_short_rows(
    path: Path, divider: str, rows: pd.DataFrame, notes: list[str]
) -> None:
    """Notes how many rows have fewer values than names, which pandas fills with gaps.

    Args:
        path: the file.
        divider: what divides its values.
        rows: its rows, as pandas read them.
        notes: takes the warning.
    """
    if not is_missing(rows.iloc[:, -1]).any():
        return  # Then no row is short, and the file need not be read again.
    found = csv_rows(path, divider)
    _, names = next(found)
    while names and not names[-1].strip():
        names.pop()  # A divider at the end of the line.
    try:
        short = [(line, len(row)) for line, row in found if 0 < len(row) < len(names)]
    except csv.Error:
        return
    if not short:
        return
    line, values = short[0]
    have = "has" if len(short) == 1 else "have"
    notes.append(
        f"Warning: {len(short):,} of {len(rows):,} rows {have} fewer values than "
        f"{path} has names of columns, {len(names)}, and the last columns are read as "
        f"missing there. The first is line {line}, with {values}. If a value or a "
        "divider is lost, mend these rows; if not, write the empty cells too."
    )
