"""Lists the image files in folders, one folder for each class."""

import mimetypes
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from unicodedata import normalize

import numpy as np

from keras_ccar.inputs.class_names import check_class_names, is_plain_text, join_first

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
# Made by programs, not by people. Hidden names begin with a dot.
_NOT_MEANT = ("__MACOSX", "__pycache__", "Thumbs.db", "ehthumbs.db", "desktop.ini")
# Hidden folders of small copies of images, made by programs too.
_COPIES = (".ipynb_checkpoints", ".thumbnails", ".@__thumb")
_LISTED = 5


def class_folders(path: str | os.PathLike[str], fewest: int = 2) -> list[str]:
    """Returns the names of the class folders in a folder, in Unicode's NFC, sorted.

    macOS takes letters and their accents apart, so that one name may be written in two
    ways.

    Args:
        path: the folder.
        fewest: how many there must be.
    """
    if not os.path.isdir(path):
        raise FileNotFoundError(
            f"There is no folder {path}: pass the folder that holds one folder of "
            "images for each class."
        )
    entries = list(_entries(path))
    for entry, _ in entries:
        if not (os.path.exists(entry) or _is_image(entry)):
            raise ValueError(
                f"{entry} cannot be read, as it is a link to nothing and may have been "
                "a class folder: replace it, or delete it."
            )
    names = [entry.name for entry, is_folder in entries if is_folder]
    for name in names:
        if not is_plain_text(name):
            raise ValueError(
                f"The name of the class folder {name!r} in {path} is not plain text: "
                "rename it, without control characters and in the encoding of the "
                "other names."
            )
    if len(names) < fewest:
        raise ValueError(
            f"{path} must hold one folder of images for each class, but holds "
            f"{len(names)}: pass the folder above the class folders."
        )
    return sorted(check_class_names([normalize("NFC", name) for name in names]))


def check_same_classes(
    test_path: str | os.PathLike[str], class_names: Sequence[str]
) -> None:
    """Raises a `ValueError` if the test data has a class that training data lacks."""
    for name in class_folders(test_path):
        if name not in [normalize("NFC", known) for known in class_names]:
            raise ValueError(
                f"The test folder {test_path} has a class {name!r} that the training "
                "folder lacks: add it there, delete it, or pass `class_names`, the "
                "classes that you want."
            )


def files_and_labels(
    path: str | os.PathLike[str], class_names: Sequence[str]
) -> tuple[list[Path], np.ndarray]:
    """Returns the images in the class folders of a folder, and their int64 labels."""
    root = Path(path).resolve()
    known = {place: place for place in (root, *root.parents)}
    files: list[Path] = []
    labels: list[int] = []
    nested: list[str] = []
    empty: list[str] = []
    unread: list[str] = []
    for label, name in enumerate(class_names):
        folder = _folder_of(path, name)
        if not folder.is_dir():
            raise FileNotFoundError(
                f"There is no folder {folder} for class {name!r}: add it, or leave the "
                "class out of `class_names`."
            )
        other = known.setdefault(folder.resolve(), folder)
        if other != folder:
            raise ValueError(
                f"The class folder {folder} is a link to {other}, which is read or "
                "holds it already: delete the link."
            )
        entries = list(_entries(folder))
        within = [entry for entry, is_folder in entries if is_folder]
        files_within = [entry for entry, is_folder in entries if not is_folder]
        of_class = [file for file in files_within if _is_image(file)]
        unknown = [file for file in files_within if _is_unread(file)]
        if not (of_class or within or unknown):
            empty.append(name)
        nested += [f"{name}/{entry.name}" for entry in within]
        unread += [f"{name}/{file.name}" for file in unknown]
        files += of_class
        labels += [label] * len(of_class)
    _check_class_folders(path, nested, empty, unread)
    return files, np.array(labels)


def images_beside(path: str | os.PathLike[str]) -> list[Path]:
    """Returns the images that lie in a folder itself, beside the class folders."""
    return [
        entry
        for entry, is_folder in _entries(path)
        if not is_folder and _is_image(entry)
    ]


def others_within(
    path: str | os.PathLike[str], class_names: Sequence[str]
) -> list[Path]:
    """Returns the files in the class folders of a folder that are no images."""
    return [
        entry
        for name in class_names
        for entry, is_folder in _entries(_folder_of(path, name))
        if not is_folder and not _is_image(entry)
    ]


def hidden_folders(path: str | os.PathLike[str]) -> list[Path]:
    """Returns the folders with images in a folder that are skipped for their names."""
    found = []
    for entry in sorted(Path(path).iterdir()):
        if not entry.name.startswith(".") or entry.name in _COPIES:
            continue
        # One that nobody may read is skipped without asking what it holds.
        if entry.is_dir() and os.access(entry, os.R_OK | os.X_OK):
            within = [file for file in entry.iterdir() if _is_image(file)]
            found += [entry] if any(file.name[0] != "." for file in within) else []
    return found


class Below(NamedTuple):
    """What a folder and all folders in it hold.

    Attributes:
        images: the image files.
        others: the other files.
        hidden: folders with images that are skipped for their names.
    """

    images: list[Path]
    others: list[Path]
    hidden: list[Path]


def files_below(path: str | os.PathLike[str]) -> Below:
    """Returns the files in a folder and in all folders in it, sorted by their place.

    A folder that a link leads to again is read once.
    """
    found = Below([], [], [])
    folders, known = [Path(path)], set()
    while folders:
        folder = folders.pop(0)
        if (place := folder.resolve()) in known:
            continue
        known.add(place)
        found.hidden.extend(hidden_folders(folder))
        for entry, is_folder in _entries(folder):
            if is_folder:
                folders.append(entry)
            else:
                (found.images if _is_image(entry) else found.others).append(entry)
    return Below(*map(sorted, found))


def _folder_of(path: str | os.PathLike[str], class_name: str) -> Path:
    """Returns the folder of a class, whose name may be written in another way."""
    folder = Path(path) / class_name
    if folder.is_dir() or not os.path.isdir(path):
        return folder
    name = normalize("NFC", class_name)
    same = [entry for entry in os.listdir(path) if normalize("NFC", entry) == name]
    return Path(path) / same[0] if same else folder


def _is_image(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES


def _is_unread(file: Path) -> bool:
    """Whether a file is an image of a kind that is not read."""
    kind = mimetypes.guess_type(file.name)[0] or ""
    return not _is_image(file) and kind.startswith("image/")


def _check_class_folders(
    path: str | os.PathLike[str],
    nested: Sequence[str],
    empty: Sequence[str],
    unread: Sequence[str],
) -> None:
    """Raises a `ValueError` that names all that class folders must not be or hold."""
    kinds = ", ".join(SUFFIXES)
    found = [
        ("folders in them", nested, "move their images up, or delete them"),
        ("some without an image", empty, f"add images ({kinds}), or delete them"),
        ("images of a kind that is not read", unread, "save as PNG, or delete them"),
    ]
    problems = [
        f"{what} ({join_first(names, _LISTED)}): {advice}"
        for what, names, advice in found
        if names
    ]
    if problems:
        raise ValueError(
            f"The class folders in {path} must hold images alone, but there are "
            f"{'; '.join(problems)}."
        )


def _entries(folder: str | os.PathLike[str]) -> Iterator[tuple[Path, bool]]:
    """Yields what a folder holds, and whether it is a folder; hidden names are skipped.

    Reading a pipe would never end, so special files are refused. A link to nothing is a
    file, which cannot be read.
    """
    for entry in sorted(Path(folder).iterdir()):
        if entry.name.startswith(".") or entry.name in _NOT_MEANT:
            continue
        try:
            mode = entry.stat().st_mode
        except OSError:  # a link to nothing, or to itself
            yield entry, False
            continue
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise ValueError(
                f"{entry} is neither a file nor a folder, but a pipe, a socket or a "
                "device: delete it."
            )
        yield entry, stat.S_ISDIR(mode)
