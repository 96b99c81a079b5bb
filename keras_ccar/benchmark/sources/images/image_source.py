"""Reads a folder with one folder of images for each class."""

import os
from dataclasses import dataclass
from pathlib import Path
from unicodedata import normalize

import keras
import numpy as np

from keras_ccar.benchmark.pretrained import image_side
from keras_ccar.benchmark.sources import networks
from keras_ccar.benchmark.sources.images import backbones
from keras_ccar.benchmark.sources.images.image_files import read_image_files
from keras_ccar.benchmark.sources.images.image_notes import (
    note_beside,
    note_hidden,
    note_others,
    note_same_pictures,
    note_sizes,
)
from keras_ccar.benchmark.sources.images.image_reading import ImageReading
from keras_ccar.benchmark.sources.labels.coding import shown
from keras_ccar.benchmark.sources.labels.labelled import (
    Labelled,
    divide,
    label_examples,
)
from keras_ccar.benchmark.sources.options import SourceOptions
from keras_ccar.benchmark.sources.splitting.split import check_same_classes
from keras_ccar.benchmark.sources.user_data import Arrays, UserData
from keras_ccar.datasets.images.decoding import decode_image
from keras_ccar.datasets.loaders.folders import (
    class_folders,
    files_and_labels,
    hidden_folders,
    images_beside,
    others_within,
)
from keras_ccar.requirements import require

# Small networks learn little from larger images that they would not from these.
_USUAL_SIDE = 64
_LEAST_SIDE = 8


@dataclass(frozen=True)
class _Images:
    """The images of a folder that can be read."""

    files: list[Path]
    classes: list[str]
    sizes: list[tuple[int, int]]
    pixels: np.ndarray | None


def count_folder(path: Path, options: SourceOptions) -> tuple[Labelled, list[str]]:
    """Returns the labels of the images in a folder, and what there is to say."""
    notes: list[str] = []
    images = _read_images(path, None, notes)
    where, fewest = f"The folder {path}", options.fewest_examples()
    return label_examples(images.classes, where, notes, fewest), notes


def read_folder(path: Path, options: SourceOptions) -> UserData:
    """Reads, resizes and splits the images of a folder.

    Files that cannot be read are left out and named in the notes.

    Raises:
        ValueError: if there are too few classes or images; as `datasets.from_directory`
            for folders that cannot be meant.
    """
    notes: list[str] = []
    has_features = options.backbone is not None and options.tune != "all"
    side = _choose_side(path, options)
    images = _read_images(path, None if has_features else side, notes)
    where, fewest = f"The folder {path}", options.fewest_examples()
    labelled = label_examples(images.classes, where, notes, fewest)
    # A file that was copied to another system may have its name written in another way.
    keys = [
        normalize("NFC", f"{file.parent.name}/{file.name}") for file in images.files
    ]
    parts = divide(labelled, keys, options)
    note_sizes(images.sizes, side, notes)

    def take(images: _Images, indices: np.ndarray, labels: np.ndarray) -> Arrays:
        if not has_features:
            assert images.pixels is not None
            return images.pixels[indices], labels
        files = [images.files[index] for index in indices]
        features = backbones.read_features(str(options.backbone), files, side, options)
        return features, labels

    arrays = {name: take(images, *part) for name, part in parts.items()}
    coding = labelled.coding
    for part, folder in options.paths.items():
        _check_no_others(folder, part, class_folders(path))
        held_out = _read_images(folder, None if has_features else side, notes, 1)
        # Of a class that was left out.
        kept = [
            i for i, name in enumerate(held_out.classes) if name in coding.class_names
        ]
        where = f"The {part} folder {folder}"
        labels = coding.encode([held_out.classes[i] for i in kept], where)
        check_same_classes(labels, coding, where, part, notes)
        arrays[part] = take(held_out, np.array(kept, "int64"), labels)
    data = UserData(
        name=Path(os.path.abspath(path)).name,
        kind=coding.kind,
        class_names=coding.class_names,
        train=arrays["train"],
        validation=arrays["validation"],
        test=arrays.get("test"),
        build_model=lambda: keras.Model(),
        reading=ImageReading(
            side,
            options.backbone if has_features else None,
            has_features and options.tune == "stage",
        ),
        example=decode_image(images.files[0].read_bytes(), str(images.files[0])),
        notes=notes,
    )
    if options.backbone is None:
        data.build_model = networks.convnet_maker(
            data.train[0], data.num_outputs, coding.kind == "labels"
        )
    else:
        backbones.complete(data, options, side)
    return data


def _choose_side(path: Path, options: SourceOptions) -> int:
    """Returns the side in pixels that images are resized to."""
    if options.image_size is not None:
        return options.image_size
    if options.backbone is not None:
        return image_side(options.backbone)
    pillow = require("PIL.Image", "Pillow", "datasets")
    files, _ = files_and_labels(path, class_folders(path))
    sides = []
    for file in files:
        try:
            with pillow.open(file) as image:  # reads no pixels
                sides.append(min(image.size))
        except Exception:
            continue  # It is named when it is read.
    usual = int(np.median(sides)) if sides else _USUAL_SIDE
    return max(_LEAST_SIDE, min(_USUAL_SIDE, usual))


def _check_no_others(folder: Path, part: str, class_names: list[str]) -> None:
    """Raises a `ValueError` if a part has classes that the training data lacks."""
    others = [name for name in class_folders(folder, 1) if name not in class_names]
    if others:
        raise ValueError(
            f"The {part} folder {folder} must have class folders of the training data "
            f"alone. Received others: {shown(others)}. Remove these folders there, or "
            "add such classes to the training data."
        )


def _read_images(
    path: Path, side: int | None, notes: list[str], fewest: int = 2
) -> _Images:
    """Reads all images, to square pixels if there is a side; notes what is broken.

    Args:
        path: the folder.
        side: the side in pixels, or None for no pixels.
        notes: takes what there is to say.
        fewest: the classes that there must be images of.
    """
    names = class_folders(path, fewest)
    files, labels = files_and_labels(path, names)
    note_beside(images_beside(path), path, notes)
    note_hidden(hidden_folders(path), path, notes)
    note_others(others_within(path, names), path, notes)
    places = [f"{file.parent.name}/{file.name}" for file in files]
    good, why_not = read_image_files(files, places, side, path, notes, True)
    classes = [names[labels[i]] for i, _ in good]
    if why_not and len(set(classes)) < fewest:
        some = "two classes or more" if fewest == 2 else "a class"
        raise ValueError(
            f"The folder {path} must hold images that can be read, of {some}. "
            f"{len(files) - len(good)} of {len(files)} image files cannot be "
            f"read. The first: {why_not}"
        )
    hashes = [one.content for _, one in good]
    note_same_pictures([places[i] for i, _ in good], classes, hashes, path, notes)
    pixels = [one.pixels for _, one in good if one.pixels is not None]
    return _Images(
        [files[i] for i, _ in good],
        classes,
        [one.size for _, one in good],
        np.stack(pixels) if pixels else None,
    )
