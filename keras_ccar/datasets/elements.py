"""Finds the label in an element of any data set."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import keras
import numpy as np

from keras_ccar.arguments import argument_error, check_function

LABEL_KEYS = ("label", "labels", "target", "targets", "y")

# Data that tells no length is taken for endless beyond this.
MOST_ELEMENTS = 10_000_000

LabelOf = Callable[..., Any] | None
"""A function of the parts of an element that returns its label."""


def label_in(element: Any, label_of: LabelOf = None) -> Any:
    """Returns the label of an element: the one that `label_of` picks, if it is given.

    It is called as `tf.data` calls a function of an element: `label_of(x, y)` for
    `(x, y)`, `label_of(element)` for a dict or a single array.
    """
    if label_of is None:
        return find_label(element)
    label = label_of(*element) if is_sequence(element) else label_of(element)
    if is_sequence(label) or isinstance(label, Mapping) or label is None:
        raise ValueError(
            "`label_of` must return the label of an element: one array, tensor or "
            f"number. Received: a {type(label).__name__} from `label_of`"
        )
    return label


def check_label_of(name: str, label_of: Any) -> None:
    """Raises a `ValueError` for anything but a function of the parts of an element."""
    expected = (
        "a function of the parts of an element, such as `lambda x, y: y['defect']`"
    )
    check_function(name, label_of, expected)


def check_data(name: str, data: Any) -> None:
    """Raises a `ValueError` for what holds no examples: a number, a symbolic tensor."""
    if getattr(data, "shape", None) == () or isinstance(data, keras.KerasTensor):
        raise argument_error(
            name, data, "arrays with an axis of examples, or a data set"
        )


def find_label(element: Any) -> Any:
    """Returns the label of a bare label, `(x, y)`, `(x, y, weight)` or a dict."""
    if isinstance(element, Mapping):
        found = [key for key in LABEL_KEYS if key in element]
        if len(found) == 1:
            return _one_label(element[found[0]])
        raise ValueError(
            f"Elements that are dicts must hold the label under one of "
            f"{', '.join(LABEL_KEYS)}. Received the keys {sorted(map(str, element))}: "
            "pass `label_of=lambda element: element[...]` with the key of the label."
        )
    if not is_sequence(element):
        return element
    if len(element) not in (2, 3):
        raise ValueError(
            "Elements must be labels, `(x, y)`, `(x, y, sample_weight)` or dicts. "
            f"Received a {type(element).__name__} of {len(element)}: pass `label_of=`, "
            "a function of these parts that returns the label."
        )
    return _one_label(element[1])


def _one_label(label: Any) -> Any:
    if isinstance(label, Mapping):
        way = f"`label_of=lambda x, y: y[{next(iter(label), 0)!r}]`"
    elif isinstance(label, list | tuple):
        way = "`label_of=lambda x, y: y[0]`"
        if all(map(is_scalar, label)):
            way += ", or makes an array of a batch: `label_of=lambda x, y: np.array(y)`"
    else:
        return label
    raise ValueError(
        "Elements must have one label. Received one with several labels, a "
        f"{type(label).__name__} of {len(label)}: pass `label_of=`, a function of the "
        f"parts of an element that picks one, such as {way}."
    )


def bounded(items: Iterable[Any], way_out: str, batch_size: int = 1) -> Iterator[Any]:
    """Yields the items, and raises a `ValueError` where they seem to have no end.

    Args:
        items: elements, or batches of them, of unknown number.
        way_out: what the error says to do.
        batch_size: elements that an item stands for.
    """
    for number, item in enumerate(items):
        if number >= MOST_ELEMENTS // batch_size:
            raise ValueError(
                "The data must have an end. Received more than "
                f"{number * batch_size:,} elements from a source without a length: "
                f"{way_out}."
            )
        yield item


def find_inputs(element: Any) -> list[Any]:
    """Returns the arrays of an element beside its label."""
    if isinstance(element, Mapping):
        keys = [key for key in element if key not in LABEL_KEYS]
        return [leaf for key in keys for leaf in _leaves(element[key])]
    return _leaves(element[0]) if is_sequence(element) else []


def is_sequence(element: Any) -> bool:
    """Tells `(x, y)`, also as a list of arrays, from one label or nested labels."""
    if isinstance(element, list):
        return not is_nested_labels(element)
    return isinstance(element, tuple)


def is_nested_labels(value: Any) -> bool:
    """Tells lists of labels, however deep, from lists that hold tuples or arrays."""
    return isinstance(value, list) and all(
        is_scalar(item) or is_nested_labels(item) for item in value
    )


def is_scalar(value: Any) -> bool:
    """Tells one number or string, known or missing, from anything that holds more."""
    return np.isscalar(value) or value is None or is_missing(value)


def is_missing(value: Any) -> bool:
    """Tells what stands for a missing label: None, NaN, and pandas' NA and NaT."""
    # `pandas.NA != pandas.NA` is not a truth value.
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return np.isscalar(value) and bool(value != value)


def is_array(value: Any) -> bool:
    """Tells arrays, tensors and columns of tables from other values."""
    return hasattr(value, "shape") and hasattr(value, "dtype")


def as_numpy(value: Any) -> np.ndarray:
    """Returns an array, a tensor of any library or a column of a table as numpy."""
    if hasattr(value, "detach"):  # torch, whatever the backend
        value = value.detach().cpu()
        is_half = value.is_floating_point() and value.dtype.itemsize == 2
        value = value.float() if is_half else value
    if hasattr(value, "to_numpy"):
        value = value.to_numpy()
    array = np.asarray(value)
    # The half precision of accelerators is unknown to numpy.
    return array.astype("float32") if array.dtype.name == "bfloat16" else array


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return [leaf for part in value.values() for leaf in _leaves(part)]
    if is_sequence(value) and not all(map(is_scalar, value)):
        return [leaf for part in value for leaf in _leaves(part)]
    return [value]
