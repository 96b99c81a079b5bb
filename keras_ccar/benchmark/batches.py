"""Training batches whose order and augmentation depend on the seed alone."""

import keras
import numpy as np


class SeededBatches(keras.utils.PyDataset):
    """An endless row of training batches, the same for every method.

    Batch `i` is a function of the seed and of `i`: nothing is carried from one
    batch to the next. So two runs with one seed see the same images, cut and
    mirrored the same way, in the same order, whatever else they do, and however
    far ahead Keras fetches. Train with `steps_per_epoch=batches.steps_per_epoch`.

    Args:
        images: `(N, height, width, channels)`, uint8 or float.
        labels: `(N,)` integers.
        batch_size: examples a batch; the last batch of an epoch may be smaller.
        seed: non-negative integer.
        standardise: `images -> float32 images`, applied after the augmentation.
        crop_padding: pixels of zeros put around an image before a part of the
            original size is cut out at random; 0 leaves images where they are.
        flip: whether to mirror every image with probability 1/2.
    """

    def __init__(
        self, images, labels, batch_size, seed, standardise, crop_padding=0, flip=False
    ):
        super().__init__()
        self.labels = labels
        self.batch_size = batch_size
        self.seed = seed
        self.standardise = standardise
        self.crop_padding = crop_padding
        self.flip = flip
        self.size = images.shape[1:3]
        self.steps_per_epoch = -(-len(labels) // batch_size)
        border = (crop_padding, crop_padding)
        self._images = np.pad(images, ((0, 0), border, border, (0, 0)))
        self._order = (None, None)

    @property
    def num_batches(self):
        """`None`: the row has no end."""
        return None

    def __getitem__(self, index):
        """Returns batch `index`, counted from the beginning of the training."""
        epoch, step = divmod(index, self.steps_per_epoch)
        start = step * self.batch_size
        chosen = self._epoch_order(epoch)[start : start + self.batch_size]
        images = self._augment(chosen, np.random.default_rng([self.seed, epoch, step]))
        return self.standardise(images), self.labels[chosen]

    def _epoch_order(self, epoch):
        known, order = self._order
        if known != epoch:
            order = np.random.default_rng([self.seed, epoch]).permutation(
                len(self.labels)
            )
            self._order = (epoch, order)
        return order

    def _augment(self, chosen, random):
        """Cuts and mirrors the chosen images, all in one gather."""
        if not (self.crop_padding or self.flip):
            return self._images[chosen]
        count = len(chosen)
        height, width = self.size
        top, left = random.integers(0, 2 * self.crop_padding + 1, (2, count, 1))
        rows = top + np.arange(height)
        columns = left + np.arange(width)
        if self.flip:
            mirrored = random.random(count) < 0.5
            columns[mirrored] = columns[mirrored, ::-1]
        return self._images[chosen[:, None, None], rows[:, :, None], columns[:, None]]
