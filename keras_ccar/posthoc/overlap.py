"""Finds examples that two sets of data share, by their content."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_ccar.datasets.digests import image_hashes
from keras_ccar.datasets.elements import as_numpy


def require_separate(name: str, data: Any, train: Any) -> None:
    """Raises a `ValueError` for examples of data that training has seen.

    What is chosen on data that a model was trained on is chosen for a model that
    seems better than it is.

    Args:
        name: the name of the argument `data`.
        data: what something is chosen on: `(x, y)` or batches.
        train: the training data, in any of these forms.
    """
    seen = set(_hashes(train))
    shared = sum(example in seen for example in _hashes(data))
    if shared:
        examples = "example" if shared == 1 else "examples"
        raise ValueError(
            f"`{name}` must hold no example that the model was trained on. Received: "
            f"{shared} {examples} that `train` has too. Hold out a part of the "
            "training data before training."
        )


def _hashes(data: Any) -> Iterator[bytes]:
    """Yields a hash of the inputs of each example."""
    if isinstance(data, keras.utils.PyDataset):
        data = (data[index] for index in range(data.num_batches))
    for batch in [data] if isinstance(data, tuple) or hasattr(data, "dtype") else data:
        inputs = batch[0] if isinstance(batch, tuple | list) else batch
        columns = [_hashes_of(part) for part in keras.tree.flatten(inputs)]
        yield from map(bytes, np.stack(columns, axis=1))


def _hashes_of(part: Any) -> np.ndarray:
    values = as_numpy(part)
    # The same numbers may come as bytes and as floats.
    return image_hashes(
        values.astype("float32") if values.dtype.kind in "biuf" else values
    )
