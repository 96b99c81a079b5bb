"""Whom or what examples belong to, such as patients; they are drawn together."""

from typing import Any

import numpy as np

from keras_ccar.arguments import argument_error
from keras_ccar.datasets.elements import as_numpy
from keras_ccar.posthoc.data.predictions import Predictions
from keras_ccar.posthoc.result import require_posthoc

_EXPECTED = (
    "one value for each example of the data, in their order: whom or what it belongs "
    "to, such as its patient"
)


def read_units(resample_by: Any, predictions: Predictions) -> np.ndarray:
    """Returns the int64 number of the unit to which each row belongs, `(N,)`.

    Args:
        resample_by: numbers or strings, one for each example of the data, in any form
            that pandas reads; None for rows that are independent.
        predictions: for the data.

    Raises:
        ValueError: for another number of values, and for missing ones.
    """
    rows = np.arange(len(predictions.logits))
    if resample_by is None:
        return rows
    if isinstance(resample_by, str) or not hasattr(resample_by, "__len__"):
        raise argument_error("resample_by", resample_by, _EXPECTED)
    pandas = require_posthoc("pandas", "pandas")
    try:
        values = as_numpy(resample_by)
    except ValueError as error:  # ragged
        raise argument_error("resample_by", resample_by, _EXPECTED) from error
    examples, num_examples = predictions.examples, predictions.num_examples
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.shape != (num_examples,):
        raise ValueError(
            f"`resample_by` must be {_EXPECTED}. Received: shape {values.shape} for "
            f"{num_examples} examples"
        )
    units, _ = pandas.factorize(values)
    if (units < 0).any():
        raise ValueError(
            f"`resample_by` must be {_EXPECTED}. Received: {(units < 0).sum()} missing "
            "values. Give each example that belongs to no other a value of its own."
        )
    return units.astype("int64")[examples]
