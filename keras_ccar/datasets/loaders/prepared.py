"""Data sets that tensorflow-datasets has prepared on disk."""

import os

from keras_ccar.requirements import require


def tfds_builder(name, data_dir=None):
    """Returns the tensorflow-datasets builder of a data set, prepared or not.

    Args:
        name: its name in tensorflow-datasets.
        data_dir: folder of the prepared data sets. Defaults to `TFDS_DATA_DIR`, or
            to tensorflow-datasets' own choice.
    """
    tfds = require("tensorflow_datasets", "tensorflow-datasets")
    return tfds.builder(name, data_dir=data_dir or os.environ.get("TFDS_DATA_DIR"))


def read_split(builder, split, features, encoded=()):
    """Returns a split as a `tf.data.Dataset` of dicts, in the order on disk.

    Args:
        builder: builder of tensorflow-datasets.
        split: name of the split, or part of one ("train[:10%]").
        features: names of the features to read; no other is decoded.
        encoded: names of the images to leave as they are on disk.

    Raises:
        FileNotFoundError: if the data is not prepared; says how to prepare it.
        ValueError: if there is no such split or feature.
    """
    tfds = require("tensorflow_datasets", "tensorflow-datasets")
    check_features(builder, features)
    decoders = tfds.decode.PartialDecoding(
        dict.fromkeys(features, True),
        decoders={name: tfds.decode.SkipDecoding() for name in encoded},
    )
    read_config = tfds.ReadConfig(try_autocache=False)
    try:
        return builder.as_dataset(
            split=split, decoders=decoders, read_config=read_config
        )
    except AssertionError as error:  # what tensorflow-datasets raises for no data
        raise FileNotFoundError(_how_to_prepare(builder)) from error


def label_batches(builder, split, label_key, batch_size):
    """Returns the labels of a split as a `tf.data.Dataset` of `(batch,)`.

    Arguments and errors are those of `read_split`.
    """
    import tensorflow as tf

    check_features(builder, [label_key])
    splits = builder.info.splits
    is_scalar = builder.info.features[label_key].shape == ()
    if not (is_scalar and split in splits and _is_tfrecord(builder)):
        labels = read_split(builder, split, [label_key]).batch(batch_size)
        return labels.map(lambda batch: batch[label_key])
    # Parsing many records at once takes a tenth of the time of one by one.
    spec = {label_key: tf.io.FixedLenFeature([], "int64")}
    files = [str(path) for path in splits[split].filepaths]
    return (
        tf.data.TFRecordDataset(files)
        .batch(batch_size)
        .map(lambda records: tf.io.parse_example(records, spec)[label_key])
    )


def split_size(builder, split):
    """Returns the number of examples of a split, or None if it is not known."""
    splits = builder.info.splits
    return splits[split].num_examples if splits else None


def _is_tfrecord(builder):
    return builder.info.file_format.value == "tfrecord"


def check_features(builder, features):
    """Raises a `ValueError` if the builder has no such features."""
    known = list(builder.info.features)
    unknown = [name for name in features if name not in known]
    if unknown:
        raise ValueError(
            f"{builder.name} has no feature {unknown[0]!r}: choose among "
            f"{', '.join(sorted(known))}."
        )


def _how_to_prepare(builder):
    by_hand = " ".join((builder.MANUAL_DOWNLOAD_INSTRUCTIONS or "").split())
    if by_hand:
        by_hand = by_hand.rstrip(".").replace(". ", "; ")
        by_hand = f"fetch by hand, into DIR/downloads/manual ({by_hand}), then "
    return (
        f"No prepared {builder.name} in {builder.data_path}: {by_hand}run `tfds build "
        f"{builder.name} --data_dir=DIR`, and pass `data_dir=DIR` or set the "
        "environment variable TFDS_DATA_DIR to it."
    )
