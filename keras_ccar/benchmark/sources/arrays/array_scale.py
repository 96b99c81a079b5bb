"""Notices arrays that are on another scale than those that were trained on."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from keras_ccar.inputs.class_names import join_first

# How many times the range of the training data values lie beyond it, or fill it.
_FAR = 10.0
_NARROW = 1 / 20
# A column of so few examples may be narrow by chance.
_FEWEST = 20
_SHOWN = 5


@dataclass(frozen=True)
class Scale:
    """The ranges of the training data.

    Attributes:
        lowest: the lowest value of each feature; of images one of all pixels.
        highest: the highest values.
    """

    lowest: list[float]
    highest: list[float]

    @classmethod
    def of(cls, x: np.ndarray) -> Self:
        """Returns that of features `(N, D)`, or images `(N, ...)`."""
        lowest, highest = _ranges(x)
        return cls(lowest.tolist(), highest.tolist())

    def note_other(self, x: np.ndarray, where: str, notes: list[str]) -> None:
        """Notes features, or images, that seem to be on another scale.

        Args:
            x: inputs as those of the training data.
            where: what has them.
            notes: takes the warning.
        """
        lowest, highest = np.array(self.lowest), np.array(self.highest)
        span = highest - lowest
        found_lowest, found_highest = _ranges(x)
        found_span = found_highest - found_lowest
        is_far = (
            np.maximum(found_highest - highest, lowest - found_lowest) > _FAR * span
        )
        is_narrow = (found_span < _NARROW * span) & (found_span > 0)
        if x.ndim == 2 and (len(x) < _FEWEST or not is_narrow.all()):
            # Few rows, or single features, may have nearly one value.
            is_narrow[:] = False
        other = np.flatnonzero((is_far | is_narrow) & (span > 0))
        if not len(other):
            return
        first = other[0]
        which = ""
        if x.ndim == 2:
            columns = join_first([str(column) for column in other], _SHOWN)
            which = f" in column{'s' if len(other) > 1 else ''} {columns}"
        notes.append(
            f"Warning: `x` of {where} seems to be on another scale than the training "
            f"data{which}: it has values from {found_lowest[first]:g} to "
            f"{found_highest[first]:g}, they have {lowest[first]:g} to "
            f"{highest[first]:g}. Scale both alike."
        )


def _ranges(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    axis = 0 if x.ndim == 2 else None
    ends = (np.atleast_1d(f(x, axis=axis)).astype("float64") for f in (np.min, np.max))
    lowest, highest = ends
    return lowest, highest
