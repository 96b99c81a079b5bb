"""Scales pixels to a mean of 0 and a standard deviation of 1."""

from typing import Any

import keras
import numpy as np

# Mean and standard deviation of each channel over the whole, balanced training set, for
# pixels in [0, 1]. CIFAR-10's are often used on CIFAR-100 by mistake.
STATISTICS = {
    "digits-lt": ((0.3053,), (0.3760,)),
    "cifar10-lt": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "cifar100-lt": ((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),
}


class Standardiser:
    """Maps images of uint8 to float32, by the statistics of a data set.

    Args:
        dataset: name of the data set.

    Attributes:
        scale: `(channels,)` float32, by which pixels are multiplied.
        shift: `(channels,)` float32, which is subtracted from the product.
    """

    def __init__(self, dataset: str) -> None:
        mean, deviation = (np.array(part) for part in STATISTICS[dataset])
        self.scale = (1 / (255 * deviation)).astype("float32")
        self.shift = (mean / deviation).astype("float32")

    def __call__(self, images: Any) -> Any:
        """Returns images `(..., channels)` standardised, as a tensor."""
        return keras.ops.cast(images, "float32") * self.scale - self.shift
