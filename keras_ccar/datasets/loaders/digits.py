"""Handwritten digits that come with scikit-learn."""

from typing import Any

import numpy as np

from keras_ccar.datasets.loaders.arrays import from_arrays
from keras_ccar.requirements import require

_TEST_PER_CLASS = 50


def digits_arguments(data_dir: Any, selection: str, validation: bool) -> dict[str, Any]:
    """Returns the 1,797 real 8x8 digits (Alpaydin & Kaynak, UCI) for `from_arrays`.

    Images are uint8 `(8, 8, 1)`, scaled from 0..16 to 0..255. 50 images of each class
    are the test set, the same for every seed; `validation` leaves them out. `data_dir`
    and `selection` make no difference.
    """
    digits = require("sklearn.datasets", "scikit-learn", "datasets").load_digits()
    images = np.round(digits.images * (255 / 16)).astype("uint8")[..., None]
    train = images, digits.target
    if validation:
        pool = from_arrays(train, test_per_class=_TEST_PER_CLASS).train_arrays
        return {"train": pool}
    return {"train": train, "test_per_class": _TEST_PER_CLASS}
