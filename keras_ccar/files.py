"""Files that are either whole or absent, checksums of content, and plain JSON."""

import errno
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

_CHECKSUM = "checksum"
_ALGORITHM = "sha256:"


class ChecksumError(ValueError):
    """The content of a file does not have the checksum in it."""


def write_atomic(path: str | Path, content: str | bytes | memoryview) -> None:
    """Writes text (as UTF-8) or bytes so that no reader ever sees half a file.

    The content goes to a temporary file in the same folder, which is then renamed to
    `path`. A process that is killed in between leaves the old file as it was. So does a
    machine that loses power: the content is on disk before the renaming, and the
    renaming before this returns. Missing folders are created.
    """
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
            file.flush()
            # `mkstemp` makes private files; give them the usual permissions.
            os.chmod(temporary, 0o666 & ~_umask())
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def remove_file(path: str | Path) -> None:
    """Removes a file and what a killed `write_atomic` left of it, if they exist."""
    path = Path(path)
    path.unlink(missing_ok=True)
    remove_leftovers(path.parent, path.name)


def remove_leftovers(folder: str | Path, names: str) -> None:
    """Removes what killed calls of `write_atomic` left in a folder.

    Nobody else may be writing these files: their temporary files look the same.

    Args:
        folder: the folder, which need not exist.
        names: pattern of the names of the files that were to be written.
    """
    for file in Path(folder).glob(f".{names}.*.tmp"):
        file.unlink(missing_ok=True)


def write_json(
    path: str | Path,
    value: Any,
    *,
    indent: int | None = 1,
    keep_infinity: bool = False,
) -> None:
    """Writes `to_json(value)` as JSON, atomically. It is strict without infinities."""
    text = json.dumps(
        to_json(value, keep_infinity),
        indent=indent,
        ensure_ascii=False,
        allow_nan=keep_infinity,
    )
    write_atomic(path, text + "\n")


def read_json(path: str | Path) -> Any:
    """Returns the content of a JSON file; a `ValueError` says that it is not JSON."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def add_checksum(content: dict[str, Any]) -> dict[str, Any]:
    """Returns the content of a JSON file with a checksum of it, as plain JSON."""
    content = to_json(content)
    return {**content, _CHECKSUM: _checksum(content)}


def read_checked_json(path: str | Path) -> Any:
    """Returns the content of a JSON file without its checksum, which must fit.

    A file without a checksum is believed.

    Raises:
        ChecksumError: if the checksum does not fit.
        ValueError: if the file is not JSON.
    """
    path = Path(path)
    try:
        content = read_json(path)
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}.") from None
    if not isinstance(content, dict):
        return content
    checksum = content.pop(_CHECKSUM, None)
    if checksum is None:
        # The damage may be in the very name of the checksum.
        fits = not any(str(value).startswith(_ALGORITHM) for value in content.values())
    else:
        fits = checksum == _checksum(content)
    if not fits:
        raise ChecksumError(
            f"{path} is damaged, or was edited: its checksum does not fit its content."
        )
    return content


def to_json(value: Any, keep_infinity: bool = False) -> Any:
    """Returns nested dicts, sequences, arrays and numbers in the types of JSON.

    NaN becomes None (`null`), and so does infinity unless it is kept.
    """
    if isinstance(value, dict):
        return {str(key): to_json(item, keep_infinity) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item, keep_infinity) for item in value]
    if isinstance(value, np.ndarray):
        return to_json(value.tolist(), keep_infinity)
    if isinstance(value, np.generic):
        return to_json(value.item(), keep_infinity)
    if isinstance(value, float) and not np.isfinite(value):
        return value if keep_infinity and np.isinf(value) else None
    return value


def _checksum(content: Any) -> str:
    """Returns a checksum of plain JSON, whatever its spaces on disk."""
    text = json.dumps(content)
    return _ALGORITHM + hashlib.sha256(text.encode("utf-8")).hexdigest()


def _sync_folder(folder: Path) -> None:
    """Waits until the names of the files in a folder are on disk."""
    if os.name == "nt":  # Windows has no such call.
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
        # Some network file systems have no such call either.
    finally:
        os.close(handle)


def _umask() -> int:
    """Returns the process's umask, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
