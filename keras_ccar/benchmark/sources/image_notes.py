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
