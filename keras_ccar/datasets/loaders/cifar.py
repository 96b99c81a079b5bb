"""CIFAR-10-LT and CIFAR-100-LT."""

import re

import numpy as np

from keras_ccar.datasets.loaders.arrays import (
    from_arrays,
    validation_examples_per_class,
)
from keras_ccar.datasets.loaders.prepared import (
    read_split,
    split_size,
    tfds_builder,
)
from keras_ccar.datasets.progress import progress_bar

_BATCH = 1000


def load_cifar_lt(
    num_classes,
    imbalance_factor=None,
    seed=0,
    data_dir=None,
    selection="hash",
    validation=False,
):
    """Loads CIFAR-10 or CIFAR-100 (Krizhevsky 2009) as long-tailed data.

    The test set is whole and balanced; `validation` puts a fifth of each class's
    training images in its place. `selection="cao"` draws the images of the
    LDAM-DRW code (Cao et al. 2019), which takes them by their place in the original
    files; the prepared copy must carry that place.
    """
    builder = tfds_builder(f"cifar{num_classes}", data_dir)
    images, labels, ids = _read(builder, "train")
    if selection == "cao":
        order = _original_order(ids, builder)
        images, labels = images[order], labels[order]
    test, test_per_class = None, validation_examples_per_class(labels)
    if not validation:
        test, test_per_class = _read(builder, "test")[:2], None
    return from_arrays(
        (images, labels),
        test,
        test_per_class=test_per_class,
        imbalance_factor=100.0 if imbalance_factor is None else imbalance_factor,
        seed=seed,
        class_names=builder.info.features["label"].names,
        name=f"cifar{num_classes}-lt",
        selection=selection,
    )


def _read(builder, split):
    features = ["image", "label", "id"]
    batches = read_split(builder, split, features).batch(_BATCH).as_numpy_iterator()
    size = split_size(builder, split)
    total = None if size is None else -(-size // _BATCH)
    columns = zip(
        *(
            [batch[feature] for feature in features]
            for batch in progress_bar(batches, f"Reading {builder.name}", total)
        ),
        strict=True,
    )
    return [np.concatenate(column) for column in columns]


def _original_order(ids, builder):
    """Returns the positions in the order of the original files."""
    matches = [re.fullmatch(rb"train_(\d+)", name) for name in ids]
    found = [int(match[1]) for match in matches if match]
    if len(found) == len(ids):
        places = np.array(found)
        order = np.argsort(places)
        if np.array_equal(places[order], np.arange(len(ids))):
            return order
    raise ValueError(
        f'`selection="cao"` needs the order of the original files, which the copy in '
        f"{builder.data_path} does not carry (an id in it is {ids[0].decode()!r}, not "
        f"'train_00000'): prepare it with `tfds build {builder.name}`, or pass "
        '`selection="hash"`.'
    )
