"""Reads data sets that tensorflow-datasets has prepared on disk."""

import os
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np

from keras_ccar.arguments import argument_error
from keras_ccar.datasets.progress import progress_bar
from keras_ccar.requirements import require

DataDir = str | os.PathLike[str] | None
_BATCH = 256


def tfds_builder(name: str, data_dir: DataDir = None) -> Any:
    """Returns the tensorflow-datasets builder of a data set, prepared or not."""
    tfds = require("tensorflow_datasets", "tensorflow-datasets", "datasets")
    return tfds.builder(name, data_dir=data_dir or os.environ.get("TFDS_DATA_DIR"))


def read_split(
    builder: Any, split: str, features: Sequence[str], encoded: Collection[str] = ()
) -> Any:
    """Returns a split as a `tf.data.Dataset` of dicts, in the order on disk.

    `split` may be a part of one ("train[:10%]"). Only `features` are decoded, without
    those of them that are to stay `encoded`.
    """
    tfds = require("tensorflow_datasets", "tensorflow-datasets", "datasets")
    decoders = tfds.decode.PartialDecoding(
        dict.fromkeys(features, True),
        decoders={name: tfds.decode.SkipDecoding() for name in encoded},
    )
    config = tfds.ReadConfig(try_autocache=False)
    try:
        return builder.as_dataset(split=split, decoders=decoders, read_config=config)
    except AssertionError as error:  # raised by tensorflow-datasets if there is no data
        raise FileNotFoundError(_how_to_prepare(builder)) from error


def read_batches(
    builder: Any, split: str, features: Sequence[str], encoded: Collection[str] = ()
) -> Iterator[list[np.ndarray]]:
    """Yields batches of the features of a split, with a progress bar."""
    batches = read_split(builder, split, features, encoded).batch(_BATCH)
    total = num_batches(builder, split, _BATCH)
    iterator = batches.as_numpy_iterator()
    for batch in progress_bar(iterator, f"Reading {builder.name}", total):
        yield [batch[name] for name in features]


def read_arrays(builder: Any, split: str, features: Sequence[str]) -> list[np.ndarray]:
    """Reads a split into memory, one array per feature, in the order on disk."""
    columns = zip(*read_batches(builder, split, features), strict=True)
    return [np.concatenate(column) for column in columns]


def label_batches(builder: Any, split: str, label_key: str, batch_size: int) -> Any:
    """Returns the labels of a split as a `tf.data.Dataset` of `(batch,)`."""
    import tensorflow as tf

    check_features(builder, label_key=label_key)
    splits = builder.info.splits
    is_scalar = builder.info.features[label_key].shape == ()
    is_tfrecord = builder.info.file_format.value == "tfrecord"
    if not (is_scalar and split in splits and is_tfrecord):
        labels = read_split(builder, split, [label_key]).batch(batch_size)
        return labels.map(lambda batch: batch[label_key])
    # Parsing records in batches takes a tenth of the time of parsing them one by one.
    spec = {label_key: tf.io.FixedLenFeature([], "int64")}
    files = [str(path) for path in splits[split].filepaths]
    records = tf.data.TFRecordDataset(files).batch(batch_size)
    return records.map(lambda batch: tf.io.parse_example(batch, spec)[label_key])


def num_batches(builder: Any, split: str, batch_size: int) -> int | None:
    """Returns the number of batches of a split, or None if it is unknown."""
    splits = builder.info.splits
    return -(-splits[split].num_examples // batch_size) if splits else None


def check_builder(builder: Any) -> None:
    """Raises a `ValueError` for anything but a builder of tensorflow-datasets."""
    if not hasattr(builder, "as_dataset") or isinstance(builder, type):
        expected = "a builder of tensorflow-datasets, `tfds.builder(...)`"
        raise argument_error("builder", builder, expected)


def check_features(builder: Any, **features: str) -> None:
    """Raises a `ValueError` if the builder lacks a feature, given by its argument."""
    known = list(builder.info.features)
    for argument, name in features.items():
        if name not in known:
            raise ValueError(
                f"{builder.name} has no feature {name!r}: choose `{argument}` among "
                f"{', '.join(sorted(known))}."
            )


def _how_to_prepare(builder: Any) -> str:
    by_hand = " ".join((builder.MANUAL_DOWNLOAD_INSTRUCTIONS or "").split())
    if by_hand:
        by_hand = by_hand.rstrip(".").replace(". ", "; ")
        by_hand = f"download by hand into DIR/downloads/manual ({by_hand}), then "
    return (
        f"No prepared {builder.name} in {builder.data_path}: {by_hand}run `tfds build "
        f"{builder.name} --data_dir=DIR`, and pass `data_dir=DIR` or set the "
        "environment variable TFDS_DATA_DIR to it."
    )
