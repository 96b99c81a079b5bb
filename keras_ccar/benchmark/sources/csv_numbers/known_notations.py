"""Reads the numbers of another file in the notations that the training file shows."""

from collections import Counter
from collections.abc import Mapping

import pandas as pd

from keras_ccar.benchmark.sources.csv_numbers.notations import (
    Notation,
    find_notations,
    like_numbers,
    stripped,
)

# A number that has three decimals, or is of thousands.
_EITHER = r"[+-]?[1-9]\d{0,2}[.,]\d{3}(?:[eE][+-]?\d+)?"


def read_in_notations(
    texts: pd.DataFrame,
    known: Mapping[str, Notation],
    where: str,
    notes: list[str],
    usual: Notation | None = None,
) -> pd.DataFrame:
    """Reads the columns of numbers of another file as they are written in the first.

    A single "4.260" does not say what it is; the first file does. Another file may be
    written otherwise as a whole, which some of its numbers must show.

    Args:
        texts: columns of numbers of the other file.
        known: the notations that the first file shows; may lack columns.
        where: the other file.
        notes: takes what stands in the numbers, if not decimal points alone.
        usual: the notation of the other file, where commas divide it.

    Returns:
        Numbers, or texts of those columns that are not all numbers.

    Raises:
        ValueError: for numbers that may mean two things.
    """
    given, texts = texts, texts.apply(stripped)
    points = Counter(notation.point for notation in known.values())
    is_sure = usual is not None
    # What whole numbers without marks would have, if they had some.
    if points:
        usual = Notation(points.most_common(1)[0][0]).with_mark
    expected = {c: known.get(c, usual) for c in texts.columns}
    told = {c: one for c, one in expected.items() if one is not None}
    misfits = [c for c, one in told.items() if not one.with_mark.fits(texts[c])]
    # Without the help of the first file, a column is read as if it were one.
    own = find_notations(texts) if misfits or len(told) < len(expected) else {}
    others = [c for c in misfits if told[c].other.fits(texts[c])]
    # If some columns are written otherwise, these say that not all are.
    alike = [
        c
        for c, one in told.items()
        if others and c not in misfits and not one.other.fits(texts[c])
    ]
    read: dict[str, pd.Series] = {}
    found: dict[str, list[str]] = {}
    for column, notation in expected.items():
        series, chosen = texts[column], own.get(column)
        if notation is None or (column in misfits and column not in others):
            is_doubtful = True
        elif column in others or (others and not alike):
            chosen, is_doubtful = notation.other, False
        else:
            chosen = notation.with_mark
            shown = chosen if is_sure and notation.point == "." else notation
            is_unseen = not shown.fits(series)
            is_doubtful = is_unseen or (bool(others) and column not in alike)
        if is_doubtful and _is_ambiguous(series):
            raise _ambiguous(column, series, where)
        read[column] = given[column] if chosen is None else chosen.read(series)
        for what in () if chosen is None else chosen.describe(series):
            found.setdefault(what, []).append(str(column))
    notes += [
        f"The numbers of {', '.join(columns)} in {where} have {what}."
        for what, columns in found.items()
    ]
    return pd.DataFrame(read, index=texts.index)


def _is_ambiguous(texts: pd.Series) -> bool:
    """Whether all marks of numbers may be points, or stand between thousands."""
    marked = _marked(texts)
    return bool(len(marked) and marked.str.fullmatch(_EITHER).all())


def _ambiguous(column: str, texts: pd.Series, where: str) -> ValueError:
    example = str(_marked(texts).iloc[0])
    digits = example.replace(",", "").replace(".", "")
    return ValueError(
        f"{column} of {where} must show what its numbers mean. Received such as "
        f"{example!r}, which may have three decimals or be thousands. Write the file "
        f"as the training table, or {digits} if it is this number, or {example}0 if "
        "these are decimals."
    )


def _marked(texts: pd.Series) -> pd.Series:
    numbers = like_numbers(texts)
    return numbers[numbers.str.contains(r"[.,]").astype(bool)]
