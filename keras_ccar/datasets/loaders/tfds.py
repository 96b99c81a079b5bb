"""Long-tailed data out of tensorflow-datasets."""

import functools

import numpy as np

from keras_ccar.datasets.digests import digest_of_hashes, image_hashes
from keras_ccar.datasets.loaders.arrays import from_arrays, measured_imbalance_factor
from keras_ccar.datasets.loaders.prepared import check_features, read_split, split_size
from keras_ccar.datasets.long_tailed_data import LongTailedData
from keras_ccar.datasets.progress import progress_bar

_BATCH = 256


def from_tfds(
    builder,
    train_split="train",
    test_split="test",
    imbalance_factor=None,
    seed=0,
    in_memory=False,
    name=None,
    image_key="image",
    label_key="label",
):
    """Makes long-tailed data of a data set that tensorflow-datasets has prepared.

    The training set is read once when this is called, without decoding an image: for
    the counts and the digest, which is one of the images as they are encoded.

    Args:
        builder: builder of tensorflow-datasets, `tfds.builder(...)`.
        train_split: name of the training split.
        test_split: name of the test split, or None.
        imbalance_factor: draws a long-tailed training set, as `from_arrays` does;
            needs `in_memory=True`. None takes all of it as it is.
        seed: chooses the training examples.
        in_memory: decodes all images into arrays, of which all must have one shape.
        name: name of the data, for results. Defaults to the builder's.
        image_key: name of the image among the features.
        label_key: name of the integer label among the features.

    Returns:
        A `LongTailedData`: with arrays if `in_memory`, else with streams.

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
    check_features(builder, [image_key, label_key])
    name = name or builder.name
    class_names = builder.info.features[label_key].names
    if in_memory:
        train, test = (
            split and _read_arrays(builder, split, image_key, label_key)
            for split in (train_split, test_split)
        )
        return from_arrays(train, test, imbalance_factor, seed, class_names, name)
    if imbalance_factor is not None:
        raise ValueError(
            "Drawing a long-tailed training set looks at each image: pass "
            "`in_memory=True` with `imbalance_factor`, or leave the latter out."
        )

    # Unlike a local function it can be handed to another process.
    stream = functools.partial(_stream, builder, image_key, label_key)
    labels, digest = _labels_and_digest(
        stream(train_split), split_size(builder, train_split), f"Reading {name}"
    )
    class_counts = np.bincount(labels, minlength=len(class_names))
    return LongTailedData(
        name=name,
        class_counts=class_counts,
        class_names=tuple(class_names),
        imbalance_factor=measured_imbalance_factor(class_counts),
        seed=seed,
        digest=digest,
        encoded_train=functools.partial(stream, train_split),
        encoded_test=test_split and functools.partial(stream, test_split),
    )


def _stream(builder, image_key, label_key, split):
    dataset = read_split(builder, split, [image_key, label_key], [image_key])
    return dataset.map(lambda example: (example[image_key], example[label_key]))


def _read_arrays(builder, split, image_key, label_key):
    batches = read_split(builder, split, [image_key, label_key]).batch(_BATCH)
    columns = zip(
        *(
            (batch[image_key], batch[label_key])
            for batch in batches.as_numpy_iterator()
        ),
        strict=True,
    )
    return tuple(np.concatenate(column) for column in columns)


def _labels_and_digest(stream, size, description):
    labels, hashes = [], []
    batches = stream.batch(_BATCH).as_numpy_iterator()
    total = None if size is None else -(-size // _BATCH)
    for contents, batch_labels in progress_bar(batches, description, total):
        labels.append(batch_labels)
        encoded = (np.frombuffer(content, dtype="uint8") for content in contents)
        hashes.append(image_hashes(encoded))
    all_labels = np.concatenate(labels)
    return all_labels, digest_of_hashes(np.concatenate(hashes), all_labels)
