"""Long-tailed handwritten digits that come with scikit-learn."""

import numpy as np

from keras_ccar.datasets.loaders.arrays import (
    from_arrays,
    validation_examples_per_class,
)
from keras_ccar.requirements import require

_TEST_PER_CLASS = 50


def load_digits_lt(
    imbalance_factor=None, seed=0, data_dir=None, selection="hash", validation=False
):
    """Loads the 1,797 real 8x8 digits (Alpaydin & Kaynak, UCI) as long-tailed data.

    They come with scikit-learn, so `data_dir` is not looked at. 50 images of each
    class are the test set, the same for every seed; the training set is drawn from
    the others, 124 of class 0. Images are uint8 `(8, 8, 1)`, stretched from 0..16 to
    0..255. The imbalance factor defaults to 40, which leaves three images of the
    last class. `validation` takes a fifth of each class of the others in place of the
    test set.
    """
    del data_dir
    digits = require("sklearn.datasets", "scikit-learn").load_digits()
    images = np.round(digits.images * (255 / 16)).astype("uint8")[..., None]
    pool, test_per_class = (images, digits.target), _TEST_PER_CLASS
    if validation:
        pool = from_arrays(pool, test_per_class=_TEST_PER_CLASS).train_arrays
        test_per_class = validation_examples_per_class(pool[1])
    return from_arrays(
        pool,
        imbalance_factor=40.0 if imbalance_factor is None else imbalance_factor,
        seed=seed,
        name="digits-lt",
        test_per_class=test_per_class,
        selection=selection,
    )
