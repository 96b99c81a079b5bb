"""Adds up labels whose last axis may be that of K classes or of K labels."""

import math

import numpy as np

from keras_ccar.inputs.checks import ROW_SUM_TOLERANCE, SEVERAL_UNKNOWN


class RowTally:
    """Adds up rows of zeros and ones, which can be read in several ways.

    Attributes:
        sums: how often each column is 1.
        zeros: how many values are 0, for the reading as class indices.
        ones: how many values are 1.
        num_rows: how many rows there are, and so on.
        widths: the lengths of the rows.
        row_sums: the smallest and the largest sum of a row without ignored labels.
    """

    def __init__(self) -> None:
        self.sums = np.zeros(0)
        self.zeros = 0
        self.ones = 0
        self.num_rows = 0
        self.widths: set[int] = set()
        self.row_sums = (math.inf, -math.inf)
        self.has_ignored = False
        self.is_float = False

    @property
    def is_one_hot(self) -> bool:
        """Whether all rows have exactly one 1."""
        low, high = self.row_sums
        return not self.has_ignored and low == 1 and high == 1

    def add(self, rows: np.ndarray, kept: np.ndarray, has_other: bool) -> None:
        """Adds rows.

        Args:
            rows: zeros and ones, shape `(N, K)`; ignored labels may be any number.
            kept: the labels that are not ignored.
            has_other: whether ignored labels are others than 0 and 1.
        """
        self.widths.add(rows.shape[1])
        self.num_rows += len(rows)
        self.is_float = self.is_float or rows.dtype.kind == "f"
        self.has_ignored |= has_other
        ones = int(np.count_nonzero(kept))
        self.ones += ones
        self.zeros += kept.size - ones
        if not has_other:
            of_rows = rows.sum(1, dtype="float64")
            low, high = self.row_sums
            self.row_sums = (min(low, of_rows.min()), max(high, of_rows.max()))
            self.sums = add_columns(self.sums, rows)


def add_columns(sums: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Adds the columns of rows, which may be longer than those before."""
    added = rows.sum(0, dtype="float64")
    if len(added) > len(sums):
        sums = np.pad(sums, (0, len(added) - len(sums)))
    sums[: len(added)] += added
    return sums


def are_shares(rows: np.ndarray, allow_zeros: bool) -> bool:
    """Tells distributions over classes: no value is negative, and rows sum to 1."""
    sums = rows.sum(1, dtype="float64")
    is_whole = np.abs(sums - 1) <= ROW_SUM_TOLERANCE
    if allow_zeros:
        is_whole |= sums == 0
    return bool(is_whole.all() and (rows >= 0).all())


def are_zeros_and_ones(values: np.ndarray) -> bool:
    """Tells whether all values are 0 or 1."""
    if values.dtype.kind == "f":
        return bool(((values == 0) | (values == 1)).all())
    return not values.size or bool(values.min() >= 0 and values.max() <= 1)


def without_class(rows: np.ndarray, ignore_class: float | None) -> np.ndarray:
    """Leaves out the distributions whose whole mass is on the class to ignore."""
    if ignore_class is None or not 0 <= ignore_class < rows.shape[1]:
        return rows
    mass = rows[:, int(ignore_class)]
    is_part = (mass > ROW_SUM_TOLERANCE) & (mass < 1 - ROW_SUM_TOLERANCE)
    if is_part.any():
        raise ValueError(
            f"Distributions must have all or nothing of their mass on `ignore_class`, "
            f"{ignore_class}. Received {mass[is_part][0]:.4g} in one: leave the class "
            "out of it, and divide the rest by its sum."
        )
    return rows[mass < 0.5]


class LabelTally:
    """Adds up K yes-or-no labels, one column each."""

    def __init__(self) -> None:
        self.yes = np.zeros(0)
        self.known = np.zeros(0)

    def add(self, rows: np.ndarray, is_known: np.ndarray) -> None:
        """Adds targets in [0, 1] of shape `(N, K)`, where they are known."""
        if self.yes.size not in (0, rows.shape[1]):
            raise ValueError(
                "Yes-or-no labels must have one column for each label throughout. "
                f"Received {rows.shape[1]} columns after {self.yes.size}."
            )
        values = np.where(is_known, rows, 0)
        wrong = (values < 0) | (values > 1)
        if wrong.any():
            raise ValueError(
                "With `multi_label=True`, labels must be 0 or 1 (or in between), one "
                f"column for each label. Received {rows[wrong][:5].tolist()}: leave "
                "`multi_label` out if they are class indices, or pass the value of "
                "unknown targets as `ignore_class`."
                f"{SEVERAL_UNKNOWN.format('ignore_class')}"
            )
        self.yes = add_columns(self.yes, values)
        self.known = add_columns(self.known, is_known)

    @property
    def counts(self) -> np.ndarray:
        """The examples without and with each label, shape `(K, 2)`."""
        return np.stack([self.known - self.yes, self.yes], axis=1)
