"""All that this package uses of Keras without Keras exporting it.

A new version of Keras may change `keras.src` and the private attributes of its objects,
so they occur nowhere else.
"""

from typing import Any

import keras
from keras.src.backend import get_keras_mask, set_keras_mask
from keras.src.export.export_utils import get_input_signature

__all__ = [
    "get_input_signature",
    "get_keras_mask",
    "input_of_call",
    "set_initial_epoch",
    "set_keras_mask",
    "set_tracked_attribute",
    "source_of",
]


def source_of(tensor: Any) -> tuple[Any, int, int] | None:
    """Returns `(operation, call, output)` for a symbolic tensor, otherwise None.

    The operation is a layer, model or function; the numbers say which of its calls, and
    which output of that call, the tensor is.
    """
    history = getattr(tensor, "_keras_history", None)
    return None if history is None else tuple(history)


def input_of_call(operation: Any, call: int) -> Any:
    """Returns the first input of one of the calls of an operation."""
    return operation._inbound_nodes[call].input_tensors[0]


def set_tracked_attribute(model: keras.Model, name: str, value: Any) -> None:
    """Sets an attribute that Keras tracks, also on a built subclassed model."""
    tracker = model._tracker
    was_locked = tracker.locked
    tracker.unlock()
    try:
        setattr(model, name, value)
    finally:
        if was_locked:
            tracker.lock()


def set_initial_epoch(model: keras.Model, epoch: int | None) -> None:
    """Sets the epoch that `fit` begins with, as `BackupAndRestore` does."""
    model._initial_epoch = epoch
