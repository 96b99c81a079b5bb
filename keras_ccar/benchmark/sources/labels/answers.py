"""Answers of no and yes, however a file writes them."""

from collections.abc import Iterable
from typing import Any

# What says no and yes, in small letters.
_ANSWERS = (
    ("0", "1"),
    ("no", "yes"),
    ("n", "y"),
    ("false", "true"),
    ("f", "t"),
    ("negative", "positive"),
)


def as_answers(values: Iterable[Any]) -> dict[Any, int]:
    """Returns 0 for no and 1 for yes of each value, where all are answers of one kind.

    Empty texts are missing. A number such as 1.0 is read as 1.

    Returns:
        An empty dict if the values are no such answers.
    """
    given = [value for value in values if _small(value)]
    found = find_answers(given)
    return found if len(found) == len(given) else {}


def find_answers(values: Iterable[Any]) -> dict[Any, int]:
    """Returns the same of the values that are answers, of the most frequent kind."""
    texts = {value: _small(value) for value in values}
    kinds = [
        {value: answers.index(text) for value, text in texts.items() if text in answers}
        for answers in _ANSWERS
    ]
    return max(kinds, key=len)


def _small(value: Any) -> str:
    return str(value).strip().lower().removesuffix(".0")
