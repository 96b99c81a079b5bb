"""The data set that every loader returns."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from keras_ccar.arguments import (
    argument_error,
    check_function,
    check_number,
    check_text,
    check_whole_number,
    optional,
)
from keras_ccar.datasets.images.decoding import decode
from keras_ccar.frequencies import class_counts_array, describe_shot_groups
from keras_ccar.inputs.class_names import check_class_names

Arrays = tuple[np.ndarray, np.ndarray]
"""Images and labels."""


@dataclass(frozen=True, eq=False)
class LongTailedData:
    """A long-tailed training set and its test set.

    Attributes:
        name: name of the data set.
        class_counts: int64 array of shape `(K,)`, training examples of each class.
        class_names: `K` names.
        imbalance_factor: largest class count divided by the smallest.
        seed: the seed that chose the training examples.
        digest: 64 hexadecimal digits that identify the training set: the same for the
            same examples, whatever their source and order.
        train_arrays: the training images `(N, height, width, channels)`, uint8 in
            [0, 255] in the named data sets, and int64 labels `(N,)`; for tables, the
            features `(N, columns)`, float32; None if the data is streamed from disk.
        test_arrays: the same for the test set; None if it is streamed or missing.
        encoded_train: for data that is streamed, a function that returns the training
            set as a `tf.data.Dataset` of single `((file contents, name), label)`.
        encoded_test: the same for the test set; None if it is missing.

    Raises:
        ValueError: for attributes other than these.

    Example:
    ```python
    from keras_ccar import datasets

    data = datasets.load("digits-lt", imbalance_factor=20)
    images, labels = data.train_arrays
    assert images.shape == (data.class_counts.sum(), 8, 8, 1)
    assert data.class_counts.tolist()[:3] == [124, 88, 63]
    print(data.describe())
    ```
    """

    name: str
    class_counts: np.ndarray
    class_names: tuple[str, ...]
    imbalance_factor: float
    seed: int
    digest: str
    train_arrays: Arrays | None = None
    test_arrays: Arrays | None = None
    encoded_train: Callable[[], Any] | None = field(default=None, repr=False)
    encoded_test: Callable[[], Any] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        check_text("name", self.name)
        if not isinstance(self.class_counts, np.ndarray):
            raise argument_error("class_counts", self.class_counts, "a numpy array")
        counts = class_counts_array(self.class_counts, minimum=1)
        names = check_class_names(self.class_names)
        if len(names) != len(counts):
            raise ValueError(
                f"`class_names` must name each of the {len(counts)} classes. Received "
                f"{len(names)} names."
            )
        check_number("imbalance_factor", self.imbalance_factor, 1)
        check_whole_number("seed", self.seed, 0)
        check_text("digest", self.digest)
        for name in ("train_arrays", "test_arrays"):
            arrays = getattr(self, name)
            if arrays is not None and not _are_arrays(arrays):
                raise argument_error(name, arrays, "images and labels, or None")
        for name in ("encoded_train", "encoded_test"):
            optional(check_function, name, getattr(self, name), "a function `()`")

    @property
    def num_classes(self) -> int:
        """`K`, the number of classes."""
        return len(self.class_counts)

    @property
    def train(self) -> Any:
        """The training set as a `tf.data.Dataset` of single uint8 `(image, label)`."""
        return _as_dataset(self.train_arrays or self.encoded_train)

    @property
    def test(self) -> Any:
        """The test set as a `tf.data.Dataset` of `(image, label)`, or None."""
        return _as_dataset(self.test_arrays or self.encoded_test)

    def describe(self) -> str:
        """Returns a description of the data in one paragraph."""
        counts = self.class_counts
        is_table = self.train_arrays is not None and self.train_arrays[0].ndim == 2
        kind = "rows" if is_table else "images"
        test = f" {len(self.test_arrays[1]):,} test {kind}." if self.test_arrays else ""
        return (
            f"{self.name}: {counts.sum():,} training {kind} of {self.num_classes:,} "
            f"classes, {counts.max():,} to {counts.min():,} a class (imbalance factor "
            f"{self.imbalance_factor:g}, seed {self.seed}; "
            f"{describe_shot_groups(counts)} classes).{test} Digest {self.digest[:16]}."
        )


def _are_arrays(arrays: Any) -> bool:
    is_pair = isinstance(arrays, list | tuple) and len(arrays) == 2
    return is_pair and all(isinstance(part, np.ndarray) for part in arrays)


def _as_dataset(source: Arrays | Callable[[], Any] | None) -> Any:
    if source is None:
        return None
    import tensorflow as tf

    if not callable(source):
        return tf.data.Dataset.from_tensor_slices(source)
    return source().map(
        lambda encoded, label: (decode(*encoded), label),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
