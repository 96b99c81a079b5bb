"""Makes long-tailed data from data sets of tensorflow-datasets."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from keras_ccar.arguments import check_boolean, check_text, check_whole_number, optional
from keras_ccar.datasets.digests import digest_of_hashes, image_hashes
from keras_ccar.datasets.images.bit_depth import BitDepth
from keras_ccar.datasets.images.decoding import decode_image, decode_images
from keras_ccar.datasets.loaders import prepared
from keras_ccar.datasets.loaders.arrays import (
    arrange,
    check_test_labels,
    measured_imbalance_factor,
)
from keras_ccar.datasets.loaders.duplicates import warn_of_duplicates
from keras_ccar.datasets.long_tailed_data import Arrays, LongTailedData
from keras_ccar.datasets.long_tailed_subset import check_imbalance_factor
from keras_ccar.inputs.checks import integer_labels
from keras_ccar.inputs.class_names import check_class_names
from keras_ccar.requirements import require


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

    Images become uint8, decoded as `from_directory` does, in memory as streamed: RGB,
    but in memory `(h, w, 1)` if the feature has one channel.

    Streamed sets are read once when this is called, to compute the counts and the
    digest, and to report test images that are training images too. No image of 8 bits
    is decoded: the digest is that of the encoded images.

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
        ValueError: if there is no such split or feature, if an image cannot be decoded,
            or as `from_arrays`.

    Example:
    ```python
    import tensorflow_datasets as tfds
    from keras_ccar import datasets

    # Generated examples; leave `mock_data` out to read real ones.
    with tfds.testing.mock_data(num_examples=5):
        builder = tfds.builder("mnist")
        data = datasets.from_tfds(builder, test_split=None, in_memory=True)
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
    if in_memory:
        class_names = getattr(builder.info.features[label_key], "names", None)
        depth = BitDepth()
        train = _read_arrays(builder, train_split, features, depth)
        test = None
        if test_split:
            test = _read_arrays(builder, test_split, features, depth)
        depth.warn_of_unused(builder.name)
        arranged = arrange(train, test, imbalance_factor, seed, class_names, name)
        arranged.warn_of_duplicates(
            partial(_name_of, train_split), partial(_name_of, test_split)
        )
        return arranged.data
    if imbalance_factor is not None:
        raise ValueError(
            "`imbalance_factor` needs the images in memory: pass `in_memory=True`, or "
            "leave `imbalance_factor` out."
        )
    _check_decodable(builder, image_key)
    data, hashes = stream_splits(
        builder, train_split, test_split, seed, name, image_key, label_key
    )
    if test_split:
        test_hashes, test_labels = _read_hashes(builder, test_split, features)
        check_test_labels(test_labels, data.num_classes)
        of_train = partial(_name_of, train_split)
        of_test = partial(_name_of, test_split)
        warn_of_duplicates(hashes, test_hashes, of_train, of_test)
    return data


def stream_splits(
    builder: Any,
    train_split: str,
    test_split: str | None,
    seed: int,
    name: str,
    image_key: str = "image",
    label_key: str = "label",
) -> tuple[LongTailedData, np.ndarray]:
    """Returns streams, and the hashes of the training images.

    The test split is not read, for data sets that are known.
    """
    hashes, labels = _read_hashes(builder, train_split, [image_key, label_key])
    class_names = getattr(builder.info.features[label_key], "names", None)
    names = check_class_names(class_names or range(labels.max() + 1))
    class_counts = np.bincount(labels, minlength=len(names))
    # Unlike a local function, a partial one can be pickled for another process.
    stream = partial(_stream, builder, image_key, label_key)
    data = LongTailedData(
        name=name,
        class_counts=class_counts,
        class_names=tuple(names),
        imbalance_factor=measured_imbalance_factor(class_counts),
        seed=seed,
        digest=digest_of_hashes(hashes, labels),
        encoded_train=partial(stream, train_split),
        encoded_test=partial(stream, test_split) if test_split else None,
    )
    return data, hashes


def _read_arrays(
    builder: Any, split: str, features: list[str], depth: BitDepth
) -> Arrays:
    feature = builder.info.features[features[0]]
    if not _is_decodable(feature):
        images, labels = prepared.read_arrays(builder, split, features)
        return images, labels
    all_labels: list[np.ndarray] = []

    def encoded() -> Iterator[tuple[bytes, str]]:
        batches = prepared.read_batches(builder, split, features, features[:1])
        for batch, labels in batches:
            start = sum(map(len, all_labels))
            yield from ((c, _name_of(split, start + i)) for i, c in enumerate(batch))
            all_labels.append(labels)

    images = decode_images(encoded(), depth)
    is_gray = feature.shape[-1] == 1
    return images[..., :1] if is_gray else images, np.concatenate(all_labels)


def _read_hashes(
    builder: Any, split: str, features: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the hashes of the encoded images, and their labels."""
    hashes, all_labels = [], []
    depth = BitDepth()
    is_16_bits = np.dtype(builder.info.features[features[0]].np_dtype) == np.uint16
    for images, labels in prepared.read_batches(builder, split, features, features[:1]):
        all_labels.append(labels)
        hashes.append(image_hashes(np.frombuffer(image, "uint8") for image in images))
        if is_16_bits:
            for image in images:
                decode_image(image, _name_of(split, len(hashes)), depth)
    depth.warn_of_unused(f"the split {split!r} of {builder.name}")
    labels = np.concatenate(all_labels)
    return np.concatenate(hashes), integer_labels(labels, len(labels))


def _is_decodable(feature: Any) -> bool:
    """Tells images in files of 8 or 16 bits from arrays, and floats stored as files."""
    tfds = require("tensorflow_datasets", "tensorflow-datasets", "datasets")
    is_image = isinstance(feature, tfds.features.Image)
    return is_image and np.dtype(feature.np_dtype) in (np.uint8, np.uint16)


def _check_decodable(builder: Any, image_key: str) -> None:
    feature = builder.info.features[image_key]
    if not _is_decodable(feature):
        raise ValueError(
            f"The feature {image_key!r} of {builder.name} must hold images of 8 or 16 "
            f"bits to be streamed. Received: {feature}. Pass `in_memory=True`."
        )


def _name_of(split: str | None, number: int) -> str:
    return f"image {number} of the split {split!r}"


def _stream(builder: Any, image_key: str, label_key: str, split: str) -> Any:
    import tensorflow as tf

    def encoded(number: Any, example: Any) -> Any:
        name = tf.strings.format(f"image {{}} of the split {split!r}", number)
        return (example[image_key], name), example[label_key]

    dataset = prepared.read_split(builder, split, [image_key, label_key], [image_key])
    return dataset.enumerate().map(encoded)
