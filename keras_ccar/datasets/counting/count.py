"""Counts the training examples of each class in any kind of data."""

from collections.abc import Iterable, Iterator
from operator import length_hint
from typing import Any

import keras
import numpy as np

from keras_ccar.datasets.elements import find_inputs, find_label
from keras_ccar.datasets.loaders.prepared import label_batches, num_batches
from keras_ccar.datasets.long_tailed_data import LongTailedData
from keras_ccar.datasets.progress import progress_bar
from keras_ccar.inputs.checks import check_whole_number

# Unbatched streams are read in batches of this many labels.
_BATCH = 1024


def count_classes(
    data: Any,
    num_classes: int | None = None,
    split: str = "train",
    label_key: str = "label",
    ignore_class: int | None = None,
) -> np.ndarray:
    """Counts the training examples of each class, for `class_counts` of a loss.

    `data` may be

    - labels: an array, a tensor or a list of integers `(N,)` or `(N, 1)`, of any higher
      rank (segmentation), or of distributions `(N, K)`;
    - a pair `(x, y)` of arrays, whose `y` is counted;
    - a `tf.data.Dataset`, a `keras.utils.PyDataset`, a torch `DataLoader` or any
      other finite iterable of labels, `(x, y)`, `(x, y, weight)` or dicts with a
      label, batched or not;
    - a builder of tensorflow-datasets, whose `split` is counted without decoding an
      image. Prefer it to its `tf.data.Dataset`, which decodes every image;
    - a `LongTailedData`.

    The labels are counted in one pass that keeps no images, with a progress bar on a
    terminal. Rows without negative values that sum to 1 are distributions, and each
    class gets its share of them. A vector is a batch of integer labels if the other
    parts of its element are as long, else a distribution.

    Args:
        data: see above.
        num_classes: `K`. Defaults to the largest label plus one.
        split: name of the split, for a builder.
        label_key: name of the label, for a builder.
        ignore_class: an integer label that is not counted, such as 255 in label maps.
            If it is given, labels are never interpreted as distributions.

    Returns:
        An int64 array of shape `(K,)`; float64 if the labels are distributions that
        do not add up to whole numbers.

    Raises:
        ValueError: if the data is empty or infinite, or a label is not a class.
        FileNotFoundError: if the builder's data is not prepared.

    Example:
    ```python
    import numpy as np
    from keras_ccar.datasets import count_classes

    assert count_classes([0, 2, 2]).tolist() == [1, 0, 2]
    batches = [(np.zeros((2, 5)), np.array([0, 2])), (np.zeros((1, 5)), np.array([2]))]
    assert count_classes(batches, num_classes=4).tolist() == [1, 0, 2, 0]
    ```
    """
    if num_classes is not None:
        check_whole_number("num_classes", num_classes, low=1)
    if ignore_class is not None:
        check_whole_number("ignore_class", ignore_class)
    if isinstance(data, LongTailedData):
        return np.array(data.class_counts)
    elements: Iterable[Any]
    total = None
    if hasattr(data, "as_dataset"):
        elements, total = _labels_of_builder(data, split, label_key)
    elif hasattr(data, "element_spec"):
        elements, total = _labels_of_dataset(data)
    elif isinstance(data, keras.utils.PyDataset):
        elements, total = _labels_of_py_dataset(data)
    elif _is_array(data):
        elements = [_as_labels(data)]
    elif isinstance(data, tuple) and len(data) in (2, 3) and _is_array(data[1]):
        elements = [_as_labels(data[1])]
    elif isinstance(data, list | tuple) and all(map(np.isscalar, data)):
        elements = [_as_labels(np.asarray(data))]
    else:
        elements, total = data, length_hint(data) or None

    tally = _Tally(num_classes, ignore_class)
    in_memory = isinstance(elements, list)
    for element in elements if in_memory else progress_bar(elements, "Counting", total):
        tally.add(element)
    return tally.counts()


class _Tally:
    """Adds up the labels of one element after another."""

    def __init__(self, num_classes: int | None, ignore_class: int | None) -> None:
        self._num_classes = num_classes
        self._ignore_class = ignore_class
        self._counts = np.zeros(num_classes or 0)
        self._are_distributions: bool | None = None

    def add(self, element: Any) -> None:
        labels = keras.ops.convert_to_numpy(find_label(element))
        if self._ignore_class is not None:
            labels = labels[labels != self._ignore_class][:, None]
        if labels.size == 0:
            return
        if labels.dtype.kind not in "biuf":
            raise ValueError(
                f"Labels must be numbers. Received {labels.ravel()[0]!r}: number the "
                "classes from 0 on."
            )
        is_distribution = _are_distributions(labels, find_inputs(element))
        if self._are_distributions is None:
            self._are_distributions = is_distribution
        # The first batch decides. Integer labels may sum to 1 in a later one by chance.
        if self._are_distributions and not is_distribution:
            raise ValueError(
                "Some labels are distributions that sum to 1 and some are not. "
                f"Received {labels.ravel()[:5].tolist()} after distributions: map all "
                "labels to integers."
            )
        if self._are_distributions:
            self._add_counts(labels.reshape(-1, labels.shape[-1]).sum(0, "float64"))
        else:
            self._add_counts(_bincount(labels))

    def counts(self) -> np.ndarray:
        if not self._counts.any():
            raise ValueError(
                "`data` must hold labels to count. Received not one label: check that "
                "it is not empty, nor an exhausted iterator."
            )
        whole = np.round(self._counts)
        if np.allclose(self._counts, whole, rtol=1e-9, atol=1e-6):
            return whole.astype("int64")
        return self._counts

    def _add_counts(self, counts: np.ndarray) -> None:
        expected = self._num_classes
        if expected is not None and len(counts) > expected:
            raise ValueError(
                f"Labels must be in [0, {expected}) with num_classes={expected}. "
                f"Received {len(counts) - 1}: raise `num_classes`, correct the labels, "
                "or pass a label to leave out as `ignore_class`."
            )
        missing = len(counts) - len(self._counts)
        if missing > 0:
            self._counts = np.pad(self._counts, (0, missing))
        self._counts[: len(counts)] += counts


def _bincount(labels: np.ndarray) -> np.ndarray:
    labels = labels.ravel()
    whole = labels.astype("int64")
    if (whole != labels).any() or whole.min() < 0:
        wrong = labels[(whole != labels) | (whole < 0)]
        raise ValueError(
            f"Labels must be whole numbers of at least 0. Received "
            f"{wrong[:5].tolist()}: leave out examples without a class."
        )
    return np.bincount(whole)


def _are_distributions(labels: np.ndarray, inputs: list[Any]) -> bool:
    if labels.ndim == 0 or labels.shape[-1] == 1:
        return False
    if labels.ndim == 1 and _is_batch(labels, inputs):
        return False
    rows = labels.sum(-1, dtype="float64")
    return bool((labels >= 0).all() and np.allclose(rows, 1, atol=1e-3))


def _is_batch(labels: Any, inputs: list[Any]) -> bool:
    """Tells a batch of labels, as long as its inputs, from a single distribution.

    Without inputs, a vector of integers is a batch.
    """
    lengths = [tuple(part.shape)[:1] for part in inputs if _is_array(part)]
    if lengths:
        return tuple(labels.shape) in lengths
    return "float" not in str(labels.dtype)


def _as_labels(array: Any) -> Any:
    """Makes a vector of labels a column, so that it is not read as a distribution."""
    return array[:, None] if len(array.shape) == 1 else array


def _is_array(data: Any) -> bool:
    return hasattr(data, "shape") and hasattr(data, "dtype")


def _labels_of_builder(
    builder: Any, split: str, label_key: str
) -> tuple[Iterator[Any], int | None]:
    """Returns batches of labels and their number, if it is known."""
    batches = label_batches(builder, split, label_key, _BATCH).as_numpy_iterator()
    return map(_as_labels, batches), num_batches(builder, split, _BATCH)


def _labels_of_dataset(dataset: Any) -> tuple[Iterator[Any], int | None]:
    import tensorflow as tf

    size = int(dataset.cardinality())
    if size == tf.data.INFINITE_CARDINALITY:
        raise ValueError(
            "The `tf.data.Dataset` is infinite: count it before `repeat()`, or `take` "
            "one epoch of it."
        )
    label = find_label(dataset.element_spec)
    rank = label.shape.rank
    is_batch = rank == 1 and _is_batch(label, find_inputs(dataset.element_spec))
    dataset = dataset.map(
        lambda *parts: find_label(parts if len(parts) > 1 else parts[0])
    )
    if rank in (0, 1) and not is_batch:
        # Python would count single elements more slowly than they are read.
        dataset = dataset.batch(_BATCH)
        size = -(-size // _BATCH) if size > 0 else size
    if rank == 0 or is_batch:
        dataset = dataset.map(lambda labels: labels[:, None])
    return dataset.as_numpy_iterator(), size if size > 0 else None


def _labels_of_py_dataset(dataset: Any) -> tuple[Iterator[Any], int | None]:
    size = dataset.num_batches
    if size is None:
        raise ValueError(
            "The `PyDataset` is infinite: count the labels that it is made of instead."
        )
    return (dataset[i] for i in range(size)), size
