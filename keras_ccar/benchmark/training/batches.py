"""Training batches whose order and augmentation depend on the seed alone.

The images stay on the device. What passes from the host to it for a step is a plan:
for every example of the batch its number and the choices of the augmentations.
"""

import keras
import numpy as np

from keras_ccar.benchmark.training import devices


class SeededBatches(keras.utils.PyDataset):
    """The batches of an epoch, as plans; the same for every method.

    Those of epoch `e` are a function of the seed and of `e`: nothing is carried from
    one epoch to the next. So two runs with one seed see the same images, cut and
    mirrored the same way, in the same order, on any backend, and also when one of
    them was stopped and resumed. Call `begin_epoch` before every epoch.

    Where devices share the batches, an epoch leaves out the few examples that they
    could not share alike; of several hosts each has its own rows of every batch.

    Args:
        images: `(N, height, width, channels)`; only their shape is used.
        labels: `(N,)` integers.
        batch_size: examples a batch; the last batch of an epoch may be smaller.
        seed: non-negative integer.
        augmentations: what `augmentations(recipe)` returns.
        steps: steps an epoch, at most those that see every example once; these if
            None.
    """

    def __init__(self, images, labels, batch_size, seed, augmentations=(), steps=None):
        super().__init__()
        self.labels = labels
        self.batch_size = batch_size
        self.seed = seed
        self.augmentations = augmentations
        self.size = images.shape[1:3]
        self._count = len(labels) - len(labels) % devices.num_devices()
        whole = -(-self._count // batch_size)
        self._steps = min(steps or whole, whole)
        self.begin_epoch(0)

    @property
    def num_batches(self):
        """Steps an epoch."""
        return self._steps

    def begin_epoch(self, epoch):
        """Shuffles the examples and draws the augmentations of an epoch.

        Args:
            epoch: epoch, counted from 0.
        """
        random = np.random.default_rng([self.seed, epoch])
        count = len(self.labels)
        order = random.permutation(count)
        drawn = [part.draw(random, count, self.size) for part in self.augmentations]
        plans = np.column_stack([order, *drawn])[: self._count].astype("int32")
        order = order[: self._count]
        # At once, for a backend may fetch from another thread.
        self._epoch = plans, self.labels[order]

    def __getitem__(self, step):
        """Returns plans `(B, 1 + choices)` int32 and labels `(B,)` of one step."""
        part = slice(step * self.batch_size, (step + 1) * self.batch_size)
        plans, labels = self._epoch
        return devices.local_rows(plans[part]), devices.local_rows(labels[part])


class AugmentedImages(keras.layers.Layer):
    """Holds images on the device, and makes batches of them by plan.

    Args:
        images: `(N, height, width, channels)` uint8.
        standardise: applied to the augmented images.
        augmentations: those that the plans were drawn for.
    """

    def __init__(self, images, standardise, augmentations=()):
        # Standardised in full precision whatever the network computes in.
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

    def call(self, plans):
        """Returns a batch of float32 images.

        Args:
            plans: `(B, 1 + choices)` int32, those of `SeededBatches`.
        """
        images = keras.ops.take(self.images, plans[:, 0], axis=0)
        begin = 1
        for augmentation in self.augmentations:
            end = begin + augmentation.choices
            images = augmentation(images, plans[:, begin:end])
            begin = end
        return self.standardise(images)

    def compute_output_shape(self, plans_shape):
        """Returns the shape of the images of a batch."""
        return (plans_shape[0], *self.images.shape[1:])

    def save_own_variables(self, store):
        """Saves nothing: the images are data, nothing that was learned."""

    def load_own_variables(self, store):
        """Loads nothing."""


def build_fed_model(network, images, standardise, augmentations=()):
    """Puts the images before a network, so that it can be trained on plans.

    Args:
        network: a `keras.Model` on standardised images; what is trained is this.
        images: `(N, height, width, channels)` uint8.
        standardise: maps images to what the network takes.
        augmentations: those that the plans were drawn for.

    Returns:
        A `keras.Model` on the plans of `SeededBatches`.
    """
    choices = sum(augmentation.choices for augmentation in augmentations)
    plans = keras.Input((1 + choices,), dtype="int32", name="plans")
    prepared = AugmentedImages(images, standardise, augmentations)(plans)
    return keras.Model(plans, network(prepared))
