"""Backs a training up, and resumes it at the very batch."""

import os
import re
from pathlib import Path

import h5py
import keras
import numpy as np

from keras_ccar.callbacks.class_statistics import ClassStatistics
from keras_ccar.callbacks.compiled_losses import compiled_losses
from keras_ccar.inputs.checks import check_whole_number
from keras_ccar.keras_internals import set_initial_epoch
from keras_ccar.replicas import process_index

# The position is in the name, so that one renaming makes a backup complete.
_NAME = "epoch-{}-batch-{}.weights.h5"
_PARTIAL = "partial-{}.weights.h5"

# Keras saves a model's weights without the states of its random layers.
_RANDOM_STATES = "random_states"


class BackupAndResume(keras.callbacks.Callback):
    """Backs a training up, and resumes a killed one at the very batch it had reached.

    `keras.callbacks.BackupAndRestore` begins the interrupted epoch again: right if it
    saves at the end of epochs, but with `save_freq=n` the first batches of the epoch
    are trained twice. Here they are passed over, and `CCARCallback` goes on with the
    statistics they gave. A run killed at any moment ends with the class counts of one
    that was left alone and, where operations are deterministic, with its weights.

    That needs an epoch that yields the same batches in the same order again. Arrays
    with `shuffle=True` do not; a `keras.utils.PyDataset` whose batches are a function
    of the epoch and the index does, and so does a `tf.data` pipeline that begins at
    `epoch`. Batches passed over are read, but not trained.

    A backup is written beside the last one and then takes its place, so that a kill in
    between leaves the last one. It holds weights, optimizer, random states, statistics
    and frequencies. With several JAX processes the first one writes, to a directory
    that all of them see. Other metrics and `loss` in the logs of the resumed epoch are
    over its batches since the restart.

    Args:
        directory: where the backup is kept, on a file system that can rename files.
        save_freq: "epoch", or after how many batches to save in mid-epoch as well.
        delete_checkpoint: whether to delete the backup when training has ended, so
            that the next `fit` begins from the beginning. Otherwise the last one stays.

    Attributes:
        epoch: the epoch, from 0, that the next `fit` begins with.
        batch: how many batches of it are already trained.

    Raises:
        ValueError: for another `save_freq`; when training begins, if the model is not
            built.

    Example:
    ```python
    import tempfile
    import keras
    import numpy as np
    import keras_ccar

    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3)])
    model.compile("sgd", keras_ccar.CCARLoss([3, 2, 1], from_logits=True))
    backup = keras_ccar.BackupAndResume(tempfile.mkdtemp(), save_freq=2)
    labels = np.array([0, 0, 0, 1, 1, 2])
    model.fit(
        np.ones((6, 8)),
        labels,
        batch_size=1,
        shuffle=False,
        callbacks=[keras_ccar.CCARCallback(), backup],
        verbose=0,
    )
    ```
    """

    def __init__(
        self,
        directory: str | os.PathLike,
        save_freq: str | int = "epoch",
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__()
        if save_freq != "epoch":
            check_whole_number("save_freq", save_freq, 1, 'batches, or "epoch"')
        self.directory = Path(directory)
        self.save_freq = save_freq
        self.delete_checkpoint = delete_checkpoint
        self.epoch: int
        self.batch: int
        self.epoch, self.batch = max(self._backups(), default=(0, 0))
        self._last_saved = 0
        self._batches_to_skip = 0
        self._totals: list = []
        self._done = 0
        self._is_stopped = False
        self._reached: tuple | None = None

    def on_train_begin(self, logs=None):
        """Loads the backup, if there is one."""
        backups = self._backups()
        self.epoch, self.batch = max(backups, default=(0, 0))
        self._last_saved = self._batches_to_skip = self.batch
        self._totals = []
        self._done, self._is_stopped, self._reached = 0, False, None
        if not backups:
            return
        model = self.model
        if not model.built:
            raise ValueError(
                "`BackupAndResume` needs a built model to load its backup into. Begin "
                "the model with `keras.Input(shape)`, or call it on a batch first."
            )
        if model.optimizer is not None and not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        model.load_weights(backups[self.epoch, self.batch])
        with h5py.File(backups[self.epoch, self.batch]) as file:
            for index, state in enumerate(_random_states(model)):
                state.assign(file[f"{_RANDOM_STATES}/{index}"][...])
        for _, loss in compiled_losses(model):
            if loss.statistics is not None:
                frequency = keras.ops.convert_to_numpy(loss.statistics.frequency)
                # The loss's own are not rounded to float32, as long as they hold.
                if not np.allclose(frequency, loss.frequency, rtol=1e-6, atol=0):
                    loss.set_class_frequency(frequency)
        # What Keras's own callback tells `fit` where to begin.
        set_initial_epoch(model, self.epoch)
        if self._batches_to_skip:
            self._totals = [
                (metric, metric.totals())
                for metric in model.metrics
                if isinstance(metric, ClassStatistics)
            ]

    def on_epoch_begin(self, epoch, logs=None):
        """Saves what the epoch before led to, after all callbacks have seen its end."""
        if not self._batches_to_skip and epoch != self.epoch:
            self._save(epoch, 0)

    def on_train_batch_begin(self, batch, logs=None):
        """Goes on with the statistics, which other callbacks have cleared by now."""
        for statistics, totals in self._totals:
            statistics.set_totals(totals)
        self._totals = []
        if self._batches_to_skip:
            self._skip_trained_batches()

    def on_train_batch_end(self, batch, logs=None):
        """Saves every `save_freq` batches."""
        self._done = done = batch + 1
        self._is_stopped = self.model.stop_training
        is_due = self.save_freq != "epoch" and done - self._last_saved >= self.save_freq
        if is_due and done < (self.params.get("steps") or done + 1):
            self._save(self.epoch, done)

    def on_epoch_end(self, epoch, logs=None):
        """Notes how far the training has come: it may be stopped in mid-epoch."""
        if self._batches_to_skip:
            return  # It has not come as far as the backup.
        steps = self.params.get("steps")
        is_whole = self._done >= steps if steps else not self._is_stopped
        self._reached = (epoch + 1, 0) if is_whole else (epoch, self._done)

    def on_train_end(self, logs=None):
        """Deletes the backup, or saves the end of the training, if there was one."""
        if self.delete_checkpoint:
            self._delete_backups_except(None)
        elif self._reached:
            self._save(*self._reached)
        set_initial_epoch(self.model, None)

    def _skip_trained_batches(self):
        """Has the training function take, this once, what is already trained."""
        model, train_function = self.model, self.model.train_function

        def take_without_training(*arguments):
            # At once: an interruption must not leave a model that does not train.
            model.train_function = train_function
            *state, batches = arguments
            if not isinstance(batches, list):  # torch has them taken already
                next(batches)
                for _ in range(model.steps_per_execution - 1):
                    next(batches, None)
            self._batches_to_skip -= min(
                self._batches_to_skip, model.steps_per_execution
            )
            return ({}, *state) if state else {}

        model.train_function = take_without_training

    def _save(self, epoch, batch):
        self.epoch, self.batch, self._last_saved = epoch, batch, batch
        self.directory.mkdir(parents=True, exist_ok=True)
        partial = self.directory / _PARTIAL.format(process_index())
        # Every process of a JAX run saves: Keras, saving, makes variables, which is
        # done by all of them together or waits for ever.
        self.model.save_weights(partial, overwrite=True)
        if process_index() == 0:
            with h5py.File(partial, "a") as file:
                for index, state in enumerate(_random_states(self.model)):
                    file[f"{_RANDOM_STATES}/{index}"] = keras.ops.convert_to_numpy(
                        state
                    )
            complete = self.directory / _NAME.format(epoch, batch)
            os.replace(partial, complete)
            self._delete_backups_except(complete)
        else:
            partial.unlink()

    def _delete_backups_except(self, complete):
        """Deletes all backups but one, which may be None."""
        if process_index() == 0:
            for path in self._backups().values():
                if path != complete:
                    path.unlink()

    def _backups(self):
        """Returns a dict `{(epoch, batch): path}` of the complete backups."""
        pattern = re.compile(_NAME.format(r"(\d+)", r"(\d+)").replace(".", r"\."))
        matches = [
            (pattern.fullmatch(path.name), path) for path in self.directory.glob("*.h5")
        ]
        return {
            (int(match[1]), int(match[2])): path for match, path in matches if match
        }


def _random_states(model):
    """Returns the variables that, for example, dropout draws from."""
    return [v for v in model.variables if v.name == "seed_generator_state"]
