"""A folder that appears whole, or not at all."""

import contextlib
import os
import re
import shutil
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

# TensorFlow Serving ignores folders whose name is not a number.
_TEMPORARY = re.compile(r"\.\d+\.[0-9a-f]{32}")


@contextlib.contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """Yields a folder to write to, which becomes `target` if nothing fails.

    It lies beside `target` until then. What exports that were killed have left there is
    removed first.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(target.parent)
    folder = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    folder.mkdir()
    try:
        with _locked(folder):
            yield folder
            os.rename(folder, target)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _remove_leftovers(parent: Path) -> None:
    """Removes unfinished folders that no process is writing to."""
    for folder in parent.iterdir():
        if _TEMPORARY.fullmatch(folder.name) and folder.is_dir():
            # Another export is at work in it, or has just finished it.
            with contextlib.suppress(OSError), _locked(folder):
                shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Locks a folder; a `BlockingIOError` says that another process has.

    The operating system frees the lock when the process ends, however it ends. Windows
    locks no folders, and removes none that is written to.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
