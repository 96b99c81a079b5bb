"""Files that are either whole or absent, and plain JSON."""

import json
import os
import tempfile
from pathlib import Path

import numpy as np

from keras_ccar.replicas import process_index


def write_atomic(path, content):
    """Writes text or bytes to `path` so that no reader ever sees half a file.

    The content goes to a temporary file in the same folder, which then takes
    the place of `path` in one step. A process that is stopped in between leaves
    the old file as it was. Of several hosts that train together the first one writes.

    Args:
        path: where to write. Missing folders are created.
        content: `str` (written as UTF-8) or `bytes`.
    """
    if process_index():
        return
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str):
        content = content.encode("utf-8")
    handle, temporary = tempfile.mkstemp(
        dir=path.parent, prefix=f".{path.name}.", suffix=".tmp"
    )
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        # mkstemp makes private files; results are for everyone the folder is for.
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def remove_file(path):
    """Removes what `write_atomic` wrote, or began to write when it was killed.

    Args:
        path: the file. It may be absent.
    """
    if process_index():
        return
    path = Path(path)
    for file in (path, *path.parent.glob(f".{path.name}.*.tmp")):
        file.unlink(missing_ok=True)


def write_json(path, value):
    """Writes `value` as strict JSON, atomically.

    NumPy scalars and arrays become numbers and lists; a NaN becomes `null`,
    which is what JSON has for a number that does not exist.

    Args:
        path: where to write.
        value: dicts, lists, strings, numbers and NumPy arrays, nested.
    """
    text = json.dumps(to_json(value), indent=1, ensure_ascii=False, allow_nan=False)
    write_atomic(path, text + "\n")


def read_json(path):
    """Returns what the JSON file `path` holds.

    Args:
        path: A file written by `write_json`.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is not JSON.
    """
    return json.loads(Path(path).read_text(encoding="utf-8"))


def to_json(value):
    """Returns `value` in the types that JSON knows.

    Args:
        value: dicts, lists, tuples, NumPy arrays and scalars, nested.
    """
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, np.ndarray):
        return to_json(value.tolist())
    if isinstance(value, np.generic):
        return to_json(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def _umask():
    """Returns the process's umask, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
