"""Arrays of equal length as examples: `(x, y)`, dicts of arrays, tables."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from keras_ccar.datasets.elements import (
    find_label,
    is_array,
    is_nested_labels,
    is_scalar,
)


class InMemory:
    """The examples in tuples and dicts of arrays, tensors, tables and lists.

    `self[i]` is example i, in the structure of the whole.
    """

    def __init__(self, arrays: Any) -> None:
        self._arrays = arrays
        lengths = _lengths(arrays)
        if len(set(lengths)) != 1:
            raise ValueError(
                "Arrays must have one entry for each example. Received arrays of the "
                f"lengths {', '.join(map(str, lengths))}."
            )
        self._length = lengths[0]

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Any:
        return _map(lambda part: _rows(part)[index], self._arrays)

    def __iter__(self) -> Iterator[Any]:
        # Arrays of JAX would never end by an `IndexError`.
        return (self[i] for i in range(self._length))

    def take(self, indices: np.ndarray) -> Any:
        """Returns the examples of these numbers, in the structure of the whole."""
        return _map(lambda part: _take(part, indices), self._arrays)


def is_labels(data: Any) -> bool:
    """Tells arrays, tensors and tables, sparse, ragged or of categories too."""
    return (
        is_array(data)
        or hasattr(data, "to_numpy")
        or hasattr(data, "toarray")
        or hasattr(data, "dense_shape")
    )


def label_part(arrays: Any) -> Any:
    """Returns the labels of `(x, y)`, a dict of arrays, or bare labels."""
    if isinstance(arrays, tuple) and len(arrays) in (2, 3):
        label = arrays[1]
        if is_labels(label) or is_nested_labels(label):
            return label
    return find_label(arrays)


def _is_part(data: Any) -> bool:
    is_list = isinstance(data, list | tuple) and all(map(is_scalar, data))
    return is_labels(data) or is_list or is_nested_labels(data)


def _map(function: Callable[[Any], Any], arrays: Any) -> Any:
    if isinstance(arrays, Mapping):
        return {key: _map(function, part) for key, part in arrays.items()}
    if isinstance(arrays, list | tuple) and not _is_part(arrays):
        return type(arrays)([_map(function, part) for part in arrays])
    return function(arrays)


def _lengths(arrays: Any) -> list[int]:
    lengths: list[int] = []

    def note(part: Any) -> None:
        if not _is_part(part) or (shape := getattr(part, "shape", (0,))) == ():
            raise ValueError(
                "Arrays must have one entry for each example. Received: "
                f"{type(part).__name__}"
            )
        is_list = isinstance(part, list | tuple)
        lengths.append(len(part) if is_list else int(shape[0]))

    _map(note, arrays)
    return lengths


def _rows(part: Any) -> Any:
    return part.iloc if hasattr(part, "iloc") else part


def _take(part: Any, indices: np.ndarray) -> Any:
    if isinstance(part, list | tuple):
        return [part[i] for i in indices]
    if type(part).__module__.partition(".")[0] == "tensorflow":
        import tensorflow as tf

        return tf.gather(part, indices)
    return _rows(part)[indices]
