"""CIFAR-10 and CIFAR-100."""

import re
from typing import Any

import numpy as np

from keras_ccar.datasets.loaders.prepared import DataDir, read_arrays, tfds_builder


def cifar_arguments(
    num_classes: int, data_dir: DataDir, selection: str, validation: bool
) -> dict[str, Any]:
    """Returns CIFAR-10 or CIFAR-100 (Krizhevsky 2009) for `from_arrays`.

    The test set is complete and balanced; `validation` leaves it out.
    `selection="cao"` draws the images of the LDAM-DRW code (Cao et al. 2019), which
    chooses them by their position in the original files, so the ids of the prepared
    copy must tell that position.
    """
    builder = tfds_builder(f"cifar{num_classes}", data_dir)
    features = ["image", "label", "id"]
    images, labels, ids = read_arrays(builder, "train", features)
    if selection == "cao":
        order = _original_order(ids, builder)
        images, labels = images[order], labels[order]
    return {
        "train": (images, labels),
        "test": None if validation else read_arrays(builder, "test", features[:2]),
        "class_names": builder.info.features["label"].names,
    }


def _original_order(ids: np.ndarray, builder: Any) -> np.ndarray:
    """Returns the positions in the order of the original files."""
    matches = [re.fullmatch(rb"train_(\d+)", name) for name in ids]
    places = np.array([int(match[1]) for match in matches if match])
    order = np.argsort(places)
    if np.array_equal(places[order], np.arange(len(ids))):
        return order
    raise ValueError(
        f'`selection="cao"` needs the order of the original files, which the copy in '
        f"{builder.data_path} does not tell (it holds the id {ids[0].decode()!r} where "
        f"'train_00000' is expected): prepare it with `tfds build {builder.name}`, or "
        'pass `selection="hash"`.'
    )
