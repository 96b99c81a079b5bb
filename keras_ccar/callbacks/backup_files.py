"""The files of the backups of one training: the last two, each with its checksum."""

import hashlib
import json
import re
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from keras_ccar.callbacks.compile_identity import difference, digest_of
from keras_ccar.files import remove_leftovers, write_atomic

# The name holds the position and the checksum, so that a single renaming completes a
# backup, and there is no moment in which a file and its checksum differ.
_NAME = "epoch-{}-batch-{}{}-sha256-{}.weights.h5"
# Earlier versions wrote names without a checksum, and this unfinished file.
_PATTERN = re.compile(
    r"epoch-(\d+)-batch-(\d+)(?:-compiled-([0-9a-f]{16}))?"
    r"(?:-sha256-([0-9a-f]{64}))?\.weights\.h5"
)
# The attribute of a backup with what its model was compiled with.
COMPILED = "keras_ccar_compiled"
_EARLIER_PARTIAL = "partial-0.weights.h5"


class DamagedBackupError(ValueError):
    """There are backups to resume from, and all of them are damaged.

    Attributes:
        damage: what is wrong with each file.
    """

    def __init__(self, directory: Path, damage: dict[Path, str]) -> None:
        self.damage = damage
        details = "; ".join(f"{path}: {why}" for path, why in damage.items())
        super().__init__(
            "`directory` must hold a whole backup or none. Received: "
            f"directory={str(directory)!r}, where all are damaged: {details}. To begin "
            f"the training again, delete {' and '.join(map(str, damage))}."
        )


@dataclass(frozen=True)
class BackupFile:
    """One backup.

    Attributes:
        path: where it is.
        epoch: the epoch, from 0, that it reached.
        batch: the number of batches of that epoch that are trained.
        digest: SHA-256 of the content, None in a file of an earlier version.
        compiled: digest of what the model was compiled with, None if not known.
    """

    path: Path
    epoch: int
    batch: int
    digest: str | None
    compiled: str | None = None

    def find_damage(self) -> str | None:
        """Returns what is wrong with the content, None if it is whole."""
        try:
            if self.digest is None:
                # Without a checksum, HDF5 notices at least a file that is too short.
                with h5py.File(self.path):
                    return None
            with open(self.path, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            raise
        except OSError as error:
            return f"it cannot be read: {error}"
        return None if digest == self.digest else "its checksum is not that of its name"


class BackupFiles:
    """The backups of one training in a folder.

    Args:
        directory: the folder.
        is_usable: tells whether to resume from the whole backup at a path.
    """

    def __init__(self, directory: Path, is_usable: Callable[[Path], bool]) -> None:
        self.directory = directory
        self._is_usable = is_usable
        self._compiled: str | None = None
        # Newest first: the one that was read or written last, and those before it.
        self._generations: list[BackupFile] = []
        self._reported: set[Path] = set()

    def choose(self, compiled: dict[str, Any], expected: int) -> None:
        """Leaves alone the backups of models that are compiled otherwise, and warns.

        Args:
            compiled: what the model is compiled with.
            expected: the epoch that the training was expected to begin with.
        """
        self._compiled = digest_of(compiled)
        others = [file for file in self._find_all() if not self._is_chosen(file)]
        if not others:
            return
        try:
            with h5py.File(others[0].path) as file:
                how = difference(compiled, json.loads(file.attrs[COMPILED]))
        except (OSError, KeyError, ValueError):
            how = "its checksum or its content is damaged"
        own = next((file.epoch for file in self._find()), 0)
        data = ""
        if own != expected:
            data = f"; data that begin at `backup.epoch` began at epoch {expected}"
        warnings.warn(
            f"`directory` {str(self.directory)!r} holds a backup of a model that was "
            f"compiled otherwise: {how}. It stays there, and this training begins at "
            f"epoch {own}{data}. Give each stage of a training a directory of its own; "
            "to go on from that backup, compile the model as it was.",
            stacklevel=4,
        )

    def find_newest(self) -> BackupFile | None:
        """Returns the newest whole backup, None if there is none to resume from.

        Warns once of each newer one that is damaged.

        Raises:
            DamagedBackupError: if there are backups and all of them are damaged.
        """
        self._generations = []
        damaged: dict[Path, str] = {}
        found = self._find()
        for index, backup in enumerate(found):
            try:
                damage = backup.find_damage()
            except FileNotFoundError:  # Another process has just deleted it.
                continue
            if damage:
                damaged[backup.path] = damage
            elif self._is_usable(backup.path):
                self._report(damaged, backup)
                self._generations = found[index:]
                return backup
        if damaged:
            raise DamagedBackupError(self.directory, damaged)
        return None

    def prepare(self, is_writer: bool) -> None:
        """Creates the folder; the one process that writes to it makes it ready.

        That checks that it can write, and removes what a killed process half wrote.

        Raises:
            ValueError: if the folder cannot be created or written to.
        """
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            if not is_writer:
                return
            # It has no name, so a kill leaves nothing.
            with tempfile.TemporaryFile(dir=self.directory) as file:
                file.write(bytes(4096))
        except OSError as error:
            raise ValueError(
                "`directory` must be a folder that can be written to. Received: "
                f"directory={str(self.directory)!r}, where writing fails: {error}. "
                "Choose another folder."
            ) from error
        (self.directory / _EARLIER_PARTIAL).unlink(missing_ok=True)
        remove_leftovers(self.directory, "epoch-*-batch-*.weights.h5")

    def write(self, epoch: int, batch: int, content: memoryview) -> bool:
        """Writes a backup, and keeps of the others the one before it.

        Returns False, after a warning, if that fails. The others are then there still.
        """
        digest = hashlib.sha256(content).hexdigest()
        compiled = "" if self._compiled is None else f"-compiled-{self._compiled}"
        path = self.directory / _NAME.format(epoch, batch, compiled, digest)
        try:
            write_atomic(path, content)
            older = [
                backup
                for backup in self._generations
                if (backup.epoch, backup.batch) != (epoch, batch)
            ]
            written = BackupFile(path, epoch, batch, digest, self._compiled)
            self._generations = [written, *older[:1]]
            self.delete({backup.path for backup in self._generations})
        except OSError as error:
            warnings.warn(
                f"The backup {path} could not be written: {error}. The training goes "
                "on, and earlier backups stay. Make room on the disk, or stop the "
                "training and choose another folder.",
                stacklevel=4,
            )
            return False
        return True

    def delete(self, kept: set[Path] | frozenset[Path] = frozenset()) -> None:
        """Deletes all backups but those that are kept, damaged ones included."""
        for backup in self._find():
            if backup.path not in kept:
                backup.path.unlink(missing_ok=True)

    def _find(self) -> list[BackupFile]:
        """Returns the backups in the folder to choose from, the newest first."""
        return [file for file in self._find_all() if self._is_chosen(file)]

    def _is_chosen(self, file: BackupFile) -> bool:
        return None in (self._compiled, file.compiled) or (
            file.compiled == self._compiled
        )

    def _find_all(self) -> list[BackupFile]:
        found = [
            BackupFile(path, int(match[1]), int(match[2]), match[4], match[3])
            for path in sorted(self.directory.glob("*.h5"))
            if (match := _PATTERN.fullmatch(path.name))
        ]
        return sorted(found, key=lambda file: (file.epoch, file.batch), reverse=True)

    def _report(self, damaged: dict[Path, str], used: BackupFile) -> None:
        for path, damage in damaged.items():
            if path not in self._reported:
                self._reported.add(path)
                warnings.warn(
                    f"The backup {path} is damaged: {damage}. The training resumes "
                    f"from the older {used.path.name}; the next backup replaces the "
                    "damaged file.",
                    stacklevel=4,
                )
