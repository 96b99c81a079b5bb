"""How the numbers of a CSV file are written: with which point, and which marks."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import pandas as pd

from keras_ccar.benchmark.sources.csv_numbers.number_texts import (
    MARKS,
    NAMES_OF_MARKS,
    find_mark,
)

_SIGNS = re.escape("".join(MARKS) + ".")
_LIKE_A_NUMBER = rf"[+-]?[\d{_SIGNS}]*\d[\d{_SIGNS}]*(?:[eE][+-]?\d+)?"
_USUAL_MARKS = {".": ",", ",": "."}
# As of other columns, some values may be marks of what is missing.
_NEARLY_ALL = 0.9


class Notation(NamedTuple):
    """What stands in the numbers of a column.

    Attributes:
        point: before the decimals, a point or a comma.
        mark: between thousands, or "".
    """

    point: str
    mark: str = ""

    @property
    def with_mark(self) -> "Notation":
        """With the usual mark, if none is known."""
        return Notation(self.point, self.mark or _USUAL_MARKS[self.point])

    @property
    def other(self) -> "Notation":
        """With a comma for a point, or the reverse."""
        point = _USUAL_MARKS[self.point]
        return Notation(point, self.point)

    def fits(self, texts: pd.Series) -> bool:
        """Whether all texts that look like numbers may be written so."""
        if self.point == "." and not (_to_numbers(texts).isna() & texts.notna()).any():
            return True
        return bool(self._is_number(like_numbers(texts)).all())

    def read(self, texts: pd.Series) -> pd.Series:
        """Returns numbers; all texts, with points for decimals, if some are none."""
        texts = stripped(texts)
        if self.point == ".":
            numbers = _to_numbers(texts)
            if not (numbers.isna() & texts.notna()).any():
                return numbers.astype("float64")
        plain = self._plain(texts).where(self._is_number(texts), texts)
        numbers = _to_numbers(plain)
        if (numbers.isna() & texts.notna()).any():
            return plain.astype("object")
        return numbers.astype("float64")

    def describe(self, texts: pd.Series) -> list[str]:
        """Says what stands in numbers beside decimal points."""
        said = []
        if self.point == "," and texts.str.contains(",", regex=False).any():
            said.append("decimal commas")
        if self.mark and texts.str.contains(self.mark, regex=False).any():
            name = NAMES_OF_MARKS.get(self.mark, "points")
            said.append(f"{name} between their thousands")
        return said

    def _is_number(self, texts: pd.Series) -> pd.Series:
        # No zero stands before thousands.
        groups = rf"(?:{re.escape(self.mark)}\d{{3}})+"
        grouped = rf"|[1-9]\d{{0,2}}{groups}" if self.mark else ""
        point = re.escape(self.point)
        number = rf"[+-]?(?:(?:\d+{grouped})(?:{point}\d*)?|{point}\d+)"
        found = texts.str.fullmatch(rf"{number}(?:[eE][+-]?\d+)?")
        return found.fillna(False).astype(bool)

    def _plain(self, texts: pd.Series) -> pd.Series:
        if self.mark:
            texts = texts.str.replace(self.mark, "", regex=False)
        return texts.str.replace(self.point, ".", regex=False)


def find_notations(texts: pd.DataFrame) -> dict[str, Notation]:
    """Returns the notation of each column of decimal commas, or of points in thousands.

    Pandas reads the other columns by itself, or their marks are found later.

    Args:
        texts: as the file has them.
    """
    texts = texts.apply(stripped)
    found: dict[str, Notation] = {}
    for column in texts.columns:
        if (notation := _of_decimal_commas(texts[column])) is not None:
            found[column] = notation
    has_commas = bool(found)
    for column in texts.columns:
        if column not in found and _has_points_in_thousands(texts[column], has_commas):
            found[column] = Notation(",", ".")
    return found


def find_doubtful(texts: pd.DataFrame, found: Mapping[str, Notation]) -> list[str]:
    """Returns columns whose points may stand between thousands, for all a file tells.

    Args:
        texts: as the file has them.
        found: what `find_notations` found.
    """
    texts = texts.apply(stripped)
    numbers = {column: like_numbers(texts[column]) for column in texts.columns}
    points = [
        column
        for column, some in numbers.items()
        if column not in found
        and len(some) >= _NEARLY_ALL * texts[column].notna().sum()
        and some.str.contains(".", regex=False).any()
    ]
    doubtful = [c for c in points if find_mark(texts[c], (".",), ",") is not None]
    # Other columns show what points are.
    return doubtful if len(doubtful) == len(points) else []


def shown_notations(
    rows: pd.DataFrame, columns: Iterable[str], found: Mapping[str, Notation]
) -> dict[str, Notation]:
    """Returns the notation of each column of numbers that shows one.

    Whole numbers without marks show none.

    Args:
        rows: as pandas reads a file.
        columns: those of numbers.
        found: what `find_notations` found, by which the columns were changed.
    """
    shown: dict[str, Notation] = {}
    for column in columns:
        values = rows[column].dropna()
        if column in found:
            shown[column] = found[column]
        elif pd.api.types.is_numeric_dtype(values):
            if (values % 1 != 0).any():
                shown[column] = Notation(".")
        elif (mark := find_mark(values)) is not None:
            shown[column] = Notation(".", mark)
        elif like_numbers(stripped(values)).str.contains(".", regex=False).any():
            shown[column] = Notation(".")
    return shown


def _of_decimal_commas(texts: pd.Series) -> Notation | None:
    """Returns the notation of texts such as "1,5" and "1.234,5"; None of others."""
    if not texts.str.contains(",", regex=False).any():
        return None
    if have_commas_in_thousands(texts):
        return None
    mark = find_mark(texts, MARKS[1:], ",")
    # Points may stand between thousands beside other marks.
    plain = texts if mark is None else texts.str.replace(mark, "", regex=False)
    numbers = plain[Notation(",", ".")._is_number(plain)]
    if not numbers.str.contains(",", regex=False).any():
        return None
    is_enough = len(numbers) >= _NEARLY_ALL * texts.notna().sum()
    return Notation(",", mark or ".") if is_enough else None


def _has_points_in_thousands(texts: pd.Series, has_commas: bool) -> bool:
    """Whether a column has whole numbers such as "1.234".

    Pandas takes the points for decimal ones.

    Args:
        texts: as the file has them.
        has_commas: whether other columns have decimal commas. Without them a point is
            a decimal one, unless a number has two.
    """
    twice = texts.str.contains(r"\.\d{3}\.").fillna(False).any()
    return bool((has_commas or twice) and find_mark(texts, (".",), ",") is not None)


def have_commas_in_thousands(texts: pd.Series) -> bool:
    """Whether a comma stands between thousands, and before no decimals.

    Decimals of three digits look alike where every number has them, but zeros.
    """
    texts = texts.dropna()
    if find_mark(texts, (",",), ".") is None:
        return False
    is_one = texts.str.fullmatch(r"[+-]?(?:\d+,\d+|0+)").astype(bool)
    return bool((~is_one).any())


def like_numbers(texts: pd.Series) -> pd.Series:
    """Returns those texts that look like numbers, however written."""
    is_one = texts.str.fullmatch(_LIKE_A_NUMBER).fillna(False).astype(bool)
    return texts[is_one]


def stripped(texts: pd.Series) -> pd.Series:
    """Returns texts without spaces around them."""
    return texts.astype("string").str.strip()


def _to_numbers(texts: pd.Series) -> pd.Series:
    return pd.to_numeric(texts, errors="coerce")
