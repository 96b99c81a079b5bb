"""Dataclass fields that an option of the command line can set, and their bounds."""

import dataclasses
import math
import numbers
import operator
from collections.abc import Mapping
from typing import Any

from keras_ccar.arguments import show

_BOUNDS = {
    "minimum": ("at least", operator.ge),
    "above": ("above", operator.gt),
    "maximum": ("at most", operator.le),
    "below": ("below", operator.lt),
}
# The types of values that a field of a type accepts from Python.
_ACCEPTED = {bool: bool, int: numbers.Integral, float: numbers.Real, str: str}


def setting(default: Any = dataclasses.MISSING, **metadata: Any) -> Any:
    """Returns a dataclass field that an option of the command line can set.

    Args:
        default: the field's default; without it the field is required.
        **metadata: `help`, the help text of the option. Also `choices`, the allowed
            values, and the bounds of a number: `minimum` and `maximum`, which are
            allowed themselves, or `above` and `below`, which are not.
    """
    return dataclasses.field(default=default, metadata=metadata)


def settings_of(kind: type) -> list[dataclasses.Field[Any]]:
    """Returns the fields of a dataclass that the command line can set."""
    return [item for item in dataclasses.fields(kind) if "help" in item.metadata]


def given_settings(options: object, kind: type) -> dict[str, Any]:
    """Returns the settings of a dataclass that are not None among parsed options."""
    values = {item.name: getattr(options, item.name) for item in settings_of(kind)}
    return {name: value for name, value in values.items() if value is not None}


def convert_settings(given: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """Returns settings in the order and the types of a dataclass; None is left out.

    Raises:
        ValueError: if a setting is unknown, or its value is of the wrong type.
    """
    types: dict[str, Any] = {item.name: item.type for item in settings_of(kind)}
    for name, value in given.items():
        if name not in types:
            raise ValueError(
                f"`{name}` is not a setting of `{kind.__name__}`; expected one of "
                f"{', '.join(types)}."
            )
        accepted = _ACCEPTED.get(types[name])
        is_boolean = isinstance(value, bool) and types[name] is not bool
        is_right = not accepted or (isinstance(value, accepted) and not is_boolean)
        if value is not None and (not is_right or _overflows(value)):
            raise ValueError(
                f"`{name}` must be of type {types[name].__name__}. "
                f"Received: {name}={show(value)}."
            )
    return {
        name: convert(given[name])
        for name, convert in types.items()
        if given.get(name) is not None
    }


def _overflows(value: Any) -> bool:
    """Whether a whole number is too large for a float."""
    try:
        return isinstance(value, int) and not math.isfinite(value)
    except OverflowError:
        return True


def check_settings(owner: Any, title: str) -> None:
    """Raises a ValueError if a field is not finite, out of bounds or not a choice.

    Messages call the `owner`, a dataclass, by a title such as `"a recipe"`.
    """
    for item in dataclasses.fields(owner):
        value = getattr(owner, item.name)
        bounds = {key: bound for key, bound in item.metadata.items() if key in _BOUNDS}
        choices = item.metadata.get("choices", ())
        if isinstance(value, int | float) and not math.isfinite(value):
            expected = "a finite number"
        elif not all(_BOUNDS[key][1](value, bound) for key, bound in bounds.items()):
            expected = " and ".join(
                f"{_BOUNDS[key][0]} {bound}" for key, bound in bounds.items()
            )
        elif choices and value not in choices:
            expected = f"one of {', '.join(map(repr, choices))}"
        else:
            continue
        raise ValueError(
            f"`{item.name}` of {title} must be {expected}. "
            f"Received: {item.name}={value!r}."
        )


def format_number(value: float) -> str:
    """Returns an int or a float as text that reads back as the same number."""
    return repr(value).removesuffix(".0")
