import keras
import numpy as np

from keras_ccar import datasets
from keras_ccar.benchmark.training.standardiser import Standardiser


def test_digits_are_standardised():
    data = datasets.load("digits-lt")
    images = keras.ops.convert_to_numpy(Standardiser("digits-lt")(data.train_arrays[0]))
    assert images.dtype == np.float32
    assert abs(images.mean()) < 0.02
    assert abs(images.std() - 1) < 0.02
