"""Base class of the augmentations."""

import abc
from typing import Any

import numpy as np

# `(height, width)` of images.
Size = tuple[int, int]


class Augmentation(abc.ABC):
    """Changes images by a few integers drawn at random for each of them.

    The host draws the integers with NumPy, and the device applies them within the
    compiled training step. So the draws are the same on every backend, and pixels never
    pass through Python.

    Attributes:
        num_draws: number of integers drawn for each image.
    """

    num_draws: int

    @abc.abstractmethod
    def draw(self, random: np.random.Generator, count: int, size: Size) -> np.ndarray:
        """Returns `(count, num_draws)` integers for `count` images of a size."""

    @abc.abstractmethod
    def __call__(self, images: Any, draws: Any) -> Any:
        """Returns the augmented images.

        Args:
            images: `(B, height, width, channels)`.
            draws: `(B, num_draws)` int32, as returned by `draw`.
        """
