"""The settings of CCAR that `TuningObjective` may try."""

from typing import Any

from keras_ccar.arguments import argument_error, check_number
from keras_ccar.weightings.ccar import FORMS

Range = tuple[float, float]


def check_range(name: str, value: Any, least: float = 0.0) -> Range:
    """Returns a range of two numbers, of which the second is not the smaller."""
    if isinstance(value, tuple | list) and len(value) == 2:
        low, high = (check_number(name, each, low=least) for each in value)
        if low <= high:
            return low, high
    raise argument_error(name, value, "(lowest, highest), two numbers in order")


def check_forms(forms: Any) -> list[str]:
    """Returns the forms of CCAR to choose from."""
    known = isinstance(forms, tuple | list) and all(form in FORMS for form in forms)
    if not known or not forms:
        raise argument_error("forms", forms, f"some of {', '.join(map(repr, FORMS))}")
    return list(forms)
