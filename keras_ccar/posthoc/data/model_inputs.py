"""Brings inputs into a form that `model.predict` takes."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np


def inputs_for(model: keras.Model, x: Any) -> Any:
    """Returns inputs as `model.predict` takes them.

    Columns of a dict, such as those of a table, get the axis of the input of their
    name; texts become tensors, which TensorFlow alone has.

    Args:
        model: a `keras.Model`. One that prepares its inputs itself, as those of
            KerasHub, gets them as they are.
        x: an array, or arrays in a dict or list, of NumPy or pandas.

    Raises:
        ValueError: for texts where the model takes numbers or the backend has no text;
            for objects other than texts, such as numbers that a table keeps as
            objects; for a whole table where the model takes a dict of its columns.
    """
    if hasattr(model, "preprocess_samples"):
        return x
    known = {each.name: each for each in getattr(model, "inputs", None) or []}
    if hasattr(x, "columns") and len(known) > 1:
        raise ValueError(
            "The inputs of `model` must be a dict with its inputs as keys. Received: a "
            f"{type(x).__name__}. Pass `{{name: table[[name]] for name in table}}`."
        )
    if not isinstance(x, Mapping | list | tuple):
        return _read(None, x, next(iter(known.values()), None))
    found = [
        _read(path[-1], part, known.get(path[-1]))
        for path, part in keras.tree.flatten_with_path(x)
    ]
    return keras.tree.pack_sequence_as(x, found)


def _read(name: Any, part: Any, expected: Any) -> Any:
    """Returns an input.

    Args:
        name: its key or place, None for the only one.
        part: the array.
        expected: the symbolic input that it is for, None if it is unknown.
    """
    values = np.asarray(part) if hasattr(part, "to_numpy") else part
    if not isinstance(values, np.ndarray):
        return part
    if values.ndim == 1 and expected is not None and len(expected.shape) == 2:
        values = values[:, None]
    if values.dtype.kind not in "OUS":
        return values
    what = "The inputs" if name is None else f"The input {name!r}"
    others = [each for each in values.ravel() if not isinstance(each, str | bytes)]
    if others:
        raise ValueError(
            f"{what} of `model` must be numbers or texts. Received: objects of type "
            f"{type(others[0]).__name__}. Make numbers of them, as by "
            '`.astype("float32")`.'
        )
    dtype = "string" if expected is None else expected.dtype
    if dtype != "string" or keras.backend.backend() != "tensorflow":
        raise ValueError(
            f"{what} of `model` must be numbers. Received: texts, such as "
            f"{values.ravel()[:1].tolist()}. Encode them as they were encoded for the "
            'training. A model with `keras.Input(..., dtype="string")` takes texts, '
            "on the TensorFlow backend."
        )
    return keras.ops.convert_to_tensor(values.astype(object), dtype="string")
