"""Refuses data that no training can use: NaN and infinity."""

from typing import Any

import keras
import numpy as np

# So many examples are looked at together, which bounds the memory.
_TOGETHER = 4096


def not_finite(arrays: Any, length: int) -> np.ndarray:
    """Returns which examples have NaN or infinity, booleans `(length,)`."""
    found = np.zeros(length, bool)
    for array in keras.tree.flatten(arrays):
        if not np.issubdtype(array.dtype, np.floating):
            continue
        for start in range(0, length, _TOGETHER):
            part = array[start : start + _TOGETHER]
            is_finite = np.isfinite(part).reshape(len(part), -1).all(axis=1)
            found[start : start + len(part)] |= ~is_finite
    return found


def require_finite(name: str, what: str, is_wrong: np.ndarray) -> None:
    """Raises a `ValueError` if there are examples with NaN or infinity.

    Args:
        name: the name of the argument that holds the data.
        what: the part of the data that is meant, such as "inputs".
        is_wrong: what `not_finite` returned, of all examples.
    """
    wrong = np.flatnonzero(is_wrong)
    if wrong.size:
        raise ValueError(
            f"`{name}` must have {what} without NaN and infinity, which would make "
            f"every loss NaN. Received: {wrong.size:,} of {len(is_wrong):,} examples "
            f"with them, the first at position {wrong[0]}. Replace the numbers, for "
            "example by `numpy.nan_to_num`, or leave these examples out."
        )
