"""Counts the training examples of each class, wherever they are."""

import keras
import numpy as np

from keras_ccar.datasets.elements import find_inputs, find_label
from keras_ccar.datasets.loaders.prepared import label_batches, split_size
from keras_ccar.datasets.long_tailed_data import LongTailedData
from keras_ccar.datasets.progress import progress_bar
from keras_ccar.inputs.checks import check_whole_number

# Unbatched streams are read in batches of this many labels.
_BATCH = 1024


def count_classes(
    data, num_classes=None, split="train", label_key="label", ignore_class=None
):
    """Counts the training examples of each class, for `class_counts` of a loss.

    `data` may be

    - labels: an array, a tensor or a list, integer `(N,)` or `(N, 1)`, of any higher
      rank (segmentation), or distributions `(N, K)`;
    - a pair `(x, y)` of arrays, of which `y` is counted;
    - a `tf.data.Dataset`, a `keras.utils.PyDataset`, a torch `DataLoader` or any
      other finite iterable of labels, `(x, y)`, `(x, y, weight)` or dicts with a
      label, batched or not;
    - a builder of tensorflow-datasets, of which `split` is counted without decoding
      an image. A `tf.data.Dataset` made of it decodes each image first: pass the
      builder where there is one;
    - a `LongTailedData`.

    Labels are counted as they come, in one pass that keeps no images; on a terminal a
    progress bar follows it. Rows that are at least 0 and sum to one are
    distributions, and each class gets its share of them. A vector is a batch of
    integer labels if what stands beside it in its element is as long, else a
    distribution.

    Args:
        data: see above.
        num_classes: `K`. Defaults to the largest label plus one.
        split: name of the split, for a builder.
        label_key: name of the label, for a builder.
        ignore_class: an integer label that is not counted, such as 255 in maps of
            pixels. Labels are then never taken for distributions.

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
    if hasattr(data, "as_dataset"):
        elements, total = _labels_of_builder(data, split, label_key)
    elif hasattr(data, "element_spec"):
        elements, total = _labels_of_dataset(data)
    elif isinstance(data, keras.utils.PyDataset):
        elements, total = _batches_of(data)
    elif _is_array(data):
        elements, total = [_as_labels(data)], None
    elif isinstance(data, tuple) and len(data) in (2, 3) and _is_array(data[1]):
        elements, total = [_as_labels(data[1])], None
    elif isinstance(data, list | tuple) and all(map(np.isscalar, data)):
        elements, total = [_as_labels(np.asarray(data))], None
    else:
        elements, total = data, _length_of(data)

    tally = _Tally(num_classes, ignore_class)
    in_memory = isinstance(elements, list)
    for element in elements if in_memory else progress_bar(elements, "Counting", total):
        tally.add(element)
    return tally.counts()


class _Tally:
    def __init__(self, num_classes, ignore_class):
        self._num_classes = num_classes
        self._ignore_class = ignore_class
        self._counts = np.zeros(num_classes or 0)
        self._are_distributions = None

    def add(self, element):
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
        # A batch of two-class labels may sum to one by chance; a row of
        # probabilities never turns into something else.
        if self._are_distributions and not is_distribution:
            raise ValueError(
                "Some labels are distributions that sum to one and some are not: "
                f"received {labels.ravel()[:5].tolist()} after distributions. Map all "
                "labels to integers."
            )
        if self._are_distributions:
            self._add_counts(labels.reshape(-1, labels.shape[-1]).sum(0, "float64"))
        else:
            self._add_counts(_bincount(labels))

    def counts(self):
        if not self._counts.any():
            raise ValueError(
                "There was not one label to count: check that the data is not empty, "
                "and an iterator not used up."
            )
        whole = np.round(self._counts)
        if np.allclose(self._counts, whole, rtol=1e-9, atol=1e-6):
            return whole.astype("int64")
        return self._counts

    def _add_counts(self, counts):
        expected = self._num_classes
        if expected is not None and len(counts) > expected:
            raise ValueError(
                f"Labels must be in [0, {expected}) with num_classes={expected}. "
                f"Received {len(counts) - 1}: raise `num_classes`, correct the "
                "labels, or give a label to leave out as `ignore_class`."
            )
        missing = len(counts) - len(self._counts)
        if missing > 0:
            self._counts = np.pad(self._counts, (0, missing))
        self._counts[: len(counts)] += counts


def _bincount(labels):
    labels = labels.ravel()
    whole = labels.astype("int64")
    if (whole != labels).any() or whole.min() < 0:
        wrong = labels[(whole != labels) | (whole < 0)]
        raise ValueError(
            f"Labels must be whole numbers of at least 0. Received "
            f"{wrong[:5].tolist()}: leave out examples that have no class."
        )
    return np.bincount(whole)


def _are_distributions(labels, beside):
    if labels.ndim == 0 or labels.shape[-1] == 1:
        return False
    if labels.ndim == 1 and _is_batch(labels, beside):
        return False
    rows = labels.sum(-1, dtype="float64")
    return bool((labels >= 0).all() and np.allclose(rows, 1, atol=1e-3))


def _is_batch(labels, beside):
    """Whether a vector is a batch of labels and not the distribution of one example.

    A batch is as long as what stands beside it. With nothing there, integers are a
    batch.
    """
    lengths = [tuple(part.shape)[:1] for part in beside if _is_array(part)]
    if lengths:
        return tuple(labels.shape) in lengths
    return "float" not in str(labels.dtype)


def _as_labels(array):
    """Marks a vector that is given alone as labels, not as one distribution."""
    return array[:, None] if len(array.shape) == 1 else array


def _is_array(data):
    return hasattr(data, "shape") and hasattr(data, "dtype")


def _length_of(data):
    try:
        return len(data)
    except TypeError:
        return None


def _labels_of_builder(builder, split, label_key):
    batches = label_batches(builder, split, label_key, _BATCH).as_numpy_iterator()
    size = split_size(builder, split)
    return map(_as_labels, batches), None if size is None else -(-size // _BATCH)


def _labels_of_dataset(dataset):
    """Returns batches of a `tf.data.Dataset` and their number, if it is known."""
    import tensorflow as tf

    size = int(dataset.cardinality())
    if size == tf.data.INFINITE_CARDINALITY:
        raise ValueError(
            "The `tf.data.Dataset` is infinite: count it before `repeat()`, or `take` "
            "an epoch of it."
        )
    label = find_label(dataset.element_spec)
    beside = find_inputs(dataset.element_spec)
    dataset = dataset.map(
        lambda *parts: find_label(parts if len(parts) > 1 else parts[0])
    )
    if label.shape.rank == 1 and _is_batch(label, beside):
        dataset = dataset.map(lambda labels: labels[:, None])
    elif label.shape.rank in (0, 1):
        # Element by element, Python would be slower than the reading.
        dataset = dataset.batch(_BATCH)
        size = -(-size // _BATCH) if size > 0 else size
        if label.shape.rank == 0:
            dataset = dataset.map(lambda labels: labels[:, None])
    return dataset.as_numpy_iterator(), size if size > 0 else None


def _batches_of(dataset):
    if dataset.num_batches is None:
        raise ValueError(
            "The `PyDataset` is infinite: count the labels that it is made of instead."
        )
    size = dataset.num_batches
    return (dataset[i] for i in range(size)), size
