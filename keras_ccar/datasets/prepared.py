"""Data sets that tensorflow-datasets has prepared on disk."""

import os

from keras_ccar.datasets._requirements import require


def open_prepared(name, data_dir=None, by_hand=""):
    """Returns the tensorflow-datasets builder of a prepared data set.

    Args:
        name: its name in tensorflow-datasets.
        data_dir: folder of the prepared data sets. Defaults to `TFDS_DATA_DIR`, or
            to tensorflow-datasets' own choice.
        by_hand: what has to be fetched by hand before it can be prepared, if
            anything.

    Raises:
        FileNotFoundError: if it is not prepared there; says how to prepare it.
    """
    tfds = require("tensorflow_datasets", "tensorflow-datasets")
    data_dir = data_dir or os.environ.get("TFDS_DATA_DIR")
    builder = tfds.builder(name, data_dir=data_dir)
    if not builder.info.splits:
        raise FileNotFoundError(
            f"No prepared {name} in {builder.data_path}: {by_hand}run `tfds build "
            f"{name} --data_dir=DIR`, then pass `data_dir=DIR` or set the environment "
            "variable TFDS_DATA_DIR to it."
        )
    return builder
