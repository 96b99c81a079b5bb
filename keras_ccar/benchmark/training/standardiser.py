"""Pixels to numbers of mean 0 and deviation 1."""

import keras
import numpy as np

# Mean and deviation of each channel over the whole, balanced training set, pixels
# scaled to [0, 1]. CIFAR-10's are often used on CIFAR-100 by mistake.
_STATISTICS = {
    "digits-lt": ((0.3053,), (0.3760,)),
    "cifar10-lt": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "cifar100-lt": ((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),
}


class Standardiser:
    """Maps uint8 images to float32 of mean 0 and deviation 1 over the training set.

    Args:
        dataset: name of the data set.

    Attributes:
        scale: `(channels,)` float32, by which pixels are multiplied.
        shift: `(channels,)` float32, which is subtracted then.
    """

    def __init__(self, dataset):
        mean, deviation = (np.array(part) for part in _STATISTICS[dataset])
        self.scale = (1 / (255 * deviation)).astype("float32")
        self.shift = (mean / deviation).astype("float32")

    def __call__(self, images):
        """Returns the standardised images, as a tensor.

        Args:
            images: array or tensor of shape `(..., channels)`.
        """
        return keras.ops.cast(images, "float32") * self.scale - self.shift
