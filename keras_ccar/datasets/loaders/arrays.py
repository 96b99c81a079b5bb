"""Makes long-tailed data from arrays."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from keras_ccar.arguments import (
    argument_error,
    check_choice,
    check_text,
    check_whole_number,
    optional,
)
from keras_ccar.datasets import long_tailed_subset as subset
from keras_ccar.datasets.digests import image_hashes, subset_digest
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
        ValueError: if images and labels do not match, or as `long_tailed_indices`.

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
    if imbalance_factor is not None:
        imbalance_factor = subset.check_imbalance_factor(imbalance_factor)
    seed = check_whole_number("seed", seed, 0)
    check_text("name", name)
    optional(check_whole_number, "head_count", head_count, 1)
    check_choice("profile", profile, subset.PROFILES)
    check_choice("selection", selection, subset.SELECTIONS)
    images, labels = _check_pair("train", train)
    if test is not None:
        if test_per_class is not None:
            raise ValueError(
                "Pass either `test` or `test_per_class`. Received both: the latter "
                "takes the test set from `train`."
            )
        test = _check_pair("test", test)
    elif test_per_class is not None:
        held_out = _test_indices(images, labels, test_per_class)
        test = images[held_out], labels[held_out]
        images, labels = np.delete(images, held_out, 0), np.delete(labels, held_out)
    if imbalance_factor is not None:
        chosen = subset.long_tailed_indices(
            images, labels, imbalance_factor, seed, head_count, profile, selection
        )
        images, labels = images[chosen], labels[chosen]
    num_classes = labels.max() + 1
    names = tuple(map(str, range(num_classes)))
    if class_names is not None:
        names = tuple(check_class_names(class_names))
    if len(names) < num_classes:
        raise ValueError(
            f"`class_names` must name every class. Received {len(names)} names for "
            f"labels up to {num_classes - 1}."
        )
    class_counts = np.bincount(labels, minlength=len(names))
    imbalance_factor = imbalance_factor or measured_imbalance_factor(class_counts)
    return LongTailedData(
        name=name,
        class_counts=class_counts,
        class_names=names,
        imbalance_factor=imbalance_factor,
        seed=seed,
        digest=subset_digest(images, labels),
        train_arrays=(images, labels),
        test_arrays=test,
    )


def measured_imbalance_factor(class_counts: np.ndarray) -> float:
    """Returns the largest class count divided by the smallest that is not 0."""
    return float(class_counts.max() / class_counts[class_counts > 0].min())


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


def _test_indices(images: np.ndarray, labels: np.ndarray, per_class: int) -> np.ndarray:
    check_whole_number("test_per_class", per_class, low=1)
    available = np.bincount(labels)
    wanted = np.full(len(available), per_class)
    subset.check_available(wanted + 1, available)
    # A seed that is not a number never gives the order of a training set.
    return subset.select_per_class(image_hashes(images, seed="test"), labels, wanted)
