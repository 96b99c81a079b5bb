"""Checks the names of classes."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from itertools import islice
from numbers import Real
from typing import Any
from unicodedata import category, normalize

import numpy as np

from keras_ccar.arguments import MOST_CLASSES, show


def check_class_names(names: Any) -> list[str]:
    """Returns the names of classes as a list of strings that differ."""
    is_ordered = isinstance(names, Iterable) and not isinstance(
        names, str | bytes | Mapping | Set | type
    )
    try:
        given = list(islice(names, MOST_CLASSES + 1)) if is_ordered else []
    except (RuntimeError, TypeError):  # arrays without an axis, symbolic tensors
        given = []
    if not given:
        raise ValueError(
            "`class_names` must be a sequence with one name for each class, in the "
            f"order of the labels. Received: {show(names)}"
        )
    if len(given) > MOST_CLASSES:
        raise ValueError(
            f"`class_names` must be at most {MOST_CLASSES:,} names. Received more: "
            "pass one name for each class."
        )
    wrong = [name for name in given if not _is_name(name)]
    if wrong:
        raise ValueError(
            f"`class_names` must be texts or numbers. Received: {show(wrong[0])} of "
            f"type {type(wrong[0]).__name__}. Pass `[str(name) for name in names]`."
        )
    checked = [str(name) for name in given]
    not_plain = [name for name in checked if not is_plain_text(name)]
    if not_plain:
        raise ValueError(
            "`class_names` must be plain text, without control characters. Received: "
            f"{', '.join(map(repr, not_plain[:5]))}. Replace what is escaped here."
        )
    # Two ways to write the same letters look alike in every report.
    written = Counter(normalize("NFC", name) for name in checked)
    repeated = [name for name, count in written.items() if count > 1]
    if repeated:
        raise ValueError(
            "`class_names` must be different names, one for each class. Received more "
            f"than once: {', '.join(map(repr, repeated[:5]))}. Tell the classes apart, "
            "for example by their number."
        )
    return checked


def names_of_columns(names: list[str], num_columns: int | None) -> list[str]:
    """Returns the names of columns: of one yes-or-no label's two, that of yes."""
    return names[1:] if num_columns == 1 and len(names) == 2 else names


def is_plain_text(name: str) -> bool:
    """Tells text without control characters, line breaks and broken encodings."""
    return not any(category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in name)


def _is_name(name: Any) -> bool:
    # NaN, which stands for a missing name, is not equal to itself.
    return isinstance(name, str | Real | np.bool_) and bool(name == name)


def join_first(names: Sequence[str], most: int) -> str:
    """Returns the first names, and how many more there are, for a message."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
