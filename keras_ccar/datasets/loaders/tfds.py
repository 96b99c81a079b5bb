"""Makes long-tailed data from data sets of tensorflow-datasets."""

import functools
from typing import Any

import numpy as np

from keras_ccar.arguments import (
    check_boolean,
    check_text,
    check_whole_number,
    optional,
)
from keras_ccar.datasets.digests import digest_of_hashes, image_hashes
from keras_ccar.datasets.loaders import prepared
from keras_ccar.datasets.loaders.arrays import from_arrays, measured_imbalance_factor
from keras_ccar.datasets.long_tailed_data import LongTailedData
from keras_ccar.datasets.long_tailed_subset import check_imbalance_factor


def from_tfds(
    builder: Any,
    train_split: str = "train",
    test_split: str | None = "test",
    imbalance_factor: float | None = None,
    seed: int = 0,
    in_memory: bool = False,
    name: str | None = None,
    image_key: str = "image",
    label_key: str = "label",
) -> LongTailedData:
    """Makes long-tailed data from a data set that tensorflow-datasets has prepared.

    A streamed training set is read once when this is called, to compute the counts and
    the digest. No image is decoded: the digest is that of the encoded images.

    Args:
        builder: builder of tensorflow-datasets, `tfds.builder(...)`.
        train_split: name of the training split.
        test_split: name of the test split, or None.
        imbalance_factor: draws a long-tailed training set, as `from_arrays` does, if
            `in_memory`.
        seed: chooses the training examples.
        in_memory: decodes all images, which must have the same shape, into arrays.
        name: name of the data, for results. Defaults to the builder's.
        image_key: name of the image among the features.
        label_key: name of the integer label among the features.

    Returns:
        A `LongTailedData` with arrays if `in_memory`, else with streams.

    Raises:
        FileNotFoundError: if the data is not prepared; says how to prepare it.
        ValueError: if there is no such split or feature, or as `from_arrays`.

    Example:
    ```python
    import tensorflow_datasets as tfds
    from keras_ccar import datasets

    # Generated examples; leave `mock_data` out to read real ones.
    with tfds.testing.mock_data(num_examples=5):
        builder = tfds.builder("mnist")
        data = datasets.from_tfds(builder, in_memory=True)
    assert data.train_arrays[0].shape == (5, 28, 28, 1)
    ```
    """
    features = [check_text("image_key", image_key), check_text("label_key", label_key)]
    check_text("train_split", train_split)
    optional(check_text, "test_split", test_split)
    if imbalance_factor is not None:
        imbalance_factor = check_imbalance_factor(imbalance_factor)
    seed = check_whole_number("seed", seed, 0)
    in_memory = check_boolean("in_memory", in_memory)
    optional(check_text, "name", name)
    prepared.check_builder(builder)
    prepared.check_features(builder, image_key=image_key, label_key=label_key)
    name = name or builder.name
    class_names = builder.info.features[label_key].names
    if in_memory:
        read = functools.partial(prepared.read_arrays, builder, features=features)
        train = read(train_split)
        test = read(test_split) if test_split else None
        return from_arrays(train, test, imbalance_factor, seed, class_names, name)
    if imbalance_factor is not None:
        raise ValueError(
            "`imbalance_factor` needs the images in memory: pass `in_memory=True`, or "
            "leave `imbalance_factor` out."
        )
    all_labels, hashes = [], []
    batches = prepared.read_batches(builder, train_split, features, [image_key])
    for images, labels in batches:
        all_labels.append(labels)
        hashes.append(image_hashes(np.frombuffer(image, "uint8") for image in images))
    labels = np.concatenate(all_labels)
    class_counts = np.bincount(labels, minlength=len(class_names))
    # Unlike a local function, a partial one can be pickled for another process.
    stream = functools.partial(_stream, builder, image_key, label_key)
    return LongTailedData(
        name=name,
        class_counts=class_counts,
        class_names=tuple(class_names),
        imbalance_factor=measured_imbalance_factor(class_counts),
        seed=seed,
        digest=digest_of_hashes(np.concatenate(hashes), labels),
        encoded_train=functools.partial(stream, train_split),
        encoded_test=functools.partial(stream, test_split) if test_split else None,
    )


def _stream(builder: Any, image_key: str, label_key: str, split: str) -> Any:
    dataset = prepared.read_split(builder, split, [image_key, label_key], [image_key])
    return dataset.map(lambda example: (example[image_key], example[label_key]))
