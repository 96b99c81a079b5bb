"""Training batches of natural images, streamed from disk."""

import keras
import numpy as np

from keras_ccar.benchmark.training import devices
from keras_ccar.datasets import training_batches


class StreamedBatches(keras.utils.PyDataset):
    """The augmented batches of an epoch, a function of the seed and of the epoch.

    So two runs with one seed see the same images, cut and coloured the same way, in
    the same order, also when one of them was stopped and resumed. Call `begin_epoch`
    before every epoch. Batches come one after the other: what is asked for is the
    first of the epoch, or the one after that asked for before.

    Args:
        data: a `keras_ccar.datasets.LongTailedData`.
        recipe: a `keras_ccar.benchmark.spec.recipes.Recipe` with an `image_size`.
        seed: non-negative integer.
    """

    def __init__(self, data, recipe, seed):
        super().__init__()
        self._data = data
        self._recipe = recipe
        self._seed = seed
        self._steps = recipe.steps_per_epoch(int(data.class_counts.sum()))
        self._stream = None
        self.begin_epoch(0)

    @property
    def num_batches(self):
        """Steps an epoch."""
        return self._steps

    def begin_epoch(self, epoch):
        """Chooses the batches of an epoch.

        Args:
            epoch: epoch, counted from 0.
        """
        (seed,) = np.random.SeedSequence([self._seed, epoch]).generate_state(1)
        self._batches = training_batches(
            self._data,
            self._recipe.batch_size,
            self._recipe.image_size,
            self._recipe.color_jitter,
            seed=int(seed),
            flip=self._recipe.flip,
        )

    def __getitem__(self, step):
        """Returns float32 images and labels `(B,)` of one step."""
        if step == 0:
            # Keras looks at the first batches before it trains.
            self._stream = self._batches.as_numpy_iterator()
        images, labels = next(self._stream)
        return devices.local_rows(images), devices.local_rows(labels)
