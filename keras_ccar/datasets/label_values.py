"""Reads labels out of whatever holds them: arrays, tables, categories, lists."""

from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from keras_ccar.datasets.elements import as_numpy, is_missing, is_nested_labels
from keras_ccar.inputs.checks import advise_numbers

# How to turn named labels into the numbers that the counts have.
_FROM_STRINGS = "labels = np.searchsorted(names, labels)"
_FROM_BYTES = "labels = np.searchsorted(np.char.encode(names), labels)"


class LabelValues(NamedTuple):
    """Labels as numbers or strings.

    Attributes:
        values: array of numbers, where missing ones are NaN, or of strings.
        names: the names of the categories that the numbers stand for, or of the columns
            of a table.
        numbering: for named labels, the line that numbers them as the counts do.
        missing: how many missing labels were left out of `values`.
        is_ragged: whether the values are those of a ragged tensor or list.
        is_table: whether the labels are several columns of a table.
    """

    values: np.ndarray
    names: list[str] | None = None
    numbering: str | None = None
    missing: int = 0
    is_ragged: bool = False
    is_table: bool = False


def read_labels(label: Any) -> LabelValues:
    """Returns the labels in an array, a table, a list or a ragged or sparse tensor."""
    is_ragged = False
    if is_table(label):
        if len(label.columns) != 1:
            return _from_table(label)
        label = label[label.columns[0]]
    if hasattr(getattr(label, "cat", label), "categories"):
        return _from_categories(label)
    if hasattr(label, "flat_values"):  # ragged
        label = label.flat_values
        is_ragged = len(label.shape) == 1
    elif hasattr(label, "dense_shape"):
        import tensorflow as tf

        label = tf.sparse.to_dense(label)
    elif hasattr(label, "toarray"):  # sparse, of SciPy
        label = label.toarray()
    elif is_nested_labels(label):
        label, is_ragged = _from_lists(label)
    if isinstance(label, np.ma.MaskedArray):
        objects = label.data.astype(object)
        objects[np.ma.getmaskarray(label)] = None
        label = objects
    return _from_array(as_numpy(label))._replace(is_ragged=is_ragged)


def is_table(label: Any) -> bool:
    """Tells a data frame from a column and from arrays."""
    return hasattr(label, "columns") and hasattr(label, "to_numpy")


def _from_table(table: Any) -> LabelValues:
    read = _from_array(as_numpy(table))
    if read.numbering is not None:
        raise ValueError(
            "A table of several columns must hold numbers. Received columns "
            f"{[str(name) for name in table.columns][:5]} with "
            f"{read.values.ravel()[0]!r}: pass the column of the labels."
        )
    return read._replace(names=[str(name) for name in table.columns], is_table=True)


def _from_categories(label: Any) -> LabelValues:
    is_column = hasattr(label, "cat")
    holder = label.cat if is_column else label
    categories, codes = list(holder.categories), as_numpy(holder.codes)
    known = codes[codes >= 0]
    return LabelValues(
        known,
        names=[str(name) for name in categories],
        # The code of a category is its class, so there is nothing to map if they agree.
        numbering=None
        if categories == list(range(len(categories)))
        else f"labels = labels.{'cat.' if is_column else ''}codes",
        missing=codes.size - known.size,
    )


def _from_lists(label: list[Any]) -> tuple[np.ndarray, bool]:
    """Returns nested lists as an array, and whether it had to be flattened."""
    try:
        array = np.asarray(label)
        if array.dtype.kind in "biuf":
            return array, False
    except ValueError:  # of unequal lengths
        pass
    array = np.array(label, dtype=object)  # leaves strings and numbers what they are
    if any(isinstance(value, list) for value in array.ravel()):
        return np.array(_leaves(label), dtype=object), True
    return array, False


def _leaves(label: Any) -> list[Any]:
    if not isinstance(label, list):
        return [label]
    return [leaf for part in label for leaf in _leaves(part)]


def _from_array(array: np.ndarray) -> LabelValues:
    if array.dtype.kind == "T":  # the strings of variable length of numpy 2
        read = _from_objects(array.astype(object))
        return read._replace(numbering=_FROM_STRINGS.replace("s)", "s.astype(object))"))
    if array.dtype.kind == "O":
        return _from_objects(array)
    if array.dtype.kind in "US":
        is_bytes = array.dtype.kind == "S"
        strings = np.char.decode(array) if is_bytes else array
        return LabelValues(
            strings, numbering=_FROM_BYTES if is_bytes else _FROM_STRINGS
        )
    if array.dtype.kind in "Mm" and np.isnat(array).any():
        is_missing = np.isnat(array)
        return LabelValues(np.zeros((~is_missing).sum()), missing=is_missing.sum())
    if array.dtype.kind not in "biuf":
        raise ValueError(
            "Labels must be numbers, strings or categories. Received labels of dtype "
            f"{array.dtype}. {advise_numbers(array)}."
        )
    return LabelValues(array)


def _from_objects(array: np.ndarray) -> LabelValues:
    flat = array.ravel()
    missing = np.array([is_missing(value) for value in flat], dtype=bool)
    present = flat[~missing].tolist()
    if present and all(isinstance(value, str | bytes) for value in present):
        is_bytes = any(isinstance(value, bytes) for value in present)
        strings = [v.decode() if isinstance(v, bytes) else v for v in present]
        return LabelValues(
            np.array(strings, dtype=object),
            numbering=_FROM_BYTES if is_bytes else _FROM_STRINGS,
            missing=int(missing.sum()),
        )
    if not all(isinstance(value, Real | np.bool_) for value in present):
        kinds = sorted({type(value).__name__ for value in present})
        raise ValueError(
            "Labels must be numbers, strings or categories, and of one kind. Received "
            f"values of {', '.join(kinds)}, such as {present[0]!r}: number the classes "
            "from 0 on, or make all of them strings."
        )
    is_whole = all(isinstance(value, int | np.integer) for value in present)
    if missing.any() or not is_whole:
        numbers = np.full(flat.shape, np.nan)
        numbers[~missing] = present
    else:
        numbers = np.array(present, dtype="int64" if not present else None)
        if numbers.dtype.kind == "O":  # beyond 64 bits
            numbers = numbers.astype("float64")
    return LabelValues(numbers.reshape(array.shape))
