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
        batches = label_batches(data, split, label_key, _BATCH).as_numpy_iterator()
        elements, total = map(_as_labels, batches), num_batches(data, split, _BATCH)
    elif hasattr(data, "element_spec"):
        elements, total = _labels_of_dataset(data)
    elif isinstance(data, keras.utils.PyDataset):
        total = data.num_batches
        if total is None:
            raise ValueError(
                "The `PyDataset` is infinite: count the labels that it is made of "
                "instead."
            )
        elements = (data[i] for i in range(total))
    elif _is_array(data):
        elements = [_as_labels(data)]
    elif isinstance(data, tuple) and len(data) in (2, 3) and _is_array(data[1]):
        elements = [_as_labels(data[1])]
    elif isinstance(data, list | tuple) and all(map(np.isscalar, data)):
        elements = [_as_labels(np.asarray(data))]
    else:
        elements, total = data, length_hint(data) or None

    if not isinstance(elements, list):
        elements = progress_bar(elements, "Counting", total)
    return _add_up(elements, num_classes, ignore_class)


def _add_up(
    elements: Iterable[Any], num_classes: int | None, ignore_class: int | None
) -> np.ndarray:
    """Adds up the labels of one element after another."""
    counts = np.zeros(num_classes or 0)
    are_distributions: bool | None = None
    for element in elements:
        labels = _label_array(element, ignore_class)
        if labels.size == 0:
            continue
        is_distribution = _are_distributions(labels, find_inputs(element))
        if are_distributions is None:
            are_distributions = is_distribution
        # The first batch decides. Integer labels may sum to 1 in a later one by chance.
        if are_distributions and not is_distribution:
            raise ValueError(
                "Some labels are distributions that sum to 1 and some are not. "
                f"Received {labels.ravel()[:5].tolist()} after distributions: map all "
                "labels to integers."
            )
        if are_distributions:
            added = labels.reshape(-1, labels.shape[-1]).sum(0, "float64")
        else:
            added = _bincount(labels)
        if num_classes is not None and len(added) > num_classes:
            raise ValueError(
                f"Labels must be in [0, {num_classes}) with num_classes={num_classes}. "
                f"Received {len(added) - 1}: raise `num_classes`, correct the labels, "
                "or pass a label to leave out as `ignore_class`."
            )
        counts = np.pad(counts, (0, max(0, len(added) - len(counts))))
        counts[: len(added)] += added
    if not counts.any():
        raise ValueError(
            "`data` must hold labels to count. Received not one label: check that "
            "it is not empty, nor an exhausted iterator."
        )
    whole = np.round(counts)
    is_whole = np.allclose(counts, whole, rtol=1e-9, atol=1e-6)
    return whole.astype("int64") if is_whole else counts


def _label_array(element: Any, ignore_class: int | None) -> np.ndarray:
    labels = keras.ops.convert_to_numpy(find_label(element))
    if ignore_class is not None:
        labels = labels[labels != ignore_class][:, None]
    if labels.size and labels.dtype.kind not in "biuf":
        raise ValueError(
            f"Labels must be numbers. Received {labels.ravel()[0]!r}: number the "
            "classes from 0 on."
        )
    return labels


def _bincount(labels: np.ndarray) -> np.ndarray:
    labels = labels.ravel()
    whole = labels.astype("int64")
    wrong = labels[(whole != labels) | (whole < 0)]
    if wrong.size:
        raise ValueError(
            f"Labels must be whole numbers of at least 0. Received "
            f"{wrong[:5].tolist()}: leave out examples without a class."
        )
    return np.bincount(whole)


def _are_distributions(labels: np.ndarray, inputs: list[Any]) -> bool:
    is_batch = labels.ndim == 1 and _is_batch(labels, inputs)
    if labels.ndim == 0 or labels.shape[-1] == 1 or is_batch:
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
