"""Keeps what an encoder learned of the columns of a table."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from keras_ccar.benchmark.sources.tables.column_kinds import CATEGORY
from keras_ccar.benchmark.sources.tables.columns import Encoder, Words


def save_encoder(encoder: Encoder, path: Path) -> dict[str, Any]:
    """Writes an encoder to a `.keras` file.

    Returns:
        The rest of it, in the types of JSON, for `load_encoder`.
    """
    categories = {
        encoder.names[column]: encoder.categories(column)
        for column in encoder.columns(CATEGORY)
    }
    numbered = {
        name: [texts[0], *map(str, range(1, len(texts)))]
        for name, texts in categories.items()
    }
    # Keras writes a line for each category, and would lose an empty one at the end and
    # those that hold several lines.
    _set_categories(encoder, numbered)
    try:
        encoder.space.save(path)
    finally:
        _set_categories(encoder, categories)
    return {
        "kinds": encoder.kinds,
        "names": encoder.names,
        "means": encoder.means,
        "deviations": encoder.deviations,
        "categories": categories,
    }


def load_encoder(path: Path, state: Mapping[str, Any]) -> Encoder:
    """Returns an encoder that `save_encoder` wrote.

    Args:
        path: the file.
        state: what `save_encoder` returned.

    Raises:
        KeyError: if the state lacks something.
        ValueError: if the file is not there, or is broken.
    """
    keys = ("names", "means", "deviations")
    encoder = Encoder(state["kinds"], {}, *(state[key] for key in keys))
    classes = {"Words": Words, "FeatureSpace": keras.utils.FeatureSpace}
    try:
        encoder.space = keras.saving.load_model(path, custom_objects=classes)
    except Exception as error:  # of several types, for files that are broken
        raise ValueError(
            f"{path} must hold the columns of a comparison. Run its command again, "
            f"which writes the file anew: {error}"
        ) from error
    _set_categories(encoder, state["categories"])
    return encoder


def _set_categories(encoder: Encoder, categories: Mapping[str, Sequence[str]]) -> None:
    """Sets the categories of each input; the first stands for all others."""
    for name, texts in categories.items():
        encoder.space.preprocessors[name].set_vocabulary(list(texts))
