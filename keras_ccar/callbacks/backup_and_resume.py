"""Backs up a training, and resumes it at the very batch that it had reached."""

import json
import os
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from keras_ccar.arguments import check_boolean, check_path, check_whole_number
from keras_ccar.callbacks.attachment import variable_scope
from keras_ccar.callbacks.backup_files import COMPILED, BackupFile, BackupFiles
from keras_ccar.callbacks.class_statistics import ClassStatistics
from keras_ccar.callbacks.compile_identity import begin_training, end_training
from keras_ccar.callbacks.skipped_batches import skip_next_step
from keras_ccar.keras_internals import (
    batches_done,
    random_states,
    save_weights_to_memory,
    set_initial_epoch,
)
from keras_ccar.replicas import process_index, unsharded

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

    The last two backups are kept, each with a checksum in its name, and a new one
    appears as a whole, so a kill or a loss of power leaves the last one. If that is
    damaged, a warning names the file, and the training resumes from the one before. If
    the disk is full, a warning says so, and the training goes on without a new backup.
    The disk needs room for three backups, and the main memory for one.

    Only backups of a model that was compiled alike are resumed from: with the optimizer
    and its learning rate, the kind of loss, and the trainable weights. Others stay in
    the directory, with a warning, so that a second stage, such as one that trains more
    layers at a lower rate, is a training of its own. Give each stage a directory of its
    own if its data begin at `epoch`, which is that of the newest backup until `fit`.

    Backups hold weights, optimizer, random states, statistics and class frequencies.
    With several JAX processes the first one writes, to a directory that all of them
    see. Other metrics and `loss` in the logs of the resumed epoch cover its batches
    since the restart.

    Args:
        directory: where the backups are kept, and only those of this training, on a
            file system that can rename files.
        save_freq: "epoch", or the number of batches after which to save in mid-epoch
            as well.
        delete_checkpoint: whether to delete the backups when training has ended, so
            that the next `fit` starts from the beginning. Otherwise the last two stay.

    Attributes:
        epoch: the epoch, from 0, that the next `fit` begins with.
        batch: the number of its batches that are already trained.

    Raises:
        ValueError: for arguments other than these; if there are backups and all of them
            are damaged, and then it says which files to delete to begin again; when
            training begins, if the model is not built or `directory` not writable.

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
        self.directory: Path = Path(check_path("directory", directory))
        self.save_freq = save_freq
        self.delete_checkpoint = check_boolean("delete_checkpoint", delete_checkpoint)
        self._files = BackupFiles(self.directory, self._is_usable)
        self._compiled: dict[str, Any] = {}
        self._find_backup()
        self._current_epoch = 0
        self._last_saved = 0
        self._batches_to_skip = 0
        self._totals: list[tuple[ClassStatistics, np.ndarray]] = []
        self._done = 0
        self._is_stopped = False
        self._reached: tuple[int, int] | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Loads the backup, if there is one."""
        # On every process: one that fails alone leaves the others waiting for it.
        self._files.prepare(is_writer=process_index() == 0)
        self._choose_training()
        backup = self._find_backup()
        self._current_epoch = self.epoch
        self._last_saved = self._batches_to_skip = self.batch
        self._totals = []
        self._done, self._is_stopped, self._reached = 0, False, None
        if backup is None:
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
        self._restore(backup.path)
        # Keras's own callback tells `fit` in the same way where to begin.
        set_initial_epoch(model, self.epoch)
        if self._batches_to_skip:
            self._totals = [
                (value, value.totals())
                for value in vars(model).values()
                if isinstance(value, ClassStatistics)
            ]

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Saves the end of the epoch before, which all callbacks have seen by now."""
        is_new = epoch != self._current_epoch
        self._current_epoch = epoch
        if not self._batches_to_skip and is_new and self._is_due():
            self._save(epoch, 0)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Restores the statistics, which other callbacks have reset by now."""
        for statistics, totals in self._totals:
            statistics.set_totals(totals)
        self._totals = []
        if self._batches_to_skip:
            skip_next_step(self.model, self._count_skipped)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Saves every `save_freq` batches."""
        self._done = done = batches_done(self.model, batch)
        self._is_stopped = self.model.stop_training
        is_due = (
            not isinstance(self.save_freq, str)
            and done - self._last_saved >= self.save_freq
        )
        if is_due and done < (self.params.get("steps") or done + 1):
            self._save(self._current_epoch, done)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Notes how far the training has come: it may be stopped in mid-epoch."""
        if self._batches_to_skip:
            return  # It has not come as far as the backup.
        steps = self.params.get("steps")
        is_whole = self._done >= steps if steps else not self._is_stopped
        self._reached = (epoch + 1, 0) if is_whole else (epoch, self._done)

    def on_train_end(self, logs: Any = None) -> None:
        """Deletes the backups, or saves the end of the training if there was one."""
        if self.delete_checkpoint:
            if process_index() == 0:
                self._files.delete()
        elif self._reached and self._is_due():
            self._save(*self._reached)
        set_initial_epoch(self.model, None)
        end_training(self.model)

    def _choose_training(self) -> None:
        """Resumes from backups of a model that was compiled as this one alone."""
        if self.model.built:
            self._compiled = begin_training(self.model)
            self._files.choose(self._compiled, expected=self.epoch)

    def _is_due(self) -> bool:
        """Tells whether to save at the end of an epoch."""
        return True

    def _is_usable(self, path: Path) -> bool:
        """Tells whether a whole backup is one of this training."""
        return True

    def _find_backup(self) -> BackupFile | None:
        """Sets `epoch` and `batch` to those of the newest backup, and returns it."""
        backup = self._files.find_newest()
        self.epoch, self.batch = (backup.epoch, backup.batch) if backup else (0, 0)
        return backup

    def _restore(self, path: Path) -> None:
        """Loads a backup into the model."""
        self.model.load_weights(path)
        with h5py.File(path) as file:
            self._load_state(file)

    def _save_state(self, file: Any) -> None:
        """Writes what the weights of the model leave out to an open `h5py.File`."""
        for index, state in enumerate(random_states(self.model)):
            file[f"{_RANDOM_STATES}/{index}"] = keras.ops.convert_to_numpy(state)

    def _load_state(self, file: Any) -> None:
        """Restores what `_save_state` wrote."""
        for index, state in enumerate(random_states(self.model)):
            state.assign(file[f"{_RANDOM_STATES}/{index}"][...])

    def _count_skipped(self, number: int) -> None:
        self._batches_to_skip -= min(self._batches_to_skip, number)

    def _save(self, epoch: int, batch: int) -> None:
        self._last_saved = batch
        if process_index() == 0:
            # To save, Keras creates an optimizer to compare with. Its variables, if
            # shared, would wait for all processes to create them.
            with unsharded():
                # In memory, because on a full disk HDF5 may crash the process.
                content = save_weights_to_memory(self.model)
            with h5py.File(content, "a") as file:
                self._save_state(file)
                file.attrs[COMPILED] = json.dumps(self._compiled)
            if not self._files.write(epoch, batch, content.getbuffer()):
                return
        self.epoch, self.batch = epoch, batch
