"""What a training records beside its model, and the backup that resumes both."""

import json
import shutil
import time
import warnings
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from keras_ccar.benchmark.training.evaluation import Evaluation
from keras_ccar.callbacks import BackupAndResume, CCARCallback
from keras_ccar.callbacks.backup_files import BackupFile, DamagedBackupError
from keras_ccar.replicas import process_index

# Starting again costs about as long, for imports, data and compilation. A backup of
# ResNet-32 takes a third of a second to write, so short epochs lose little to it.
SECONDS_BETWEEN = 10.0


class TrainingRecorder(keras.callbacks.Callback):
    """Records the time, the losses and the test curve of a training.

    List it after the `CCARCallback` and after the `RunBackup`. Without statistics it
    records none, without an evaluation no test curve.

    Attributes:
        seconds: duration of the epochs so far.
        losses: mean loss of each epoch.
        tests: points of the test curve.
    """

    def __init__(
        self,
        statistics: CCARCallback | None = None,
        evaluation: Evaluation | None = None,
    ) -> None:
        super().__init__()
        self._statistics = statistics
        self._evaluation = evaluation
        self._started = 0.0
        self.seconds = 0.0
        self.losses: list[float] = []
        self.tests: list[dict[str, Any]] = []

    def on_train_begin(self, logs: Any = None) -> None:
        """Starts the clock as if all epochs were trained in a row."""
        self._started = time.perf_counter() - self.seconds

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Records an epoch."""
        now = time.perf_counter()
        self.seconds = now - self._started
        self.losses.append(float(logs["loss"]))
        evaluation = self._evaluation
        if evaluation is None or not np.isfinite(self.losses[-1]):
            return
        if evaluation.is_due(epoch + 1):
            self.tests.append(evaluation.curve_point(epoch + 1))
            self.exclude(time.perf_counter() - now)

    def exclude(self, seconds: float) -> None:
        """Leaves out of `seconds` some that were not spent on training."""
        self._started += seconds

    def save(self, file: Any) -> None:
        """Writes the record and the history of the statistics to an `h5py.File`."""
        record = {"seconds": self.seconds, "losses": self.losses, "tests": self.tests}
        file["record"] = json.dumps(record)
        history = [] if self._statistics is None else self._statistics.history
        for name in history[0] if history else ():
            file[f"history/{name}"] = np.stack([epoch[name] for epoch in history])

    def load(self, file: Any) -> None:
        """Restores what `save` wrote."""
        record = json.loads(file["record"][()])
        self.seconds, self.losses = record["seconds"], record["losses"]
        self.tests = record["tests"]
        if self._statistics is None:
            return
        history = {name: values[...] for name, values in file["history"].items()}
        self._statistics.history[:] = [
            {name: values[epoch] for name, values in history.items()}
            for epoch in range(len(self.losses))
        ]


class RunBackup(BackupAndResume):
    """The backup of one run, which no other run resumes from.

    It is written at the end of an epoch, at most every `SECONDS_BETWEEN`. If all
    backups are damaged, they are deleted, and the run starts from the beginning.

    Args:
        directory: where the backup is kept, and nothing else.
        identity: what identifies the run, as plain JSON.

    Attributes:
        recorder: the `TrainingRecorder` of the training, to be set before it begins.
    """

    recorder: TrainingRecorder

    def __init__(self, directory: Path, identity: dict[str, Any]) -> None:
        self._identity = json.dumps(identity, sort_keys=True)
        self._saved = 0.0
        super().__init__(directory, delete_checkpoint=False)

    def on_train_begin(self, logs: Any = None) -> None:
        """Loads the backup, if there is one that fits the network."""
        super().on_train_begin(logs)
        self._saved = time.perf_counter()

    def _choose_training(self) -> None:
        """Leaves it to the identity of the run."""

    def _is_due(self) -> bool:
        is_finite = bool(np.isfinite(self.recorder.losses[-1]))
        return is_finite and time.perf_counter() - self._saved >= SECONDS_BETWEEN

    def _save(self, epoch: int, batch: int) -> None:
        begun = time.perf_counter()
        super()._save(epoch, batch)
        self._saved = time.perf_counter()
        self.recorder.exclude(self._saved - begun)

    def _save_state(self, file: Any) -> None:
        super()._save_state(file)
        self.recorder.save(file)
        file["identity"] = self._identity

    def _load_state(self, file: Any) -> None:
        super()._load_state(file)
        self.recorder.load(file)

    def _is_usable(self, path: Path) -> bool:
        with h5py.File(path) as file:
            return bool(
                "identity" in file and file["identity"].asstr()[()] == self._identity
            )

    def _find_backup(self) -> BackupFile | None:
        try:
            return super()._find_backup()
        except DamagedBackupError as error:
            files = ", ".join(map(str, error.damage))
            warnings.warn(
                f"All backups of a run are damaged: {files}. They are deleted, and the "
                "run starts from its beginning.",
                stacklevel=2,
            )
            if process_index() == 0:
                for path in error.damage:
                    path.unlink(missing_ok=True)
            self.epoch, self.batch = 0, 0
            return None

    def _restore(self, path: Path) -> None:
        try:
            with warnings.catch_warnings():
                # Keras only warns of layers and optimizers that the file does not fit.
                warnings.filterwarnings("error", "Skipping")
                super()._restore(path)
        except (KeyError, ValueError, UserWarning) as error:
            remove_backup(self.directory)
            raise ValueError(
                f"the checkpoint in {self.directory} did not fit the network, and was "
                f"removed; start again to train the run from its beginning. {error}"
            ) from error


def remove_backup(directory: Path) -> None:
    """Deletes the directory with a backup and what was half written of one."""
    if process_index() == 0:
        shutil.rmtree(directory, ignore_errors=True)
