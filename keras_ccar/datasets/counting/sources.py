"""Reads the labels of data sets of any library, one element after another."""

import itertools
import sys
from collections.abc import Callable, Iterable, Mapping
from operator import length_hint
from typing import Any

import keras

from keras_ccar.datasets.counting.forms import Form, Shape, form_of, shapes_of
from keras_ccar.datasets.counting.sample_weights import weight_of, without_weight_0
from keras_ccar.datasets.elements import (
    LabelOf,
    bounded,
    find_inputs,
    find_label,
    is_nested_labels,
    is_scalar,
    label_in,
)
from keras_ccar.datasets.in_memory import InMemory, is_labels, label_part
from keras_ccar.datasets.label_values import LabelValues, read_labels
from keras_ccar.datasets.loaders.prepared import label_batches, num_batches
from keras_ccar.datasets.progress import progress_bar

# Unbatched streams are read in batches of this many labels.
_BATCH = 1024
_LOOKUP = (
    "lookup = keras.layers.StringLookup(vocabulary=names, num_oov_indices=0)` and "
    "`dataset.map(lambda x, y: (x, lookup(y)))"
)

_ONE_EPOCH = (
    "if it repeats, count one epoch of it, `itertools.islice(data, steps_per_epoch)`; "
    "if it is that large, pass its labels as an array, or in batches"
)
_ONE_EPOCH_OF_A_STREAM = (
    "if it repeats, count one epoch of it, `dataset.take(steps_per_epoch)`; if it is "
    "that large, tell its size with `tf.data.experimental.assert_cardinality`"
)

Found = tuple[LabelValues, Form]
"""Labels, and what their shape says about them."""


def labels_of(
    data: Any, split: str, label_key: str, label_of: LabelOf
) -> Iterable[Found]:
    """Returns the labels of each element; the arguments are those of the counting."""
    found: Iterable[Found]
    if hasattr(data, "as_dataset"):
        batches = label_batches(data, split, label_key, _BATCH).as_numpy_iterator()
        found = (_with_form(read_labels(batch), source="batch") for batch in batches)
        return progress_bar(found, "Counting", num_batches(data, split, _BATCH))
    if hasattr(data, "element_spec"):
        found, total, batch_size = _of_tf_dataset(data, label_of)
        if total is None:
            found = bounded(found, _ONE_EPOCH_OF_A_STREAM, batch_size)
        return progress_bar(found, "Counting", total)
    arrays = _arrays_in(data, label_of)
    if arrays is not None and label_of is None:
        return [_of_arrays(arrays)]
    elements, source = (
        _elements_of(data) if arrays is None else (InMemory(arrays), "single")
    )
    total = length_hint(elements) or None
    found = (
        without_weight_0(
            *_with_form(read_labels(label_in(element, label_of)), element, source),
            weight_of(element) if label_of is None else None,
        )
        for element in (elements if total else bounded(elements, _ONE_EPOCH))
    )
    return progress_bar(found, "Counting", total)


def _with_form(
    labels: LabelValues, element: Any = None, source: str | None = None
) -> Found:
    if labels.is_ragged or (labels.names and not labels.is_table):
        return labels, Form.VALUES
    values = labels.values
    inputs = shapes_of(find_inputs(element))
    return labels, form_of(values.shape, inputs, values.dtype.kind == "f", source)


def _arrays_in(data: Any, label_of: LabelOf) -> Any:
    """Returns data that is in memory as labels, `(x, y)` or a dict; else None."""
    if is_labels(data) or is_nested_labels(data) or isinstance(data, Mapping):
        return data
    if not isinstance(data, tuple):
        return None
    if all(map(is_scalar, data)):
        return list(data)
    if len(data) not in (2, 3):
        return None
    x, y = data[:2]
    is_pair = is_labels(y) or is_nested_labels(y)
    # Several labels; otherwise this could be a sequence of examples.
    is_pair |= isinstance(y, Mapping | tuple) and is_labels(x)
    is_pair |= isinstance(y, Mapping) and label_of is not None
    return data if is_pair else None


def _of_arrays(arrays: Any) -> Found:
    found = _with_form(read_labels(label_part(arrays)), arrays, "batch")
    return without_weight_0(*found, weight_of(arrays))


def _elements_of(data: Any) -> tuple[Any, str | None]:
    """Returns an iterable of elements, and whether they are batches, where known."""
    if isinstance(data, keras.utils.PyDataset):
        if data.num_batches is None:
            raise ValueError(
                "The `PyDataset` is infinite: count the labels that it is made of "
                "instead."
            )
        return _Indexed(data, data.num_batches), "batch"
    if hasattr(data, "batch_sampler") and hasattr(data, "dataset"):
        return data, None if data.batch_sampler is None else "batch"
    torch = sys.modules.get("torch")
    is_torch = torch is not None and isinstance(data, torch.utils.data.Dataset)
    if isinstance(data, itertools.cycle | itertools.count):
        raise ValueError(
            f"`data` must have an end. Received: {type(data).__name__} of `itertools`, "
            f"which has none: {_ONE_EPOCH}."
        )
    if not isinstance(data, str | bytes):
        if hasattr(data, "__iter__"):
            return data, None
        if hasattr(data, "__getitem__") and hasattr(data, "__len__"):
            return _Indexed(data, len(data)), "single" if is_torch else None
    raise ValueError(
        "`data` must hold labels: an array, a table, `(x, y)`, or an iterable data "
        f"set. Received: {data!r}"
    )


class _Indexed:
    """Iterates over what has a length, but need not say where it ends."""

    def __init__(self, data: Any, length: int) -> None:
        self._data, self._length = data, length

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Any:
        return (self._data[i] for i in range(self._length))


def _of_tf_dataset(
    dataset: Any, label_of: LabelOf
) -> tuple[Iterable[Found], int | None, int]:
    """Returns the labels, the number of items where known, and elements an item."""
    import tensorflow as tf

    size = int(dataset.cardinality())
    if size == tf.data.INFINITE_CARDINALITY:
        raise ValueError(
            "The `tf.data.Dataset` is infinite: count it before `repeat()`, or `take` "
            "one epoch of it."
        )
    spec = dataset.element_spec
    if label_of is None:
        find_label(spec)  # errors in a traced function would come with a long trace
    inputs = shapes_of(find_inputs(spec))
    is_tuple = isinstance(spec, tuple)
    labels = dataset.map(
        lambda *parts: label_in(parts if is_tuple else parts[0], label_of)
    )
    weight = weight_of(spec) if label_of is None else None
    weights = None
    if isinstance(weight, tf.TensorSpec):
        weights = dataset.map(lambda *parts: weight_of(parts))
    is_ragged = isinstance(labels.element_spec, tf.RaggedTensorSpec)
    if is_ragged:
        labels = labels.map(lambda label: label.flat_values)
    elif isinstance(labels.element_spec, tf.SparseTensorSpec):
        labels = labels.map(tf.sparse.to_dense)
    label_spec = labels.element_spec
    form = _form_of_spec(label_spec, inputs)
    batch_size = 1
    if label_spec.shape.rank in (0, 1) and None not in label_spec.shape:
        # Python would count single elements more slowly than they are read.
        batch_size = _BATCH
        labels = labels.batch(batch_size)
        weights = weights and weights.batch(batch_size)
        size = -(-size // batch_size) if size > 0 else size

    def read(array: Any, weight: Any = None) -> Found:
        values = read_labels(array)
        if values.numbering is not None:
            values = values._replace(numbering=_LOOKUP)
        is_flat = is_ragged and values.values.ndim == 1
        values = values._replace(is_ragged=is_flat)
        return without_weight_0(values, form(values), weight)

    total = size if size > 0 else None
    if weights is None:
        return map(read, labels.as_numpy_iterator()), total, batch_size
    both = tf.data.Dataset.zip(labels, weights).as_numpy_iterator()
    return itertools.starmap(read, both), total, batch_size


def _form_of_spec(spec: Any, inputs: list[Shape]) -> Callable[[LabelValues], Form]:
    """Returns the form, as a function of values where the shape does not tell it."""
    if spec.shape.rank == 1 and spec.shape[0] is None:
        # Of unknown length are batches, and labels of each token.
        if not inputs or any(shape[:1] == (None,) for shape in inputs):
            return lambda labels: Form.VALUES
        return lambda labels: form_of(labels.values.shape, inputs)
    if spec.shape.rank is None:
        return lambda labels: form_of(labels.values.shape, inputs)
    form = form_of(tuple(spec.shape), inputs, spec.dtype.is_floating)
    return lambda labels: form
