"""Warns of inputs that Keras makes float32 of, which does not hold them."""

import warnings
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_ccar.benchmark.own_data.data import OwnData
from keras_ccar.inputs.class_names import join_first
from keras_ccar.inputs.lost_digits import lossy_places

_SHOWN = 5


def warn_of_rounding(train: OwnData, model: keras.Model, stacklevel: int) -> None:
    """Warns of numbers such as timestamps, which fall together before they are scaled.

    Arrays are looked at, not data in batches.

    Args:
        train: the training data.
        model: what `build_model` returned.
        stacklevel: that of the caller.
    """
    if not train.is_in_memory or keras.config.floatx() == "float64":
        return
    for name, array in _named("x", train.open()[0]):
        # Whole numbers stay such, for a model that takes them.
        if array.dtype.kind in "iu" and not _takes_floats(model):
            continue
        means = lossy_places(array)
        if means is None:
            continue
        places = np.flatnonzero(means)
        where = ""
        if len(means) > 1:
            shown = join_first([str(place) for place in places], _SHOWN)
            where = f" (place {shown} of the last axis)"
        warnings.warn(
            f"`{train.name}` has numbers in `{name}`{where} whose differences float32, "
            "which Keras makes of them, does not hold: they are near "
            f"{means[places[0]]:g}, as timestamps and large ids are. Take that off as "
            "float64 first, such as by `(x - x_train.mean(axis=0)).astype('float32')`, "
            "from all parts of the data, and from new ones.",
            stacklevel=stacklevel + 1,
        )


def _named(name: str, x: Any) -> Iterator[tuple[str, np.ndarray]]:
    """Yields each array with the code that finds it."""
    if isinstance(x, dict | list | tuple):
        items = x.items() if isinstance(x, dict) else enumerate(x)
        for key, part in items:
            yield from _named(f"{name}[{key!r}]", part)
    else:
        yield name, x


def _takes_floats(model: keras.Model) -> bool:
    inputs: Any = getattr(model, "inputs", None) or []
    return bool(inputs) and all("float" in str(one.dtype) for one in inputs)
