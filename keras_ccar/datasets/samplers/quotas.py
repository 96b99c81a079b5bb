"""How many draws each class gets in each epoch."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

# The shares of the classes, up to a factor, given their counts and `epoch / epochs`.
Shares = Callable[[np.ndarray, float], np.ndarray]


class Quotas(NamedTuple):
    """The draws of a whole training.

    Attributes:
        draws: int64 array of shape `(epochs, K)`.
        passes: how often the data is read in an epoch.
    """

    draws: np.ndarray
    passes: int

    @property
    def epochs(self) -> int:
        """The number of epochs."""
        return len(self.draws)

    @property
    def examples_per_epoch(self) -> int:
        """The draws of an epoch."""
        return int(self.draws[0].sum())


def quotas_of(
    shares: Shares, counts: np.ndarray, epochs: int, examples_per_epoch: int | None
) -> Quotas:
    """Returns the draws of classes that have `counts` examples, shape `(K,)`."""
    total = int(counts.sum())
    per_epoch = total if examples_per_epoch is None else examples_per_epoch
    draws = [
        _apportion(per_epoch, shares(counts, epoch / epochs)) for epoch in range(epochs)
    ]
    # Whole passes, so that data in the order of its classes is as good as any.
    return Quotas(np.stack(draws), max(1, round(per_epoch / total)))


def equal_shares(counts: np.ndarray, progress: float) -> np.ndarray:
    """The same share for every class with examples."""
    return (counts > 0).astype("float64")


def square_root_shares(counts: np.ndarray, progress: float) -> np.ndarray:
    """Shares in proportion to the square root of the counts."""
    return np.sqrt(counts)


def progressive_shares(counts: np.ndarray, progress: float) -> np.ndarray:
    """Shares on the way from the class frequencies to equal ones."""
    own, equal = counts / counts.sum(), (counts > 0) / (counts > 0).sum()
    return (1 - progress) * own + progress * equal


def _apportion(total: int, shares: np.ndarray) -> np.ndarray:
    """Rounds shares of a total to whole numbers that add up to it."""
    exact = total * shares / shares.sum()
    quota = np.floor(exact).astype("int64")
    largest_remainders = np.argsort(quota - exact, kind="stable")
    quota[largest_remainders[: total - quota.sum()]] += 1
    return quota
