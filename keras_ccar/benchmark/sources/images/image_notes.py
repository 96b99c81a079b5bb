"""Says what of a folder of images is not used, or is not as it seems."""

import os
from collections.abc import Sequence
from pathlib import Path

from keras_ccar.datasets.loaders.folders import SUFFIXES
from keras_ccar.inputs.class_names import join_first

LISTED = 10


def note_others(files: Sequence[Path], path: Path, notes: list[str]) -> None:
    """Notes the files in a folder that are left out because of their names."""
    if not files:
        return
    names = join_first([os.path.relpath(file, path) for file in files], LISTED)
    which = "file in {} is" if len(files) == 1 else "files in {} are"
    notes.append(
        f"Warning: {len(files):,} other {which.format(path)} left out, as only "
        f"{', '.join(SUFFIXES)} are read: {names}. Save images of other kinds as PNG."
    )


def note_beside(files: Sequence[Path], path: Path, notes: list[str]) -> None:
    """Notes the images that lie beside the class folders in a folder."""
    if not files:
        return
    many = len(files) > 1
    what = "image files lie" if many else "image file lies"
    names = join_first([file.name for file in files], LISTED)
    notes.append(
        f"Warning: {len(files):,} {what} beside the class folders in {path}, "
        f"{'have' if many else 'has'} no class and {'are' if many else 'is'} left out: "
        f"{names}."
    )


def note_hidden(folders: Sequence[Path], path: Path, notes: list[str]) -> None:
    """Notes the folders of images that are left out as their names begin with a dot."""
    if not folders:
        return
    names = join_first([os.path.relpath(folder, path) for folder in folders], LISTED)
    which = (
        "folder of images in {} is"
        if len(folders) == 1
        else "folders of images in {} are"
    )
    notes.append(
        f"Warning: {len(folders):,} hidden {which.format(path)} left out: {names}. "
        "Rename what is meant, without the dot in front."
    )


def note_same_pictures(
    names: Sequence[str],
    classes: Sequence[str],
    hashes: Sequence[bytes],
    path: Path,
    notes: list[str],
) -> None:
    """Notes pictures that are in two classes, by the hashes of their pixels."""
    places: dict[bytes, list[int]] = {}
    for place, content in enumerate(hashes):
        places.setdefault(content, []).append(place)
    found = [
        " = ".join(names[place] for place in same)
        for same in places.values()
        if len({classes[place] for place in same}) > 1
    ]
    if found:
        which = "picture is" if len(found) == 1 else "pictures are"
        notes.append(
            f"Warning: {len(found):,} {which} in more than one class of {path}, with "
            f"the same pixels: {join_first(found, LISTED)}. A picture has one class: "
            "delete the files in the other ones."
        )


def note_sizes(sizes: Sequence[tuple[int, int]], side: int, notes: list[str]) -> None:
    """Notes that images are resized, by their heights and widths."""
    different = sorted(set(sizes), key=lambda size: (size[0] * size[1], size))
    shown = [f"{width} x {height}" for height, width in different]
    if len(different) > 1:
        notes.append(
            f"The images have {len(different)} sizes, from {shown[0]} to {shown[-1]} "
            f"pixels. All are resized to {side} x {side}, whatever their proportions."
        )
    elif different[0] != (side, side):
        notes.append(
            f"The images, of {shown[0]} pixels, are resized to {side} x {side}."
        )
