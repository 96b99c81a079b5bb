import dataclasses

import keras
import numpy as np

from keras_ccar import datasets
from keras_ccar.benchmark.training.standardiser import Standardiser


def test_digits_are_standardised():
    data = datasets.load("digits-lt")
    images = keras.ops.convert_to_numpy(Standardiser.of(data)(data.train_arrays[0]))
    assert images.dtype == np.float32
    assert abs(images.mean()) < 0.02
    assert abs(images.std() - 1) < 0.02


def test_features_are_standardised_by_their_own_statistics():
    digits = datasets.load("digits-lt")
    features = np.array([[1.0, 5.0], [3.0, 5.0]], "float32")
    data = dataclasses.replace(digits, train_arrays=(features, np.array([0, 1])))
    found = keras.ops.convert_to_numpy(Standardiser.of(data)(features))
    # The second feature is constant.
    np.testing.assert_allclose(found, [[-1, 0], [1, 0]], atol=1e-6)
