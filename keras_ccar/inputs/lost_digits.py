"""Tells numbers that float32 does not hold, such as timestamps and large ids."""

import numpy as np

# The types that float32 holds in full.
HELD = ("bool", "int8", "uint8", "int16", "uint16", "float16", "float32")
# Of many images a part tells.
_MEASURED = 5000
# Of the deviation of a column. A network cannot see smaller errors.
_MOST_ERROR = 1e-5
# By which a float32 may be off, as a share of itself.
_ROUNDING = 2.0**-24


def mean_and_deviation(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns both in float64, over the first axis; 0 if a value never differs.

    Args:
        values: finite numbers `(N, ...)`, with one at least.
    """
    exact = values.astype("float64", copy=False)
    # Sums and squares of large numbers would overflow.
    largest = np.maximum(np.abs(exact).max(axis=0), np.finfo("float64").tiny)
    parts = exact / largest
    varies = exact.max(axis=0) > exact.min(axis=0)
    return largest * parts.mean(axis=0), np.where(
        varies, largest * parts.std(axis=0), 0
    )


def loses_digits(values: np.ndarray) -> np.ndarray:
    """Returns of which columns float32 loses digits that tell their values apart.

    It has 24 bits: of seconds such as 1.7e9 those that differ by less than 128 may
    become one, and the mean of whole numbers such as 8e6 is off by a half. What counts
    is the error beside the deviation of the column.

    Args:
        values: finite numbers `(N, ...)`, with one at least.

    Returns:
        Booleans of the shape without the first axis.
    """
    mean, deviation = mean_and_deviation(values)
    largest = np.abs(values.astype("float64", copy=False)).max(axis=0)
    limits = np.finfo("float32")
    is_beyond = (largest > limits.max) | (largest < limits.tiny)
    is_lost = _ROUNDING * np.abs(mean) > _MOST_ERROR * deviation
    return np.asarray((deviation > 0) & (is_beyond | is_lost))


def lossy_places(x: np.ndarray, has_channels: bool = True) -> np.ndarray | None:
    """Returns the means of features that float32 does not hold; None without any.

    Args:
        x: features `(N, D)`, or `(N, ..., C)` with a last axis of channels.
        has_channels: whether the last axis is one of channels.

    Returns:
        The mean of each place of the last axis, `(C,)`, or of all, `(1,)`; 0 where
        float32 holds the numbers.
    """
    if x.dtype in HELD or x.dtype.kind not in "iuf" or not x.size:
        return None
    if x.ndim > 2:
        x = x[:: max(1, len(x) // _MEASURED)]
    values = x.reshape(-1, x.shape[-1] if has_channels and x.ndim > 1 else 1)
    is_lossy = loses_digits(values)
    if not is_lossy.any():
        return None
    return np.where(is_lossy, mean_and_deviation(values)[0], 0.0)
