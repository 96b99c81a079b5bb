import numpy as np
import pytest

from keras_ccar.datasets import subset_digest


@pytest.mark.parametrize("other", ["pixel", "label", "dtype", "shape", "missing"])
def test_digest_tells_sets_apart(other):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (60, 3, 3, 1), dtype="uint8")
    labels = rng.permutation(np.repeat(np.arange(3), 20))
    digest = subset_digest(images, labels)
    if other == "pixel":
        images[7, 1, 1] ^= 1
    elif other == "label":
        labels[7] = (labels[7] + 1) % 3
    elif other == "dtype":
        images = images.astype("float32")
    elif other == "shape":
        images = images.reshape(-1, 9, 1, 1)
    else:
        images, labels = images[1:], labels[1:]
    assert subset_digest(images, labels) != digest
