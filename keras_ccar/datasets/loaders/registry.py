"""The data sets by name."""

import os
from collections.abc import Callable
from functools import partial

from keras_ccar.datasets.loaders.cifar import load_cifar_lt
from keras_ccar.datasets.loaders.digits import load_digits_lt
from keras_ccar.datasets.loaders.natural_images import load_natural_images
from keras_ccar.datasets.long_tailed_data import LongTailedData
from keras_ccar.datasets.protocol import SELECTIONS, check_imbalance_factor
from keras_ccar.inputs.checks import check_choice

_LOADERS: dict[str, Callable] = {
    "digits-lt": load_digits_lt,
    "cifar10-lt": partial(load_cifar_lt, 10),
    "cifar100-lt": partial(load_cifar_lt, 100),
    "imagenet-lt": partial(
        load_natural_images,
        "imagenet-lt",
        "imagenet_lt",
        splits=("train", "test"),
        validation_splits=("train", "validation"),
    ),
    # The labels of its test split were never published.
    "inaturalist2018": partial(
        load_natural_images,
        "inaturalist2018",
        "i_naturalist2018",
        splits=("train", "validation"),
        validation_splits=("train[:80%]", "train[80%:]"),
    ),
}
NAMES = tuple(_LOADERS)
"""The names that `load` knows."""


def load(
    name: str,
    imbalance_factor: float | None = None,
    seed: int = 0,
    data_dir: str | os.PathLike | None = None,
    selection: str = "hash",
    validation: bool = False,
) -> LongTailedData:
    """Loads a long-tailed data set by name.

    - "digits-lt": the 8x8 digits of scikit-learn, imbalance factor 40.
    - "cifar10-lt", "cifar100-lt": imbalance factor 100 (Cui et al. 2019, arXiv
      1901.05555; Cao et al. 2019, arXiv 1906.07413).
    - "imagenet-lt": 115,846 images of 1,000 classes (Liu et al. 2019, arXiv
      1904.05160), streamed; the test set is ImageNet's validation set.
    - "inaturalist2018": 437,513 images of 8,142 species (Van Horn et al. 2018, arXiv
      1707.06642), streamed; the test set is its validation set.

    Digits are there with scikit-learn; the others are read from what
    tensorflow-datasets has prepared on disk. Nothing is downloaded.

    Args:
        name: one of the names above.
        imbalance_factor: most frequent over least frequent class, at least 1.
            Defaults to the one above; the last two have one of their own.
        seed: chooses the training examples.
        data_dir: folder of the data that tensorflow-datasets has prepared. Defaults
            to the environment variable TFDS_DATA_DIR, or to its own choice.
        selection: how the training examples are chosen, "hash" or "cao", as for
            `long_tailed_indices`.
        validation: whether to leave the test set alone, for settings to be chosen by:
            `test_arrays` or the test stream then hold out a fifth of the images that
            the training set is drawn from, of each class where it is drawn, and the
            training set is drawn from the others. ImageNet-LT has validation images
            of its own.

    Returns:
        A `LongTailedData`.

    Raises:
        ValueError: if the name is unknown or an argument is out of range.
        FileNotFoundError: if nothing is prepared; says what to do.
        ModuleNotFoundError: if a library is missing; says which.

    Example:
    ```python
    from keras_ccar import datasets

    data = datasets.load("digits-lt")
    images, labels = data.train_arrays
    assert (images.dtype, images.shape[1:]) == ("uint8", (8, 8, 1))
    assert data.class_counts.tolist() == [124, 82, 54, 36, 24, 15, 10, 7, 4, 3]
    ```
    """
    check_choice("name", name, NAMES)
    check_choice("selection", selection, SELECTIONS)
    if imbalance_factor is not None:
        check_imbalance_factor(imbalance_factor)
    return _LOADERS[name](imbalance_factor, seed, data_dir, selection, validation)
