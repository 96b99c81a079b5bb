"""Reads data of any kind in batches."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import keras
import numpy as np

from keras_ccar.arguments import argument_error, check_whole_number, optional
from keras_ccar.datasets.elements import as_numpy, bounded, is_array

DATA = (
    "`(x, y)`, a tf.data.Dataset, a torch DataLoader or a PyDataset of batches "
    "`(x, y)`; or, where `model` is an array of predictions, their labels"
)

# What `tf.data` calls the length of a data set that never ends.
_ENDLESS = -1


def read_batches(data: Any, name: str, batch_size: int | None) -> Iterator[Any]:
    """Yields inputs, labels, sample weights, and how to predict them.

    Labels and weights are None where the data have none. Batches without an example are
    left out: `model.predict` of nothing fails, and on JAX leaves a broken model.

    Args:
        data: `(x, y)`, `(x, y, sample_weight)`, batches of these, or inputs alone.
        name: the name of the argument, for messages.
        batch_size: that of `model.predict`, for arrays.
    """
    batch_size = optional(check_whole_number, "batch_size", batch_size, 1)
    options = {"verbose": 0, "batch_size": batch_size}
    if isinstance(data, tuple):
        x, labels, weights = unpack(data, name)
        if not _is_empty(x):
            yield x, labels, weights, options
        return
    if isinstance(data, keras.utils.PyDataset):
        if data.num_batches is None:
            raise argument_error(name, data, "a PyDataset that ends")
        batches: Any = (data[index] for index in range(data.num_batches))
    elif isinstance(data, list | Mapping) or is_array(data):
        if not _is_empty(data):
            yield data, None, None, options
        return
    elif isinstance(data, Iterable) and not isinstance(data, str | bytes):
        if hasattr(data, "cardinality") and int(data.cardinality()) == _ENDLESS:
            raise argument_error(
                name,
                data,
                "data that ends",
                "Leave `repeat()` out, or pass `dataset.take(n)` of the n batches.",
            )
        batches = data
    else:
        raise argument_error(name, data, DATA)
    for batch in bounded(batches, "pass data that ends, such as `dataset.take(n)`"):
        x, labels, weights = unpack(batch, name)
        x = keras.tree.map_structure(as_numpy, x)
        if not _is_empty(x):
            # One batch, whatever its size.
            size = len(keras.tree.flatten(x)[0])
            yield x, labels, weights, {"verbose": 0, "batch_size": size}


def _is_empty(x: Any) -> bool:
    parts = keras.tree.flatten(x)
    return not parts or any(tuple(np.shape(part))[:1] == (0,) for part in parts)


def unpack(element: Any, name: str) -> tuple[Any, Any, Any]:
    """Returns inputs, labels and sample weights, None for what there is not."""
    if not isinstance(element, tuple | list):
        return element, None, None
    if not 1 <= len(element) <= 3:
        raise argument_error(name, element, DATA)
    x, labels, weights = (*element, None, None)[:3]
    if isinstance(labels, Mapping | tuple):
        key = next(iter(labels), 0) if isinstance(labels, Mapping) else 0
        of_one = f"(x, y[{key!r}])"
        raise ValueError(
            f"`{name}` must have the labels of one output. Received: labels in a "
            f"{type(labels).__name__}. Of the first output pass "
            f"`keras_ccar.posthoc.one_output(model, {key!r})` as the model, and as its "
            f"data `{of_one}` of arrays, `dataset.map(lambda x, y: {of_one})` of a "
            f"tf.data.Dataset, or a generator of batches `{of_one}` of other data."
        )
    return x, labels, weights


def rows_of(values: Any, counted: np.ndarray) -> Any:
    """Returns the labels or weights of the examples that count.

    Args:
        values: `(N, ...)`, with or without a last axis for columns; None if there are
            none. Those of another shape are returned as they are: whoever reads them
            says what is wrong.
        counted: which examples count, `(N, ...)`.
    """
    try:
        found = None if values is None else as_numpy(values)
    except ValueError:  # ragged
        return values
    if found is None or found.shape[: counted.ndim] != counted.shape:
        return values
    return found[counted]


def counted_rows(weights: Any, shape: tuple[int, ...], name: str) -> np.ndarray:
    """Returns which rows count, from sample weights of 0 and 1."""
    values = row_weights(weights, shape, name)
    require_zeros_and_ones(values, name)
    return values == 1


def row_weights(weights: Any, shape: tuple[int, ...], name: str) -> np.ndarray:
    """Returns the sample weight of each row, float64; 1 without weights.

    Args:
        weights: those of the data, or None.
        shape: that of the predictions without their last axis.
        name: the name of the argument, for messages.
    """
    if weights is None:
        return np.ones(int(np.prod(shape)))
    values = as_numpy(weights)
    if values.shape == (*shape, 1):
        values = values[..., 0]
    if values.shape != shape:
        raise ValueError(
            f"`{name}` must have sample weights, one for each example. Received: "
            f"weights of shape {values.shape} for examples of shape {shape}"
        )
    numbers = values.reshape(-1).astype("float64")
    if not (np.isfinite(numbers) & (numbers >= 0)).all():
        raise ValueError(
            f"`{name}` must have sample weights of 0 or more. Received: "
            f"{_range_of(numbers)}"
        )
    return numbers


def require_zeros_and_ones(weights: Any, name: str) -> None:
    """Raises a `ValueError` for sample weights of data that are measured."""
    values = as_numpy(weights)
    if not ((values == 0) | (values == 1)).all():
        raise ValueError(
            f"`{name}` must have sample weights of 0 and 1, one for each example, "
            "because what is measured here counts every example once. Received: "
            f"{_range_of(values)}. Leave the weights out of the data. If they are what "
            "a mistake costs, decide by the expected cost of each example, the "
            "calibrated probability times its cost."
        )


def _range_of(values: np.ndarray) -> str:
    return f"weights from {values.min():g} to {values.max():g}"
