"""Changes files on the first host only, and locks the folder of a comparison."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import filelock

from keras_ccar.replicas import process_index

# Hidden, and gone when the folder is no longer in use.
_LOCK_FILE = ".lock"


class FolderInUseError(Exception):
    """Another process is using a folder."""


def on_first_host(change: Callable[..., None], *arguments: Any) -> None:
    """Calls a function that changes files, on the first of several hosts only."""
    if process_index() == 0:
        change(*arguments)


@contextlib.contextmanager
def lock_folder(folder: str | Path) -> Iterator[None]:
    """Locks a folder, so that only one process uses it at a time.

    The operating system frees the lock when the process ends, however it ends. Of
    several hosts that train together, the first one holds the lock. The folder is
    created if it does not exist.

    Raises:
        FolderInUseError: if another process is using the folder.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if process_index():
        yield
        return
    path = folder / _LOCK_FILE
    lock = filelock.FileLock(path)
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        raise FolderInUseError(
            f"another comparison is at work in {folder}; wait for it, or choose "
            "another folder with --output."
        ) from None
    try:
        yield
    finally:
        # While it is held: a process that has just opened the file cannot lock it, and
        # filelock locks no removed file.
        with contextlib.suppress(OSError):  # Windows does not remove an open file.
            path.unlink()
        lock.release()
