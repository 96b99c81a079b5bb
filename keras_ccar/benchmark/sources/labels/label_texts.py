"""Labels and groups as texts: which writings are the same, and which look alike."""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np

_TRUTHS = frozenset(["true", "True", "TRUE", "false", "False", "FALSE"])
# Decimals may stand behind a comma, but 1,000 and 1,234 are thousands, or may be.
_WHOLE = re.compile(r"[+-]?(?:0|[1-9][0-9]*)(?:\.0*|,00?)?")
_MAY_BE_THOUSANDS = r"(?![+-]?[1-9][0-9]{0,2},[0-9]{3}(?:e|$))"
_NUMBER = re.compile(
    rf"{_MAY_BE_THOUSANDS}[+-]?(?:[0-9]+[.,]?[0-9]*|[.,][0-9]+)(?:e[+-]?[0-9]+)?",
    re.IGNORECASE,
)


def label_text(value: Any) -> str:
    """Returns a value as text, without spaces around it: 1 for 1.0."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").strip()
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def plain_texts(texts: Sequence[str]) -> list[str]:
    """Returns texts that are all whole numbers, or all true and false, in one writing.

    Others are returned as they are: beside 01, 1 and 1.0 are two codes.
    """
    distinct = set(texts)
    if distinct <= _TRUTHS or all(map(_WHOLE.fullmatch, distinct)):
        plain = {text: plain_text(text) for text in distinct}
        return [plain[text] for text in texts]
    return list(texts)


def plain_text(text: str) -> str:
    """Returns 1 for the text 1.0, 1,0 or +1, true for True; others as they are."""
    if text in _TRUTHS:
        return text.lower()
    if not _WHOLE.fullmatch(text):
        return text
    number = text.removeprefix("+").replace(",", ".").partition(".")[0]
    return "0" if number == "-0" else number


def as_number(text: str) -> Decimal | None:
    """Returns the number that a text is, with all its digits, or None."""
    if not _NUMBER.fullmatch(text):
        return None
    try:
        return Decimal(text.replace(",", "."))
    except InvalidOperation:  # an exponent of many digits
        return None


def find_look_alikes(texts: Iterable[str]) -> list[str]:
    """Returns those that differ only in case, in spaces, or in how a number is written.

    Those that look alike stand side by side.
    """
    groups: dict[str | Decimal, list[str]] = {}
    for text in sorted(set(texts)):
        folded = "".join(text.casefold().split())
        number = as_number(folded)
        groups.setdefault(folded if number is None else number, []).append(text)
    return [text for group in groups.values() if len(group) > 1 for text in group]
