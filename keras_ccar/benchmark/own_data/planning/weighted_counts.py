"""The class counts of weighted training: sums of the sample weights."""

from typing import Any

import numpy as np

from keras_ccar.arguments import show
from keras_ccar.frequencies import looks_like_shares


def example_weights(weights: Any, shape: tuple[int, ...]) -> np.ndarray | None:
    """Returns a weight for each label that `read_labels` returns, or None.

    None stands for weights that are all equal, and change no prior.

    Args:
        weights: the sample weights as Keras takes them, or None.
        shape: that of the predictions, `(N, ..., K)`.

    Raises:
        ValueError: for weights of another shape.
    """
    if weights is None:
        return None
    given = np.asarray(weights, "float64")
    if not given.size or (given == given.flat[0]).all():
        return None
    if given.shape == shape:  # a weight for each answer
        return given.reshape(-1, shape[-1])
    places = shape[:-1]
    if given.ndim == len(shape) and given.shape[-1] == 1:
        given = given[..., 0]
    given = given.reshape(given.shape + (1,) * (len(places) - given.ndim))
    try:
        return np.broadcast_to(given, places).reshape(-1)
    except ValueError as error:
        raise ValueError(
            f"`train` must have a sample weight for each label, of shape {places}. "
            f"Received: weights of shape {np.shape(weights)}. Pass one for each."
        ) from error


def weigh_counts(
    labels: np.ndarray, weights: np.ndarray, num_columns: int
) -> list[Any]:
    """Returns the sums of the weights of each class as losses take them.

    Sums so small that they look like shares are multiplied, so that also losses that
    depend on numbers of examples take them.

    Args:
        labels: int64 classes `(M,)`, or answers `(M, K)`.
        weights: of each example, `(M,)`, or of each answer, `(M, K)`.
        num_columns: K.

    Raises:
        ValueError: for negative weights.
    """
    if (weights < 0).any():
        raise ValueError(
            "`train` must have sample weights of at least 0. Received: "
            f"{show(weights[weights < 0][:5])}. Take these examples out."
        )
    if labels.ndim == 1:
        counts = np.bincount(labels, weights=weights, minlength=num_columns)
        both = counts
    else:
        rows = weights.reshape(len(labels), -1)
        both = np.stack([(rows * (labels == answer)).sum(axis=0) for answer in (0, 1)])
        counts = both.T
    total = counts.sum() / (1 if labels.ndim == 1 else labels.shape[1])
    if looks_like_shares(both) and total > 0:
        scale = len(labels) / total
        while looks_like_shares(both * scale):
            scale *= 10
        counts = counts * scale
    found: list[Any] = counts.tolist()
    return found[0] if labels.ndim == 2 and num_columns == 1 else found
