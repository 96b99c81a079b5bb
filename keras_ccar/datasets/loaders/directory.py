"""Makes long-tailed data from folders of images."""

import functools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_ccar.arguments import (
    check_boolean,
    check_path,
    check_text,
    check_whole_number,
    optional,
)
from keras_ccar.datasets.digests import digest_of_hashes, image_hashes
from keras_ccar.datasets.loaders.arrays import from_arrays, measured_imbalance_factor
from keras_ccar.datasets.long_tailed_data import Arrays, LongTailedData
from keras_ccar.datasets.long_tailed_subset import check_imbalance_factor
from keras_ccar.datasets.progress import progress_bar
from keras_ccar.inputs.class_names import check_class_names
from keras_ccar.requirements import require

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif")


def from_directory(
    path: str | os.PathLike[str],
    test_path: str | os.PathLike[str] | None = None,
    imbalance_factor: float | None = None,
    seed: int = 0,
    test_per_class: int | None = None,
    in_memory: bool = True,
    name: str | None = None,
    class_names: Sequence[str] | None = None,
) -> LongTailedData:
    """Makes long-tailed data from folders of images, one folder per class.

    Args:
        path: folder with one folder of PNG, JPEG, BMP or GIF images for each class.
        test_path: folder of the same kind, with the same classes, or None.
        imbalance_factor: draws a long-tailed training set, as `from_arrays` does.
        seed: chooses the training examples.
        test_per_class: takes a test set from `path`, as `from_arrays` does.
        in_memory: reads the images, which must have the same shape, into arrays. False
            streams them from disk, without `imbalance_factor` and `test_per_class`.
        name: name of the data, for results. Defaults to that of the folder.
        class_names: folders in the order of the classes. Defaults to all, sorted.

    Returns:
        A `LongTailedData` with uint8 RGB images.

    Raises:
        FileNotFoundError: if a folder is missing.
        ValueError: if an argument is out of range, a class folder is empty, an image
            cannot be read or is of another shape, or as `from_arrays`.

    Example:
    ```python
    import tempfile
    from pathlib import Path

    import keras
    import numpy as np
    from keras_ccar import datasets

    with tempfile.TemporaryDirectory() as folder:
        for animal, count in {"cat": 8, "owl": 2}.items():
            (Path(folder) / animal).mkdir()
            for i in range(count):
                image = np.full((4, 4, 3), 10 * i)
                keras.utils.save_img(
                    Path(folder) / animal / f"{i}.png", image, scale=False
                )
        data = datasets.from_directory(folder)
    assert data.class_counts.tolist() == [8, 2]
    assert data.class_names == ("cat", "owl")
    ```
    """
    check_path("path", path)
    optional(check_path, "test_path", test_path)
    if imbalance_factor is not None:
        imbalance_factor = check_imbalance_factor(imbalance_factor)
    seed = check_whole_number("seed", seed, 0)
    optional(check_whole_number, "test_per_class", test_per_class, 1)
    in_memory = check_boolean("in_memory", in_memory)
    # The name of "." is empty.
    name = optional(check_text, "name", name) or Path(os.path.abspath(path)).name
    if class_names is None:
        class_names = _class_folders(path)
    else:
        class_names = check_class_names(class_names)
    train = _files_and_labels(path, class_names)
    test = _files_and_labels(test_path, class_names) if test_path is not None else None
    if in_memory:
        train_and_test = _read_arrays(*train), test and _read_arrays(*test)
        return from_arrays(
            *train_and_test, imbalance_factor, seed, class_names, name, test_per_class
        )
    if imbalance_factor is not None or test_per_class is not None:
        raise ValueError(
            "`imbalance_factor` and `test_per_class` need the images in memory: pass "
            "`in_memory=True`, or leave both out."
        )
    files, labels = train
    class_counts = np.bincount(labels, minlength=len(class_names))
    images = (_read_image(file) for file in progress_bar(files, f"Reading {name}"))
    return LongTailedData(
        name=name,
        class_counts=class_counts,
        class_names=tuple(class_names),
        imbalance_factor=measured_imbalance_factor(class_counts),
        seed=seed,
        digest=digest_of_hashes(image_hashes(images), labels),
        # Unlike a lambda, a partial function can be pickled for another process.
        encoded_train=functools.partial(_stream, *train),
        encoded_test=test and functools.partial(_stream, *test),
    )


def _class_folders(path: str | os.PathLike[str]) -> list[str]:
    if not os.path.isdir(path):
        raise FileNotFoundError(
            f"There is no folder {path}: pass the folder that holds one folder of "
            "images for each class."
        )
    names = sorted(folder.name for folder in Path(path).iterdir() if folder.is_dir())
    if len(names) < 2:
        raise ValueError(
            f"{path} must hold one folder of images for each class, but holds "
            f"{len(names)}: pass the folder above the class folders."
        )
    return names


def _files_and_labels(
    path: str | os.PathLike[str], class_names: Sequence[str]
) -> tuple[list[Path], np.ndarray]:
    files: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(class_names):
        folder = Path(path) / name
        if not folder.is_dir():
            raise FileNotFoundError(
                f"There is no folder {folder} for class {name!r}: add it, or leave the "
                "class out of `class_names`."
            )
        of_class = sorted(
            file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES
        )
        if not of_class:
            raise ValueError(
                f"The class folder {folder} holds no image ({', '.join(SUFFIXES)}): "
                "add images, or delete it."
            )
        files += of_class
        labels += [label] * len(of_class)
    return files, np.array(labels)


def _read_arrays(files: list[Path], labels: np.ndarray) -> Arrays:
    images: list[np.ndarray] = []
    for file in progress_bar(files, "Reading images"):
        image = _read_image(file)
        if images and image.shape != images[0].shape:
            raise ValueError(
                f"{file} has {image.shape[:2]} pixels, but {files[0]} has "
                f"{images[0].shape[:2]}: resize all images to one shape, or pass "
                "`in_memory=False`."
            )
        images.append(image)
    return np.stack(images), labels


def _read_image(file: Path) -> np.ndarray:
    pillow = require("PIL.Image", "Pillow", "datasets")
    try:
        with pillow.open(file) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:  # all raised by Pillow
        raise ValueError(
            f"The image {file} cannot be read ({error}): replace it, or delete it."
        ) from error


def _stream(files: list[Path], labels: np.ndarray) -> Any:
    import tensorflow as tf

    paths = [str(file) for file in files]
    return tf.data.Dataset.from_tensor_slices((paths, labels)).map(
        lambda path, label: (tf.io.read_file(path), label),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
