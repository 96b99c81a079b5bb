"""Finds examples that two sets of data share, by their content."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_ccar.datasets.digests import image_hashes
from keras_ccar.datasets.elements import as_numpy
from keras_ccar.posthoc.data.batches import read_batches


def require_separate(name: str, data: Any, train: Any) -> None:
    """Raises a `ValueError` for examples of data that training has seen.

    What is chosen on data that a model was trained on is chosen for a model that
    seems better than it is.

    Args:
        name: the name of the argument `data`.
        data: what something is chosen on: `(x, y)` or batches.
        train: the training data, in any of these forms.
    """
    if isinstance(data, Iterator):
        raise ValueError(
            f"`{name}` must be data that can be read twice, to be compared with "
            f"`train`. Received: a {type(data).__name__}. Pass a `tf.data.Dataset` or "
            "a `keras.utils.PyDataset` of the batches, or arrays `(x, y)`."
        )
    seen = set(_hashes(train, "train"))
    shared = sum(example in seen for example in _hashes(data, name))
    if shared:
        examples = "example" if shared == 1 else "examples"
        raise ValueError(
            f"`{name}` must hold no example that the model was trained on. Received: "
            f"{shared} {examples} that `train` has too. Hold out a part of the "
            "training data before training. If they only look alike, as empty texts "
            "do, leave them out of one of the two, or pass no `train`."
        )


def input_hashes(inputs: Any) -> np.ndarray:
    """Returns a hash of the inputs of each example, as `(N,)` bytes.

    Args:
        inputs: arrays of N examples, in the structure that a model takes.
    """
    columns = [_hashes_of(part) for part in keras.tree.flatten(inputs)]
    return np.stack(columns, axis=1).view(f"S{32 * len(columns)}")[:, 0]


def _hashes(data: Any, name: str) -> Iterator[bytes]:
    """Yields a hash of the inputs of each example."""
    for inputs, *_ in read_batches(data, name, None):
        yield from input_hashes(inputs).tolist()


def _hashes_of(part: Any) -> np.ndarray:
    values = as_numpy(part)
    if values.dtype.kind in "biuf":
        # The same numbers may come as bytes and as floats.
        return image_hashes(values.astype("float32"))
    # Texts come as objects, whose addresses say nothing, and as bytes.
    return image_hashes(_text_bytes(row) for row in values)


def _text_bytes(row: Any) -> np.ndarray:
    texts = [
        text if isinstance(text, bytes) else str(text).encode()
        for text in np.ravel(np.asarray(row, dtype=object))
    ]
    return np.frombuffer(b"\0".join(texts), "uint8")
