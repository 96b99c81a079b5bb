"""Numbers and names as the sentences and tables of a report have them."""

import math
import textwrap
from collections.abc import Sequence

from keras_ccar.benchmark.statistics.columns import Column
from keras_ccar.benchmark.statistics.paired import PairedDifference

_MOST_NAMES = 3
# TensorFlow shows every label of a batch in its errors.
_LONGEST_ERROR = 400


def format_amount(value: float, digits: int) -> str:
    """Returns a number with a minus as wide as a plus."""
    return f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def format_signed(value: float, digits: int = 2) -> str:
    """Returns a number with its sign, and a minus as wide as the plus."""
    return f"{value:+.{digits}f}".replace("-", "\N{MINUS SIGN}")


def format_score(value: float, column: Column) -> str:
    """Returns a mean of a column, such as `"56.0 %"`."""
    return f"{value:.1f} %" if column.is_percent else format_amount(value, 3)


def format_p(p: float) -> str:
    """Returns a p as tables have it."""
    if math.isnan(p):
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def format_seeds(number: int) -> str:
    """Returns a number of seeds in words."""
    return "1 seed" if number == 1 else f"{number} seeds"


def describe_points(difference: PairedDifference) -> str:
    """Returns a difference in points, with its interval if there is one."""
    points = f"{format_signed(difference.mean)} points"
    if not difference.has_interval:
        return points
    return f"{points} ({describe_interval(difference)})"


def describe_interval(difference: PairedDifference) -> str:
    """Returns the interval of a difference in words."""
    return (
        f"95 % confidence interval {format_signed(difference.low)} to "
        f"{format_signed(difference.high)}"
    )


def describe_gain(difference: PairedDifference, column: Column, other: str) -> str:
    """Returns a difference in words.

    Such as "+6.1 points of balanced accuracy over X (95 % 4.0 to 8.2, 5 seeds)".

    Args:
        difference: to another method.
        column: what was measured.
        other: title of the other method.
    """
    over = "against" if column.lower_is_better else "over"
    mean = format_signed(difference.mean, _digits(difference, column))
    basis = _basis(difference, column)
    return f"{mean}{_unit(column)} of {column.phrase} {over} {other} ({basis})"


def describe_more(difference: PairedDifference, column: Column, other: str) -> str:
    """Returns the same in words that suit a method which may be behind.

    Such as "2.1 points less balanced accuracy than X (95 % −4.0 to −0.2, 5 seeds)".
    """
    amount = format_amount(abs(difference.mean), _digits(difference, column))
    side = "less" if difference.mean < 0 else "more"
    basis = _basis(difference, column)
    return f"{amount}{_unit(column)} {side} {column.phrase} than {other} ({basis})"


def _unit(column: Column) -> str:
    return " points" if column.is_percent else ""


def _basis(difference: PairedDifference, column: Column) -> str:
    """Says what a difference rests on: its interval and its seeds."""
    basis = format_seeds(difference.seeds)
    if not difference.has_interval:
        return basis
    ends = (difference.low, difference.high)
    low, high = (format_amount(end, _digits(difference, column)) for end in ends)
    return f"95 % {low} to {high}, {basis}"


def _digits(difference: PairedDifference, column: Column) -> int:
    if not column.is_percent:
        return 3
    return 1 if abs(difference.mean) >= 0.1 else 2


def join_names(names: Sequence[str]) -> str:
    """Returns names as a part of a sentence; of many, the first few."""
    if len(names) > _MOST_NAMES + 1:
        return f"{', '.join(names[:_MOST_NAMES])} and {len(names) - _MOST_NAMES} others"
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def shorten_error(error: str) -> str:
    """Returns the error of a run in one line, of which `results.json` has the rest."""
    return textwrap.shorten(
        error, _LONGEST_ERROR, placeholder=" … (the rest is in results.json)"
    )
