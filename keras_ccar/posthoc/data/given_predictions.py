"""Predictions as an array, of a model or of the user."""

from typing import Any

import numpy as np

from keras_ccar.arguments import argument_error
from keras_ccar.datasets.elements import as_numpy


def check_predictions(predictions: Any) -> np.ndarray:
    """Returns predictions as float64, of shape `(N, ..., K)`.

    Raises:
        ValueError: for anything else, and for NaN and infinity.
    """
    expected = "a keras.Model, or an array of predictions, of shape (N, ..., K)"
    if isinstance(predictions, str) or not hasattr(predictions, "__len__"):
        raise argument_error("model", predictions, expected)
    try:
        values = as_numpy(predictions)
    except ValueError as error:  # ragged
        raise argument_error("model", predictions, expected) from error
    if values.dtype.kind not in "biuf" or values.ndim < 2 or not values.shape[-1]:
        advice = ""
        if values.ndim == 1:
            advice = "Pass `p[:, None]` for predictions `p` of one yes-or-no label."
        raise argument_error("model", predictions, expected, advice)
    values = values.astype("float64")
    is_wrong = ~np.isfinite(values)
    if is_wrong.any():
        raise ValueError(
            "The predictions of `model` must be finite. Received: "
            f"{values[is_wrong][0]} for {is_wrong.any(axis=-1).sum()} of "
            f"{values[..., 0].size} examples. Look for NaN in the inputs and in the "
            "weights of the model."
        )
    return values
