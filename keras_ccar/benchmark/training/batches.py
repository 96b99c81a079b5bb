"""Training batches whose order and augmentation depend on the seed alone.

The images stay on the device. For each step, the host only sends draws: the position of
every example of the batch, and the random integers of the augmentations.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from keras_ccar.benchmark.training import devices
from keras_ccar.benchmark.training.augmentation_base import Augmentation


class SeededEpochs(keras.utils.PyDataset):
    """Base class of batches that are a function of the seed and of the epoch.

    Nothing is carried from one epoch to the next. So two runs with one seed see the
    same images, augmented in the same way, in the same order, even if one of them was
    stopped and resumed. Call `begin_epoch` before every epoch.
    """

    def __init__(self, seed: int, steps: int) -> None:
        super().__init__()
        self.seed = seed
        self._steps = steps

    @property
    def num_batches(self) -> int:
        """Number of batches in an epoch."""
        return self._steps

    def begin_epoch(self, epoch: int) -> None:
        """Draws the batches of an epoch, counted from 0."""
        raise NotImplementedError


class SeededBatches(SeededEpochs):
    """Batches of draws, the same for every method and on every backend.

    If several devices share the batches, an epoch leaves out the few examples that
    cannot be shared equally. Each host has its own rows of every batch.

    Args:
        images: `(N, height, width, channels)`, or features `(N, D)`; only the shape is
            used.
        batch_size: examples per batch; the last batch of an epoch may be smaller.
        steps: limits the number of batches in an epoch, which by default shows every
            example once.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        batch_size: int,
        seed: int,
        augmentations: Sequence[Augmentation] = (),
        steps: int | None = None,
    ) -> None:
        self._count = len(labels) - len(labels) % devices.num_devices()
        whole = -(-self._count // batch_size)
        super().__init__(seed, min(steps or whole, whole))
        self.labels = labels
        self.batch_size = batch_size
        self.augmentations = augmentations
        self.size = images.shape[1:3]
        self.begin_epoch(0)

    def begin_epoch(self, epoch: int) -> None:
        """Shuffles the examples and draws the augmentations of an epoch."""
        random = np.random.default_rng([self.seed, epoch])
        count = len(self.labels)
        order = random.permutation(count)
        drawn = [part.draw(random, count, self.size) for part in self.augmentations]
        draws = np.column_stack([order, *drawn])[: self._count].astype("int32")
        # One assignment, because a backend may fetch batches from another thread.
        self._epoch = draws, self.labels[draws[:, 0]]

    def __getitem__(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns draws `(B, 1 + num_draws)` int32 and labels `(B,)` of one step."""
        part = slice(step * self.batch_size, (step + 1) * self.batch_size)
        draws, labels = self._epoch
        return devices.local_rows(draws[part]), devices.local_rows(labels[part])


class AugmentedImages(keras.layers.Layer):
    """Holds images on the device, and makes augmented, standardised batches of them."""

    def __init__(
        self,
        images: np.ndarray,
        standardise: Callable[[Any], Any],
        augmentations: Sequence[Augmentation] = (),
    ) -> None:
        # Standardises in full precision, whatever the network computes in.
        super().__init__(trainable=False, dtype="float32")
        self.standardise = standardise
        self.augmentations = augmentations
        self.images = self.add_weight(
            name="images",
            shape=images.shape,
            dtype=images.dtype.name,
            initializer=lambda shape, dtype: keras.ops.convert_to_tensor(images),
            trainable=False,
        )
        self.built = True

    def call(self, draws: Any) -> Any:
        """Returns a batch of float32 images for the draws of `SeededBatches`."""
        images = keras.ops.take(self.images, draws[:, 0], axis=0)
        begin = 1
        for augmentation in self.augmentations:
            end = begin + augmentation.num_draws
            images = augmentation(images, draws[:, begin:end])
            begin = end
        return self.standardise(images)

    def compute_output_shape(self, draws_shape: Sequence[int]) -> tuple[int, ...]:
        """Returns the shape of the images of a batch."""
        return (draws_shape[0], *self.images.shape[1:])

    def save_own_variables(self, store: Any) -> None:
        """Saves nothing: the images are data and were not learned."""

    def load_own_variables(self, store: Any) -> None:
        """Loads nothing."""


def build_fed_model(
    network: keras.Model,
    images: np.ndarray,
    standardise: Callable[[Any], Any],
    augmentations: Sequence[Augmentation] = (),
) -> keras.Model:
    """Returns a model of the draws of `SeededBatches` that trains a network.

    The images are `(N, height, width, channels)` of uint8, or features `(N, D)` or maps
    of float32, and `standardise` maps augmented images to inputs of the network.
    """
    num_draws = sum(augmentation.num_draws for augmentation in augmentations)
    draws = keras.Input((1 + num_draws,), dtype="int32", name="draws")
    prepared = AugmentedImages(images, standardise, augmentations)(draws)
    return keras.Model(draws, network(prepared))
