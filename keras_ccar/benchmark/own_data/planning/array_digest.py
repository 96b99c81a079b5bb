"""Adds arrays to a digest."""

from typing import Any

import numpy as np


def add_array(content: Any, values: Any) -> None:
    """Adds dtype, shape and values of an array to an object of `hashlib`."""
    array = np.ascontiguousarray(values)
    content.update(f"{array.dtype.str}|{array.shape}|".encode())
    is_plain = array.dtype.kind != "O"
    content.update(array.data if is_plain else repr(array.tolist()).encode())
