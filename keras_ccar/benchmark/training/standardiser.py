"""Scales pixels, or features, to a mean of 0 and a standard deviation of 1."""

from typing import Any, Self

import keras
import numpy as np

from keras_ccar.datasets import LongTailedData

# Mean and standard deviation of each channel over the whole, balanced training set, for
# pixels in [0, 1]. CIFAR-10's are often used on CIFAR-100 by mistake.
STATISTICS = {
    "digits-lt": ((0.3053,), (0.3760,)),
    "cifar10-lt": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "cifar100-lt": ((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),
}


class Standardiser:
    """Maps images of uint8, or features, to float32.

    Args:
        mean, deviation: of each channel, or of each feature, `(channels,)`. A feature
            that is constant has deviation 0, and becomes 0.

    Attributes:
        scale: `(channels,)` float32, by which values are multiplied.
        shift: `(channels,)` float32, which is subtracted from the product.
    """

    def __init__(self, mean: np.ndarray, deviation: np.ndarray) -> None:
        deviation = np.where(deviation == 0, 1.0, deviation)
        self.scale = (1 / deviation).astype("float32")
        self.shift = (mean / deviation).astype("float32")

    @classmethod
    def of(cls, data: LongTailedData) -> Self:
        """Returns that of the images of a data set, or of its training features."""
        if data.train_arrays is not None and data.train_arrays[0].ndim == 2:
            features = data.train_arrays[0].astype("float64")
            return cls(features.mean(axis=0), features.std(axis=0))
        mean, deviation = (255 * np.array(part) for part in STATISTICS[data.name])
        return cls(mean, deviation)

    def __call__(self, images: Any) -> Any:
        """Returns images `(..., channels)` standardised, as a tensor."""
        # A product of a tensor of torch and an array of NumPy warns.
        scale, shift = map(keras.ops.convert_to_tensor, (self.scale, self.shift))
        return keras.ops.cast(images, "float32") * scale - shift
