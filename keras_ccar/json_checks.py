"""Checks that the content of a JSON file has the fields that its reader uses."""

import math
import reprlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Beyond these, sums and figures overflow.
_LARGEST = 1e15
_LARGEST_WHOLE = 2**53


@dataclass(frozen=True)
class Kind:
    """What a value may be: words for a message, and a test."""

    words: str
    fits: Callable[[Any], bool]

    def or_null(self) -> "Kind":
        """Returns this kind with `null` added."""
        fits = self.fits
        return Kind(f"{self.words} or null", lambda value: value is None or fits(value))


def _is_number(value: Any) -> bool:
    # The comparison holds for neither NaN nor infinity.
    return type(value) in (int, float) and -_LARGEST <= value <= _LARGEST


def _is_whole(value: Any, least: int) -> bool:
    return type(value) is int and least <= value <= _LARGEST_WHOLE


def _are_numbers(values: Any, allow_infinity: bool) -> bool:
    # No function call for each of what may be millions of numbers.
    if not isinstance(values, list) or not set(map(type, values)) <= _NUMBER_TYPES:
        return False
    given = [value for value in values if value is not None]
    try:
        if allow_infinity:
            return not any(map(math.isnan, given))
        largest = max(map(abs, given), default=0)
        return all(map(math.isfinite, given)) and largest <= _LARGEST
    except OverflowError:  # A whole number beyond all floats.
        return False


_NUMBER_TYPES = {int, float, type(None)}
TEXT = Kind("text", lambda value: isinstance(value, str))
TEXTS = Kind(
    "a list of texts",
    lambda value: isinstance(value, list) and all(isinstance(x, str) for x in value),
)
BOOLEAN = Kind("true or false", lambda value: isinstance(value, bool))
NUMBER = Kind("a finite number", _is_number)
AT_LEAST_ZERO = Kind(
    "a number of at least 0", lambda value: _is_number(value) and value >= 0
)
PERCENT = Kind(
    "a number from 0 to 100", lambda value: _is_number(value) and 0 <= value <= 100
)
WHOLE = Kind("a whole number", lambda value: _is_whole(value, -_LARGEST_WHOLE))
COUNT = Kind("a whole number of at least 0", lambda value: _is_whole(value, 0))
POSITIVE = Kind("a whole number of at least 1", lambda value: _is_whole(value, 1))
PLAIN = Kind(
    "text, a finite number, true, false or null",
    lambda value: value is None or isinstance(value, str | bool) or _is_number(value),
)


def _is_setting(value: Any, depth: int = 2) -> bool:
    if isinstance(value, list):
        return depth > 0 and all(_is_setting(item, depth - 1) for item in value)
    return PLAIN.fits(value)


SETTING = Kind(f"{PLAIN.words}, or a short list of such", _is_setting)


def numbers(length: int | None = None, allow_infinity: bool = False) -> Kind:
    """Returns the kind of a list of numbers and nulls, of some length if given."""
    of = "finite numbers" if not allow_infinity else "numbers"
    return Kind(
        f"a list of {'' if length is None else f'{length} '}{of} or nulls",
        lambda value: (
            _are_numbers(value, allow_infinity) and length in (None, len(value))
        ),
    )


def one_of(*values: str) -> Kind:
    """Returns the kind of a text that is one of a few."""
    words = " or ".join(f'"{value}"' for value in values)
    return Kind(words, lambda value: isinstance(value, str) and value in values)


def check_fields(path: str | Path, content: Any, shape: Any, field: str = "") -> None:
    """Raises an error that names file and field unless the content has a shape.

    Args:
        path: the file, for the message.
        content: what the file holds, or a part of it.
        shape: a `Kind`; a dict of the shapes of the keys that must be there, or may be
            if the key ends in "?"; a list of one shape, for all of a list; a tuple of
            one shape, for all values of an object.
        field: where in the file the content is.

    Raises:
        ValueError: says which field is missing, or what it must be.
    """
    if isinstance(shape, Kind):
        if not shape.fits(content):
            raise field_error(path, field, shape.words, content)
    elif isinstance(shape, list):
        if not isinstance(content, list):
            raise field_error(path, field, "a list", content)
        for at, item in enumerate(content):
            check_fields(path, item, shape[0], f"{field}[{at}]")
    elif not isinstance(content, dict):
        raise field_error(path, field, "an object", content)
    else:
        parts = dict.fromkeys(content, shape[0]) if isinstance(shape, tuple) else shape
        for key, part in parts.items():
            name = key.removesuffix("?")
            inner = f"{field}.{name}" if field else name
            if name in content:
                check_fields(path, content[name], part, inner)
            elif name == key:
                raise ValueError(f"{path} lacks the field {inner!r}.")


def field_error(path: str | Path, field: str, words: str, content: Any) -> ValueError:
    """Returns the error that a field of a file is not what it must be."""
    where = f"the field {field!r} of {path}" if field else str(path)
    # `reprlib` shortens what is long or deep.
    return ValueError(f"{where} must be {words}. Received: {reprlib.repr(content)}.")
