"""Makes long-tailed data from arrays."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from keras_ccar.arguments import (
    argument_error,
    check_choice,
    check_text,
    check_whole_number,
    optional,
)
from keras_ccar.datasets import long_tailed_subset as subset
from keras_ccar.datasets.digests import digest_of_hashes, image_hashes
from keras_ccar.datasets.loaders.duplicates import warn_of_duplicates
from keras_ccar.datasets.long_tailed_data import Arrays, LongTailedData
from keras_ccar.inputs.checks import integer_labels
from keras_ccar.inputs.class_names import check_class_names


def from_arrays(
    train: Any,
    test: Any = None,
    imbalance_factor: float | None = None,
    seed: int = 0,
    class_names: Iterable[str] | None = None,
    name: str = "own data",
    test_per_class: int | None = None,
    head_count: int | None = None,
    profile: str = "exponential",
    selection: str = "hash",
) -> LongTailedData:
    """Makes long-tailed data from images in memory.

    Test images that are training images too, by their content, are reported by a
    warning.

    Args:
        train: pair `(images, labels)` of arrays `(N, ...)` and `(N,)`.
        test: pair of the same kind, or None.
        imbalance_factor: draws a long-tailed training set, as `long_tailed_indices`
            does. None uses all training examples.
        seed: chooses the training examples.
        class_names: names of the classes. Defaults to their numbers.
        name: name of the data, for results.
        test_per_class: takes this many examples of each class from `train` for a
            balanced test set, the same for every `seed`. Only without `test`.
        head_count: examples of class 0, as for `long_tailed_indices`.
        profile: as for `long_tailed_counts`.
        selection: as for `long_tailed_indices`.

    Returns:
        A `LongTailedData` with `train_arrays`, and with `test_arrays` if there is a
        test set.

    Raises:
        ValueError: if images and labels do not match, if the test images are of another
            shape or another kind of number, if a test label is no class of the training
            set, or as `long_tailed_indices`.

    Example:
    ```python
    import numpy as np
    from keras_ccar import datasets

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (90, 4, 4, 1), dtype="uint8")
    labels = np.arange(90) % 3
    data = datasets.from_arrays(
        (images, labels), imbalance_factor=10, test_per_class=10
    )
    assert data.class_counts.tolist() == [20, 6, 2]
    assert np.bincount(data.test_arrays[1]).tolist() == [10, 10, 10]
    ```
    """
    arranged = arrange(
        train,
        test,
        imbalance_factor,
        seed,
        class_names,
        name,
        test_per_class,
        head_count,
        profile,
        selection,
    )
    of_train, of_test = "image {} of `train`".format, "image {} of `test`".format
    arranged.warn_of_duplicates(of_train, of_train if test is None else of_test)
    return arranged.data


class Arranged(NamedTuple):
    """Data, and where its images come from.

    Attributes:
        data: the training set and the test set.
        hashes: the hash of each training image.
        train_positions: which of the images that were passed are the training set.
        test_positions: the same for the test set; None if there is none.
    """

    data: LongTailedData
    hashes: np.ndarray
    train_positions: np.ndarray
    test_positions: np.ndarray | None

    def warn_of_duplicates(
        self, train_name: Callable[[int], Any], test_name: Callable[[int], Any]
    ) -> None:
        """Warns of test images in the training set, named by their positions."""
        test = self.data.test_arrays
        if test is not None and self.test_positions is not None:
            train_positions, test_positions = self.train_positions, self.test_positions
            warn_of_duplicates(
                self.hashes,
                image_hashes(test[0]),
                lambda i: train_name(train_positions[i]),
                lambda i: test_name(test_positions[i]),
            )


def arrange(
    train: Any,
    test: Any = None,
    imbalance_factor: float | None = None,
    seed: int = 0,
    class_names: Iterable[str] | None = None,
    name: str = "own data",
    test_per_class: int | None = None,
    head_count: int | None = None,
    profile: str = "exponential",
    selection: str = "hash",
) -> Arranged:
    """Does what `from_arrays` does, without a warning of duplicates."""
    if imbalance_factor is not None:
        imbalance_factor = subset.check_imbalance_factor(imbalance_factor)
    seed = check_whole_number("seed", seed, 0)
    check_text("name", name)
    optional(check_whole_number, "head_count", head_count, 1)
    check_choice("profile", profile, subset.PROFILES)
    check_choice("selection", selection, subset.SELECTIONS)
    images, labels = _check_pair("train", train)
    positions = np.arange(len(images))
    test_positions = None
    if test is not None:
        if test_per_class is not None:
            raise ValueError(
                "Pass either `test` or `test_per_class`. Received both: the latter "
                "takes the test set from `train`."
            )
        test = _check_pair("test", test)
        _check_alike(images, test[0])
        test_positions = np.arange(len(test[0]))
    elif test_per_class is not None:
        test_positions = _test_indices(images, labels, test_per_class)
        test = images[test_positions], labels[test_positions]
        positions = np.delete(positions, test_positions)
        images, labels = images[positions], labels[positions]
    if imbalance_factor is not None:
        chosen = subset.long_tailed_indices(
            images, labels, imbalance_factor, seed, head_count, profile, selection
        )
        images, labels, positions = images[chosen], labels[chosen], positions[chosen]
    num_classes = labels.max() + 1
    names = tuple(map(str, range(num_classes)))
    if class_names is not None:
        names = tuple(check_class_names(class_names))
    if len(names) < num_classes:
        raise ValueError(
            f"`class_names` must name every class. Received {len(names)} names for "
            f"labels up to {num_classes - 1}."
        )
    if test is not None:
        check_test_labels(test[1], len(names))
    class_counts = np.bincount(labels, minlength=len(names))
    imbalance_factor = imbalance_factor or measured_imbalance_factor(class_counts)
    hashes = image_hashes(images)
    data = LongTailedData(
        name=name,
        class_counts=class_counts,
        class_names=names,
        imbalance_factor=imbalance_factor,
        seed=seed,
        digest=digest_of_hashes(hashes, labels),
        train_arrays=(images, labels),
        test_arrays=test,
    )
    return Arranged(data, hashes, positions, test_positions)


def measured_imbalance_factor(class_counts: np.ndarray) -> float:
    """Returns the largest class count divided by the smallest that is not 0."""
    return float(class_counts.max() / class_counts[class_counts > 0].min())


def check_test_labels(labels: np.ndarray, num_classes: int) -> None:
    """Raises a `ValueError` if a test label is not a class of the training set."""
    if labels.max() >= num_classes:
        raise ValueError(
            f"The labels of the test set must be classes of the training set, 0 to "
            f"{num_classes - 1}. Received {labels.max()}: leave these examples out, or "
            "name every class in `class_names`."
        )


def _check_pair(name: str, pair: Any) -> Arrays:
    try:
        images, labels = pair
        images = np.asarray(images)
        count = len(images)
    except (RuntimeError, TypeError, ValueError) as error:
        expected = "a pair of arrays, `(images, labels)`"
        raise argument_error(name, pair, expected) from error
    if not count:
        raise ValueError(f"`{name}` must hold at least one image. Received none.")
    try:
        return images, integer_labels(labels, count)
    except ValueError as error:
        raise ValueError(
            f"`{name}` must hold a label of each image. {error}"
        ) from error


def _check_alike(train: np.ndarray, test: np.ndarray) -> None:
    if train.shape[1:] != test.shape[1:]:
        raise ValueError(
            "The images of `test` must have the shape of those of `train`, "
            f"{train.shape[1:]}. Received {test.shape[1:]}: resize one of the two."
        )
    if (train.dtype.kind == "f") != (test.dtype.kind == "f"):
        raise ValueError(
            f"The pixels of `test` must be of the kind of those of `train`, "
            f"{train.dtype}. Received {test.dtype}: convert and scale one of the two."
        )


def _test_indices(images: np.ndarray, labels: np.ndarray, per_class: int) -> np.ndarray:
    check_whole_number("test_per_class", per_class, low=1)
    available = np.bincount(labels)
    wanted = np.full(len(available), per_class)
    subset.check_available(wanted + 1, available)
    # A seed that is not a number never gives the order of a training set.
    return subset.select_per_class(image_hashes(images, seed="test"), labels, wanted)
