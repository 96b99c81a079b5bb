"""Data sets that tensorflow-datasets has prepared on disk."""

import os

from keras_ccar.datasets._requirements import require


def prepared_builder(name, data_dir=None):
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
        split: name of the split.
        features: names of the features to read; no other is decoded.
        encoded: names of the images to leave as they are on disk.

    Raises:
        FileNotFoundError: if the data is not prepared; says how to prepare it.
        ValueError: if there is no such split or feature.
    """
    tfds = require("tensorflow_datasets", "tensorflow-datasets")
    known = dict(builder.info.features)
    unknown = [name for name in features if name not in known]
    if unknown:
        raise ValueError(
            f"{builder.name} has no feature {unknown[0]!r}: choose among "
            f"{', '.join(sorted(known))}."
        )
    if builder.info.splits and split not in builder.info.splits:
        raise ValueError(
            f"{builder.name} has no split {split!r}: choose among "
            f"{', '.join(sorted(builder.info.splits))}."
        )
    decoders = tfds.decode.PartialDecoding(
        dict.fromkeys(features, True),
        decoders={name: tfds.decode.SkipDecoding() for name in encoded},
    )
    try:
        return builder.as_dataset(split=split, decoders=decoders)
    except AssertionError as error:  # what tensorflow-datasets raises for no data
        raise FileNotFoundError(_how_to_prepare(builder)) from error


def split_size(builder, split):
    """Returns the number of examples of a split, or None if it is not known."""
    splits = builder.info.splits
    return splits[split].num_examples if split in splits else None


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
