"""The numbered versions of a model in its folder."""

import os
import re
from pathlib import Path


def list_versions(path: str | os.PathLike[str]) -> list[int]:
    """Returns the versions of a model that lie in its folder, the lowest first.

    Hidden names do not count: an unfinished export has one.

    Args:
        path: the folder of the model, which need not exist.

    Raises:
        ValueError: if it is a file, or holds anything but numbered versions.
    """
    root = Path(path)
    if not os.path.lexists(root):
        return []
    if not root.is_dir():
        raise ValueError(
            f"`--export` must be a folder for a model. {root} is a file: name another."
        )
    entries = [entry for entry in root.iterdir() if not entry.name.startswith(".")]
    others = sorted(
        entry.name
        for entry in entries
        if not (re.fullmatch("[0-9]+", entry.name) and entry.is_dir())
    )
    if others:
        raise ValueError(
            "`--export` must be a new folder, or one that holds nothing but numbered "
            f"versions of a model. {root} holds {others[0]!r}: name another folder."
        )
    return sorted(int(entry.name) for entry in entries)
