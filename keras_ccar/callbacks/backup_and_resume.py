"""Backs up a training, and resumes it at the very batch that it had reached."""

import os
import re
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from keras_ccar.arguments import check_boolean, check_path, check_whole_number
from keras_ccar.callbacks.attachment import variable_scope
from keras_ccar.callbacks.class_statistics import ClassStatistics
from keras_ccar.keras_internals import set_initial_epoch
from keras_ccar.replicas import process_index, unsharded

# The name holds the position, so that a single renaming completes a backup.
_NAME = "epoch-{}-batch-{}.weights.h5"
_PARTIAL = "partial-0.weights.h5"
_RANDOM_STATES = "random_states"


class BackupAndResume(keras.callbacks.Callback):
    """Backs up a training, and resumes a killed one at the very batch it had reached.

    `keras.callbacks.BackupAndRestore` repeats the interrupted epoch. That is right if
    it saves at the end of epochs, but with `save_freq=n` the first batches of the epoch
    are trained twice. This callback skips them, and `CCARCallback` continues with the
    statistics they gave. A run that is killed at any moment ends with the class counts
    of an undisturbed one and, where operations are deterministic, with its weights.

    For this, an epoch must yield the same batches in the same order again. Arrays with
    `shuffle=True` do not. A `keras.utils.PyDataset` whose batches are a function of the
    epoch and the index does, and so does a `tf.data` pipeline that begins at `epoch`.
    Skipped batches are read, but not trained.

    A new backup is written beside the last one and then replaces it, so a kill in
    between leaves the last one. A backup holds weights, optimizer, random states,
    statistics and class frequencies. With several JAX processes the first one writes,
    to a directory that all of them see. Other metrics and `loss` in the logs of the
    resumed epoch cover its batches since the restart.

    Args:
        directory: where the backup is kept, on a file system that can rename files.
        save_freq: "epoch", or the number of batches after which to save in mid-epoch
            as well.
        delete_checkpoint: whether to delete the backup when training has ended, so
            that the next `fit` starts from the beginning. Otherwise the last one stays.

    Attributes:
        epoch: the epoch, from 0, that the next `fit` begins with.
        batch: the number of its batches that are already trained.

    Raises:
        ValueError: for arguments other than these; when training begins, if the model
            is not built.

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
        directory: str | os.PathLike[str],
        save_freq: str | int = "epoch",
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__()
        if not isinstance(save_freq, str) or save_freq != "epoch":
            meaning = 'batches, or "epoch"'
            save_freq = check_whole_number("save_freq", save_freq, 1, meaning=meaning)
        self.directory = Path(check_path("directory", directory))
        self.save_freq = save_freq
        self.delete_checkpoint = check_boolean("delete_checkpoint", delete_checkpoint)
        self.epoch: int
        self.batch: int
        self.epoch, self.batch = max(self._backups(), default=(0, 0))
        self._last_saved = 0
        self._batches_to_skip = 0
        self._totals: list[tuple[ClassStatistics, np.ndarray]] = []
        self._done = 0
        self._is_stopped = False
        self._reached: tuple[int, int] | None = None

    def on_train_begin(self, logs: Any = None) -> None:
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
            with variable_scope(model):
                model.optimizer.build(model.trainable_variables)
        model.load_weights(backups[self.epoch, self.batch])
        with h5py.File(backups[self.epoch, self.batch]) as file:
            self._load_state(file)
        # Keras's own callback tells `fit` in the same way where to begin.
        set_initial_epoch(model, self.epoch)
        if self._batches_to_skip:
            self._totals = [
                (metric, metric.totals())
                for metric in model.metrics
                if isinstance(metric, ClassStatistics)
            ]

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Saves the end of the epoch before, which all callbacks have seen by now."""
        if not self._batches_to_skip and epoch != self.epoch and self._is_due():
            self._save(epoch, 0)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Restores the statistics, which other callbacks have reset by now."""
        for statistics, totals in self._totals:
            statistics.set_totals(totals)
        self._totals = []
        if self._batches_to_skip:
            self._skip_trained_batches()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Saves every `save_freq` batches."""
        self._done = done = batch + 1
        self._is_stopped = self.model.stop_training
        is_due = (
            not isinstance(self.save_freq, str)
            and done - self._last_saved >= self.save_freq
        )
        if is_due and done < (self.params.get("steps") or done + 1):
            self._save(self.epoch, done)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Notes how far the training has come: it may be stopped in mid-epoch."""
        if self._batches_to_skip:
            return  # It has not come as far as the backup.
        steps = self.params.get("steps")
        is_whole = self._done >= steps if steps else not self._is_stopped
        self._reached = (epoch + 1, 0) if is_whole else (epoch, self._done)

    def on_train_end(self, logs: Any = None) -> None:
        """Deletes the backup, or saves the end of the training if there was one."""
        if self.delete_checkpoint:
            self._delete_backups_except(None)
        elif self._reached and self._is_due():
            self._save(*self._reached)
        set_initial_epoch(self.model, None)

    def _is_due(self) -> bool:
        """Tells whether to save at the end of an epoch."""
        return True

    def _save_state(self, file: Any) -> None:
        """Writes what the weights of the model leave out to an open `h5py.File`."""
        for index, state in enumerate(_random_states(self.model)):
            file[f"{_RANDOM_STATES}/{index}"] = keras.ops.convert_to_numpy(state)

    def _load_state(self, file: Any) -> None:
        """Restores what `_save_state` wrote."""
        for index, state in enumerate(_random_states(self.model)):
            state.assign(file[f"{_RANDOM_STATES}/{index}"][...])

    def _skip_trained_batches(self) -> None:
        """Makes the training function read batches without training, this once."""
        model, train_function = self.model, self.model.train_function

        def read_without_training(*arguments: Any) -> Any:
            # At once: an interruption must not leave a model that does not train.
            model.train_function = train_function
            *state, batches = arguments
            if not isinstance(batches, list):  # torch has already read them
                next(batches)
                for _ in range(model.steps_per_execution - 1):
                    next(batches, None)
            self._batches_to_skip -= min(
                self._batches_to_skip, model.steps_per_execution
            )
            return ({}, *state) if state else {}

        model.train_function = read_without_training

    def _save(self, epoch: int, batch: int) -> None:
        self.epoch, self.batch, self._last_saved = epoch, batch, batch
        # On every host: one that fails alone leaves the others waiting for it.
        self.directory.mkdir(parents=True, exist_ok=True)
        if process_index():
            return
        partial = self.directory / _PARTIAL
        # To save, Keras creates an optimizer to compare with. Its variables, if shared,
        # would wait for all processes to create them.
        with unsharded():
            self.model.save_weights(partial, overwrite=True)
        with h5py.File(partial, "a") as file:
            self._save_state(file)
        complete = self.directory / _NAME.format(epoch, batch)
        os.replace(partial, complete)
        self._delete_backups_except(complete)

    def _delete_backups_except(self, complete: Path | None) -> None:
        if process_index() == 0:
            for path in _find_backups(self.directory).values():
                if path != complete:
                    path.unlink()

    def _backups(self) -> dict[tuple[int, int], Path]:
        """Returns the backups to resume from, by epoch and batch."""
        return _find_backups(self.directory)


def _find_backups(directory: Path) -> dict[tuple[int, int], Path]:
    pattern = re.compile(_NAME.format(r"(\d+)", r"(\d+)").replace(".", r"\."))
    matches = [(pattern.fullmatch(path.name), path) for path in directory.glob("*.h5")]
    return {(int(match[1]), int(match[2])): path for match, path in matches if match}


def _random_states(model: keras.Model) -> list[keras.Variable]:
    """Returns the variables that, for example, dropout draws from.

    Keras leaves them out of the weights that it saves.
    """
    return [v for v in model.variables if v.name == "seed_generator_state"]
