"""Training batches of natural images, streamed from disk."""

import numpy as np

from keras_ccar.benchmark.spec.recipes import Recipe
from keras_ccar.benchmark.training import devices
from keras_ccar.benchmark.training.batches import SeededEpochs
from keras_ccar.datasets import LongTailedData, training_batches


class StreamedBatches(SeededEpochs):
    """Batches of augmented images, to be read in order from the first of an epoch."""

    def __init__(self, data: LongTailedData, recipe: Recipe, seed: int) -> None:
        super().__init__(seed, recipe.steps_per_epoch(int(data.class_counts.sum())))
        self._data = data
        self._recipe = recipe
        self.begin_epoch(0)

    def begin_epoch(self, epoch: int) -> None:
        """Shuffles the examples and draws the augmentations of an epoch."""
        (seed,) = np.random.SeedSequence([self.seed, epoch]).generate_state(1)
        self._batches = training_batches(
            self._data,
            self._recipe.batch_size,
            self._recipe.image_size,
            self._recipe.color_jitter,
            seed=int(seed),
            flip=self._recipe.flip,
        )

    def __getitem__(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns float32 images and labels `(B,)` of one step."""
        if step == 0:
            # Starts again, because Keras looks at the first batches before it trains.
            self._stream = self._batches.as_numpy_iterator()
        images, labels = next(self._stream)
        return devices.local_rows(images), devices.local_rows(labels)
