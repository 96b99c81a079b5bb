"""Columns of a table that name its rows and measure nothing."""

import re
import shlex
from typing import Any

import pandas as pd

from keras_ccar.benchmark.sources.csv_numbers.number_texts import as_numbers
from keras_ccar.benchmark.sources.tables.column_kinds import NUMBER, kind_of

_NEARLY_ALL = 0.95
# Values that were measured would repeat so often, if they were spread out evenly, and
# oftener if they were not. No repetition, where 8 are expected, has a chance of e^-8.
_LEAST_REPEATS = 8
_LEAST_ROWS = 20
_IDS = frozenset(["id", "ids", "uid", "uuid", "guid"])
_NUMBERS = frozenset(
    [
        "index",
        "idx",
        "key",
        "nr",
        "no",
        "num",
        "number",
        "pk",
        "row",
        "rowid",
        "rownum",
        "rownumber",
        "serial",
    ]
)
_OWNERS = frozenset(
    [
        "client",
        "customer",
        "device",
        "household",
        "machine",
        "participant",
        "patient",
        "person",
        "sensor",
        "session",
        "subject",
        "user",
    ]
)
_FIRST_WORDS = frozenset(["id", "row", "unnamed"])


def find_row_names(
    rows: pd.DataFrame, keep: tuple[str, ...], notes: list[str]
) -> dict[str, str]:
    """Finds columns of whole numbers that name rows; notes those that may.

    Such a column has another number in nearly every row. Its name says that it names
    rows, or its numbers lie so close that measurements would repeat.

    Args:
        rows: all rows, because a part of them has gaps.
        keep: columns that the user wants to keep.
        notes: takes what there is to say about doubtful columns.

    Returns:
        Why each such column is to be left out, by its name.
    """
    found: dict[str, str] = {}
    doubtful: list[str] = []
    for column in rows.columns:
        numbers = whole_numbers(rows[column])
        if column in keep or numbers is None or not _are_distinct(numbers):
            continue
        if has_name_of_id(column) or _are_handed_out(numbers):
            found[column] = (
                "a whole number that is another one in nearly every row, so that it "
                f"names rows; `--keep {shlex.quote(str(column))}` keeps it"
            )
        else:
            doubtful.append(str(column))
    if doubtful:
        words = shlex.join(doubtful)
        notes.append(
            "Whole numbers that are others in nearly every row, and are read as "
            f"measurements: {', '.join(doubtful)}. If they only name rows, leave them "
            f"out by `--drop {words}`."
        )
    return found


def has_name_of_id(column: Any) -> bool:
    """Whether a column is called like what numbers rows, if its values differ."""
    words = _words(column)
    return words[0] in _FIRST_WORDS or words[-1] in _IDS | _NUMBERS


def has_name_of_owner(column: Any) -> bool:
    """Whether a column is called like what several rows belong to."""
    words = _words(column)
    return words[0] == "id" or words[-1] in _IDS | _OWNERS


def _words(column: Any) -> list[str]:
    """Returns the words of a name in small letters, without the numbers behind them."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", str(column))
    words = [word.rstrip("0123456789") for word in re.split(r"[\W_]+", spaced.lower())]
    return [word for word in words if word] or [""]


def whole_numbers(series: pd.Series) -> pd.Series | None:
    """Returns the numbers of a column of numbers; None unless all of them are whole."""
    if kind_of(series)[0] != NUMBER or pd.api.types.is_bool_dtype(series):
        return None
    numbers = as_numbers(series).dropna()
    is_whole = pd.api.types.is_integer_dtype(numbers) or bool((numbers % 1 == 0).all())
    return numbers if is_whole else None


def _are_distinct(numbers: pd.Series) -> bool:
    share = numbers.nunique() / len(numbers)
    return len(numbers) >= _LEAST_ROWS and share >= _NEARLY_ALL


def _are_handed_out(numbers: pd.Series) -> bool:
    """Whether numbers repeat far less than numbers of their range do by chance."""
    rows = len(numbers)
    size = float(numbers.max()) - float(numbers.min()) + 1
    expected = rows * (rows - 1) / 2 / size
    repeats = rows - numbers.nunique()
    return expected >= _LEAST_REPEATS and 4 * repeats <= expected
