"""Checks the names of classes."""

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from numbers import Real
from typing import Any

import numpy as np

from keras_ccar.arguments import show


def check_class_names(names: Any) -> list[str]:
    """Returns the names of classes as a list of strings that differ."""
    is_ordered = isinstance(names, Iterable) and not isinstance(
        names, str | bytes | Mapping | Set | type
    )
    try:
        given = list(names) if is_ordered else []
    except (RuntimeError, TypeError):  # arrays without an axis, symbolic tensors
        given = []
    if not given:
        raise ValueError(
            "`class_names` must be a sequence with one name for each class, in the "
            f"order of the labels. Received: {show(names)}"
        )
    wrong = [name for name in given if not _is_name(name)]
    if wrong:
        raise ValueError(
            f"`class_names` must be texts or numbers. Received: {show(wrong[0])} of "
            f"type {type(wrong[0]).__name__}. Pass `[str(name) for name in names]`."
        )
    checked = [str(name) for name in given]
    repeated = [name for name, count in Counter(checked).items() if count > 1]
    if repeated:
        raise ValueError(
            "`class_names` must be different names, one for each class. Received more "
            f"than once: {', '.join(map(repr, repeated[:5]))}. Tell the classes apart, "
            "for example by their number."
        )
    return checked


def _is_name(name: Any) -> bool:
    # NaN, which stands for a missing name, is not equal to itself.
    return isinstance(name, str | Real | np.bool_) and bool(name == name)
