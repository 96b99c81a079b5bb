"""Locks the folder of a comparison."""

import contextlib
import os
from pathlib import Path

from keras_ccar.replicas import process_index


class FolderInUseError(Exception):
    """Another process is using a folder."""


@contextlib.contextmanager
def lock_folder(folder):
    """Keeps other processes that ask for the same from using a folder.

    The system ends it with the process, however that ends. Where it knows no locks,
    nothing is kept from anybody. Of several hosts that train together the first one
    keeps the folder.

    Args:
        folder: made if it does not exist.

    Raises:
        FolderInUseError: if another process is using the folder.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except ImportError:
        fcntl = None
    if fcntl is None or process_index():
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderInUseError(
                f"another comparison is at work in {folder}; wait for it, or choose "
                "another folder with --output."
            ) from None
        yield
    finally:
        os.close(handle)
