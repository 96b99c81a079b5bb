"""Finds the label in an element of any data set."""

from collections.abc import Mapping
from typing import Any

LABEL_KEYS = ("label", "labels", "target", "targets", "y")


def find_label(element: Any) -> Any:
    """Returns the label of a bare label, `(x, y)`, `(x, y, weight)` or a dict."""
    if isinstance(element, Mapping):
        found = [key for key in LABEL_KEYS if key in element]
        if len(found) == 1:
            return element[found[0]]
        raise ValueError(
            f"Elements that are dicts must hold the label under one of "
            f"{', '.join(LABEL_KEYS)}. Received the keys {sorted(element)}: map each "
            "element to `(x, y)` first."
        )
    if not isinstance(element, tuple | list):
        return element
    if len(element) not in (2, 3):
        raise ValueError(
            "Elements must be labels, `(x, y)`, `(x, y, sample_weight)` or dicts. "
            f"Received a {type(element).__name__} of {len(element)}: map each "
            "element to `(x, y)` first."
        )
    if isinstance(element[1], Mapping | tuple | list):
        raise ValueError(
            "Elements must have one label. Received one with several labels: map "
            "each element to `(x, y)` with the label to use."
        )
    return element[1]


def find_inputs(element: Any) -> list[Any]:
    """Returns the parts of an element beside its label."""
    if isinstance(element, Mapping):
        label = find_label(element)
        return [part for part in element.values() if part is not label]
    return [element[0]] if isinstance(element, tuple | list) else []
