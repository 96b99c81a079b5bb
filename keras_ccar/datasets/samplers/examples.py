"""Draws from examples that can be read in any order: arrays and torch data sets."""

import sys
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from keras_ccar.datasets.elements import LabelOf, as_numpy, label_in
from keras_ccar.datasets.in_memory import InMemory, is_labels, label_part
from keras_ccar.datasets.label_values import read_labels
from keras_ccar.datasets.progress import progress_bar
from keras_ccar.datasets.samplers.groups import Groups, way_to_count
from keras_ccar.datasets.samplers.quotas import Quotas
from keras_ccar.requirements import require


class Examples:
    """Examples by number, and the group of each."""

    def __init__(self, dataset: Any, groups: Groups, label_of: LabelOf) -> None:
        self._dataset = dataset
        is_arrays = is_labels(dataset) or isinstance(dataset, Mapping | tuple)
        self._arrays = InMemory(dataset) if is_arrays else None
        if not is_arrays:
            _check_map_style(dataset)
        labels = self._read_labels(label_of)
        self._group_of = groups.of_labels(labels)
        self._counts = groups.count(self._group_of)
        found = self._counts
        if groups.is_multi_label:
            found = labels.reshape(len(labels), -1).sum(0, dtype="int64")
        groups.check_counts(found, way_to_count(groups, label_of))

    def group_counts(self) -> np.ndarray:
        """Returns the examples of each group."""
        return self._counts

    def draw(
        self, quotas: Quotas, counts: np.ndarray, seed: int, buffer_size: int
    ) -> Any:
        """Returns the drawn examples of all epochs, one epoch after the other."""
        indices = draw_indices(self._group_of, quotas, seed)
        if self._arrays is not None:
            return self._arrays.take(indices)
        torch_data = require("torch.utils.data", "torch", "torch", "This data set")
        return torch_data.Subset(self._dataset, indices.tolist())

    def _read_labels(self, label_of: LabelOf) -> np.ndarray:
        """Returns the labels of all examples, shape `(N, ...)`."""
        if self._arrays is not None and label_of is None:
            return _numbers(label_part(self._dataset))
        data = self._dataset if self._arrays is None else self._arrays
        indices = progress_bar(range(len(data)), "Reading labels", len(data))
        labels = [as_numpy(label_in(data[i], label_of)) for i in indices]
        shapes = sorted({label.shape for label in labels})
        if len(shapes) != 1:
            raise ValueError(
                "Labels must have the same shape in all examples, and there must be "
                f"some. Received shapes {shapes[:5]}: pass `label_of=`, a function "
                "that returns one label of the example."
            )
        return _numbers(np.stack(labels))


def draw_indices(group_of: np.ndarray, quotas: Quotas, seed: int) -> np.ndarray:
    """Draws examples by their numbers, by the law of the stream.

    Each group gets exactly its quota of an epoch, and its examples have equal chances:
    all are drawn equally often, but for a remainder that is drawn without replacement.

    Args:
        group_of: group of each example, shape `(N,)`.
        quotas: the draws.
        seed: determines the sequence.

    Returns:
        int64 array of shape `(epochs * examples_per_epoch,)`.
    """
    sizes = np.bincount(group_of, minlength=quotas.draws.shape[1])
    by_group = np.split(np.argsort(group_of, kind="stable"), np.cumsum(sizes)[:-1])
    epochs = []
    for epoch, draws in enumerate(quotas.draws):
        rng = np.random.default_rng([seed, epoch])
        drawn = []
        for members, number in zip(by_group, draws, strict=True):
            if number:
                whole, rest = divmod(int(number), quotas.passes * len(members))
                chosen = rng.permutation(quotas.passes * len(members))[:rest]
                drawn += [np.tile(members, whole * quotas.passes)]
                drawn += [members[chosen % len(members)]]
        epochs.append(rng.permutation(np.concatenate(drawn)))
    return np.concatenate(epochs)


def _numbers(labels: Any) -> np.ndarray:
    read = read_labels(labels)
    if read.is_ragged:
        raise ValueError(
            "Labels must be one number, or one-hot, for each example. Received ragged "
            "ones: pass `label_of=`, a function that returns one label of the example."
        )
    if read.numbering is not None:
        raise ValueError(
            f"Labels must be numbers. Received {read.values.ravel()[:3].tolist()}: "
            f"number the classes as `count_classes` does, `{read.numbering}`."
        )
    return read.values


def _check_map_style(dataset: Any) -> None:
    torch = sys.modules.get("torch")
    is_stream = isinstance(dataset, list | str | bytes | keras.utils.PyDataset) or (
        torch is not None and isinstance(dataset, torch.utils.data.IterableDataset)
    )
    has_length = hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")
    if is_stream or not has_length:
        raise ValueError(
            "`dataset` must be a `tf.data.Dataset`, a tuple or a dict of arrays of "
            "equal length such as `(x, y)`, or a torch data set that has a length. "
            f"Received: {type(dataset).__name__}. Of a `DataLoader` pass the "
            "`dataset`; of a list of examples pass the arrays. A `tf.data.Dataset` "
            "needs `pip install 'keras_ccar[datasets]'`."
        )
