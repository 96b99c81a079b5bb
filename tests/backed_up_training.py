"""A small training with a backup, and a disk that is full."""

import contextlib

import keras
import numpy as np
import pytest
from keras import ops

import keras_ccar
from keras_ccar.keras_internals import batches_done

COUNTS = [60, 25, 11]
STEPS = 6  # of 16 samples


class Batches(keras.utils.PyDataset):
    """Whose order is a function of the epoch."""

    def __init__(self, epoch):
        super().__init__()
        rng = np.random.default_rng(0)
        self.labels = np.repeat([0, 1, 2], COUNTS)
        self.x = rng.normal(size=(len(self.labels), 5)) + self.labels[:, None]
        self.epoch = epoch

    def __len__(self):
        return STEPS

    def __getitem__(self, index):
        order = np.random.default_rng(self.epoch).permutation(len(self.labels))
        rows = order[16 * index : 16 * index + 16]
        return self.x[rows], self.labels[rows]

    def on_epoch_end(self):
        self.epoch += 1


class Interrupt(keras.callbacks.Callback):
    """Ends the training right after a batch, counted from 0."""

    def __init__(self, epoch, batch):
        super().__init__()
        self.at, self.epoch = (epoch, batch), None

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batches_done(self.model, batch) - 1) == self.at:
            raise InterruptedError


def classifier(**options):
    keras.utils.set_random_seed(0)
    layers = [
        keras.Input((5,)),
        keras.layers.Dense(4, activation="tanh"),
        keras.layers.Dropout(0.3, seed=1),  # unseeded, torch uses a state of its own
        keras.layers.Dense(3),
    ]
    model = keras.Sequential(layers)
    loss = keras_ccar.CCARLoss(COUNTS, from_logits=True)
    model.compile(keras.optimizers.Adam(0.05), loss, **options)
    return model


def fit(model, backup, *callbacks, epochs=3):
    statistics = keras_ccar.CCARCallback(update_frequencies=True, momentum=0.5)
    model.fit(
        Batches(backup.epoch),
        epochs=epochs,
        shuffle=False,
        verbose=0,
        callbacks=[backup, *callbacks, statistics],
    )
    return statistics.history, [ops.convert_to_numpy(w) for w in model.weights]


@contextlib.contextmanager
def full_disk(size):
    """Files of this process cannot become longer than `size` bytes: a real error."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
