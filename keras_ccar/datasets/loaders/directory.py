"""Makes long-tailed data from folders of images."""

import functools
import os
from collections.abc import Iterator, Sequence
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
from keras_ccar.datasets.images.bit_depth import BitDepth
from keras_ccar.datasets.images.decoding import decode_image, decode_images
from keras_ccar.datasets.loaders.arrays import arrange, measured_imbalance_factor
from keras_ccar.datasets.loaders.duplicates import warn_of_duplicates
from keras_ccar.datasets.loaders.folders import (
    check_same_classes,
    class_folders,
    files_and_labels,
)
from keras_ccar.datasets.long_tailed_data import Arrays, LongTailedData
from keras_ccar.datasets.long_tailed_subset import check_imbalance_factor
from keras_ccar.datasets.progress import progress_bar
from keras_ccar.inputs.class_names import check_class_names


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

    Images become uint8 RGB, the same in memory and streamed. The first frame or page
    of a file is taken, turned upright as its EXIF orientation says. Grey of 16 bits is
    scaled to 8: the value divided by 257, rounded; images of 16 bits that use 14 or
    fewer, as some X-rays do, are reported by a warning. Transparent pixels are put on
    white. Palettes and CMYK are converted by Pillow, without colour profiles.

    Hidden files and folders, whose names begin with a dot, are skipped, and `__MACOSX`,
    `__pycache__` and files that are no images. Test images whose pixels are those of a
    training image are reported by a warning.

    Args:
        path: folder with one folder of PNG, JPEG, BMP, GIF, WebP or TIFF images for
            each class.
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
        ValueError: if an argument is out of range; if a class folder is empty, holds a
            folder, a pipe or a link to nothing, or has a name that is not plain text;
            if the test data has another class; if an image cannot be read, is too
            large, or, in memory, is of another shape; or as `from_arrays`.

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
    if class_names is not None:
        names = check_class_names(class_names)
    else:
        names = class_folders(path)
        if test_path is not None:
            check_same_classes(test_path, names)
    depth = BitDepth()
    train = files_and_labels(path, names)
    test = None if test_path is None else files_and_labels(test_path, names)
    if in_memory:
        arranged = arrange(
            _read_arrays(*train, depth),
            test and _read_arrays(*test, depth),
            imbalance_factor=imbalance_factor,
            seed=seed,
            class_names=names,
            name=name,
            test_per_class=test_per_class,
        )
        test_files = test[0] if test else train[0]
        arranged.warn_of_duplicates(train[0].__getitem__, test_files.__getitem__)
        depth.warn_of_unused(str(path))
        return arranged.data
    if imbalance_factor is not None or test_per_class is not None:
        raise ValueError(
            "`imbalance_factor` and `test_per_class` need the images in memory: pass "
            "`in_memory=True`, or leave both out."
        )
    files, labels = train
    hashes = _hashes(files, depth)
    if test:
        test_hashes = _hashes(test[0], depth)
        warn_of_duplicates(hashes, test_hashes, files.__getitem__, test[0].__getitem__)
    depth.warn_of_unused(str(path))
    class_counts = np.bincount(labels, minlength=len(names))
    return LongTailedData(
        name=name,
        class_counts=class_counts,
        class_names=tuple(names),
        imbalance_factor=measured_imbalance_factor(class_counts),
        seed=seed,
        digest=digest_of_hashes(hashes, labels),
        # Unlike a lambda, a partial function can be pickled for another process.
        encoded_train=functools.partial(_stream, *train),
        encoded_test=test and functools.partial(_stream, *test),
    )


def _read_arrays(files: list[Path], labels: np.ndarray, depth: BitDepth) -> Arrays:
    return decode_images(_contents(files), depth), labels


def _contents(files: list[Path]) -> Iterator[tuple[bytes, bytes]]:
    """Yields the contents and the path of each file, with a progress bar."""
    for file in progress_bar(files, "Reading images"):
        try:
            contents = file.read_bytes()
        except OSError as error:
            raise ValueError(
                f"The image {file} cannot be read ({error.strerror}): replace it, or "
                "delete it."
            ) from error
        yield contents, os.fsencode(file)


def _hashes(files: list[Path], depth: BitDepth) -> np.ndarray:
    return image_hashes(decode_image(*image, depth) for image in _contents(files))


def _stream(files: list[Path], labels: np.ndarray) -> Any:
    import tensorflow as tf

    # A name that is not Unicode is no string of Python for TensorFlow.
    paths = [os.fsencode(file) for file in files]
    return tf.data.Dataset.from_tensor_slices((paths, labels)).map(
        lambda path, label: ((tf.io.read_file(path), path), label),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
