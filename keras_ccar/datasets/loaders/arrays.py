"""Long-tailed data out of your own."""

import numpy as np

from keras_ccar.datasets.digests import image_hashes, subset_digest
from keras_ccar.datasets.long_tailed_data import LongTailedData
from keras_ccar.datasets.protocol import (
    SELECTIONS,
    check_available,
    check_imbalance_factor,
    long_tailed_indices,
    select_per_class,
)
from keras_ccar.inputs.checks import check_choice, check_whole_number, integer_labels


def from_arrays(
    train,
    test=None,
    imbalance_factor=None,
    seed=0,
    class_names=None,
    name="own data",
    test_per_class=None,
    head_count=None,
    profile="exponential",
    selection="hash",
):
    """Makes long-tailed data of images in memory.

    Args:
        train: pair `(images, labels)` of arrays `(N, ...)` and `(N,)`.
        test: pair of the same kind, or None.
        imbalance_factor: draws a long-tailed training set, as
            `long_tailed_indices` does. None takes all of it as it is.
        seed: chooses the training examples.
        class_names: names of the classes. Defaults to their numbers.
        name: name of the data, for results.
        test_per_class: takes this many examples of each class out of `train` for a
            balanced test set, the same for every `seed`. Only without `test`.
        head_count: examples of class 0, as for `long_tailed_indices`.
        profile: as for `long_tailed_counts`.
        selection: as for `long_tailed_indices`.

    Returns:
        A `LongTailedData` with `train_arrays`, and `test_arrays` if there is a test
        set.

    Raises:
        ValueError: if images and labels do not fit each other, or as
            `long_tailed_indices`.

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
    images, labels = _checked("train", train)
    if test is not None:
        if test_per_class is not None:
            raise ValueError(
                "Pass either `test` or `test_per_class`, not both: the latter takes "
                "the test set out of `train`."
            )
        test = _checked("test", test)
    elif test_per_class is not None:
        held_out = _test_indices(images, labels, test_per_class)
        test = images[held_out], labels[held_out]
        kept = np.delete(np.arange(len(labels)), held_out)
        images, labels = images[kept], labels[kept]
    check_choice("selection", selection, SELECTIONS)
    if imbalance_factor is not None:
        check_imbalance_factor(imbalance_factor)
        chosen = long_tailed_indices(
            images, labels, imbalance_factor, seed, head_count, profile, selection
        )
        images, labels = images[chosen], labels[chosen]
    class_counts = np.bincount(labels)
    if class_names is None:
        class_names = map(str, range(len(class_counts)))
    class_names = tuple(class_names)
    if len(class_names) < len(class_counts):
        raise ValueError(
            f"`class_names` must name every class: the labels go up to "
            f"{len(class_counts) - 1}, but {len(class_names)} names are given."
        )
    class_counts = np.bincount(labels, minlength=len(class_names))
    if imbalance_factor is None:
        imbalance_factor = measured_imbalance_factor(class_counts)
    return LongTailedData(
        name=name,
        class_counts=class_counts,
        class_names=class_names,
        imbalance_factor=float(imbalance_factor),
        seed=seed,
        digest=subset_digest(images, labels),
        train_arrays=(images, labels),
        test_arrays=test,
    )


def validation_examples_per_class(labels):
    """Returns how many examples of each class to choose settings by: a fifth."""
    return int(np.bincount(labels).min()) // 5


def measured_imbalance_factor(class_counts):
    """Returns the most over the least frequent of the classes that have examples."""
    return float(class_counts.max() / class_counts[class_counts > 0].min())


def _checked(name, pair):
    try:
        images, labels = pair
    except (TypeError, ValueError):
        raise ValueError(
            f"`{name}` must be a pair of arrays, `(images, labels)`."
        ) from None
    images = np.asarray(images)
    if not len(images):
        raise ValueError(f"`{name}` must hold at least one image, but holds none.")
    return images, integer_labels(labels, len(images))


def _test_indices(images, labels, per_class):
    check_whole_number("test_per_class", per_class, low=1)
    available = np.bincount(labels)
    wanted = np.full(len(available), per_class)
    check_available(wanted + 1, available)
    # Not a number, so that no seed of a training set chooses in the same order.
    return select_per_class(image_hashes(images, seed="test"), labels, wanted)
