import numpy as np

from keras_ccar import datasets


def test_description_says_what_matters():
    data = datasets.load("digits-lt")
    for part in ("digits-lt", "359", "124 to 3", "factor 40", "500", data.digest[:16]):
        assert part in data.describe()


def test_streams_are_the_arrays():
    data = datasets.load("digits-lt")
    for stream, (images, labels) in (
        (data.train, data.train_arrays),
        (data.test, data.test_arrays),
    ):
        batch_images, batch_labels = next(stream.batch(1000).as_numpy_iterator())
        np.testing.assert_array_equal(batch_images, images)
        np.testing.assert_array_equal(batch_labels, labels)
