"""Scores of decisions in which every class counts, also of resampled examples."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from keras_ccar.arguments import check_choice

OBJECTIVES = ("balanced_accuracy", "macro_f1", "geometric_mean")


class Decisions:
    """What was answered to examples, counted by class.

    One sigmoid column has the classes no and yes. K labels have a column each, in which
    missing answers do not count.

    A resample may lack what the data have, such as the only yes of a rare label. The
    recall of that, and F1, are then those of the data: left out, they would leave a
    mean of other parts, such as the specificity alone, which is another score.

    Args:
        labels: int64 classes `(N,)`, or answers `(N, K)` of 0, 1 and NaN.
        predicted: int64 classes `(N,)`, or answers `(N, K)`.
        num_classes: K.
        counts: how often each of these is in the data, `(N,)`, or None for once.
    """

    def __init__(
        self,
        labels: np.ndarray,
        predicted: np.ndarray,
        num_classes: int,
        counts: np.ndarray | None = None,
    ) -> None:
        self.num_classes = num_classes
        self._labels = labels
        self._predicted = predicted
        self._is_right = labels == predicted
        self._are_answers = labels.ndim == 2
        if self._are_answers:
            known = ~np.isnan(labels)
            yes, said_yes = labels == 1, predicted == 1
            # Rows: yes and right, yes, no and right, no.
            self._parts = [
                part.astype("float64")
                for part in (
                    yes & said_yes,
                    yes,
                    known & ~yes & ~said_yes,
                    known & ~yes,
                )
            ]
        self._whole_shares = divide(*self.hits(counts))
        self._whole_f1 = self._f1(counts)

    def hits(self, weights: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Returns the right answers and the examples of each class.

        Args:
            weights: how often each example counts, `(N,)`, or None for once.

        Returns:
            Two arrays of shape `(K,)` or, for labels, `(2, K)`: yes, then no.
        """
        if self._are_answers:
            rows = [self._sum(part, weights) for part in self._parts]
            return np.stack(rows[::2]), np.stack(rows[1::2])
        if weights is None:
            weights = np.ones(len(self._labels))
        hits = np.bincount(self._labels, weights * self._is_right, self.num_classes)
        return hits, np.bincount(self._labels, weights, self.num_classes)

    def predictions(self, weights: np.ndarray | None = None) -> np.ndarray:
        """Returns how often each class, or the yes of each label, was answered."""
        if self._are_answers:
            (hits, right_no), (_, no) = self.hits(weights)
            return hits + no - right_no
        return np.bincount(self._predicted, weights, self.num_classes).astype("float64")

    def recalls(self, weights: np.ndarray | None = None) -> np.ndarray:
        """Returns the recall of each class, NaN for those without examples.

        Of labels it is the mean of recall and specificity.
        """
        shares = self._shares(weights)
        return nan_mean(shares, axis=0) if self._are_answers else shares

    def score(self, objective: str, weights: np.ndarray | None = None) -> float:
        """Returns a score of `OBJECTIVES`, as the metric of that name defines it."""
        if objective == "balanced_accuracy":
            return float(nan_mean(self.recalls(weights)))
        if objective == "geometric_mean":
            with np.errstate(divide="ignore"):
                logs = np.log(self._shares(weights))
            axis = 0 if self._are_answers else None
            return float(nan_mean(np.exp(nan_mean(logs, axis=axis))))
        lacks = (self.hits(weights)[1] == 0) & ~np.isnan(self._whole_shares)
        if self._are_answers:
            lacks = lacks[0]
        return float(nan_mean(np.where(lacks, self._whole_f1, self._f1(weights))))

    def _shares(self, weights: np.ndarray | None) -> np.ndarray:
        """Returns the share of right answers, of what `hits` returns."""
        shares = divide(*self.hits(weights))
        return np.where(np.isnan(shares), self._whole_shares, shares)

    def _f1(self, weights: np.ndarray | None) -> np.ndarray:
        hits, examples = self.hits(weights)
        if self._are_answers:
            hits, examples = hits[0], examples[0]
        return divide(2 * hits, examples + self.predictions(weights))

    @staticmethod
    def _sum(part: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        return part.sum(axis=0) if weights is None else weights @ part


def decide(logits: np.ndarray, are_labels: bool) -> np.ndarray:
    """Returns the most probable class, or whether yes is the more probable answer."""
    if are_labels:
        return (logits > 0).astype("int64")
    return logits.argmax(axis=1)


def group_alike(*columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Groups the examples that have the same numbers in all columns.

    Scores of decisions depend on how often each of these groups is drawn, and there are
    far fewer groups than examples: at most K² of labels and answers of K classes.

    Args:
        *columns: labels and answers, `(N,)` or `(N, K)`, NaN where one is missing.

    Returns:
        Two int64 arrays: the index of one example of each group, `(G,)`, and the group
        of each example, `(N,)`.
    """
    numbers = [np.nan_to_num(column, nan=2) for column in columns]
    dtype = np.min_scalar_type(int(max(column.max() for column in numbers)))
    rows = np.column_stack([column.astype(dtype) for column in numbers])
    # As one value each, because NumPy compares rows number by number.
    values = rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1])))[:, 0]
    _, first, group_of = np.unique(values, return_index=True, return_inverse=True)
    return first, group_of


def resampled_weights(
    labels: np.ndarray, resamples: int, seed: int, units: np.ndarray | None = None
) -> Iterator[np.ndarray]:
    """Yields how often each example is drawn in bootstrap resamples.

    Classes are resampled one by one, so that each keeps its number of examples, because
    a score in which every class counts has no value without one of them. Rows of
    several labels are resampled as they are. Examples of one unit, such as a patient,
    are drawn together; it is resampled with the rarest class that it has.

    Args:
        labels: classes `(N,)` or answers `(N, K)`.
        resamples: how many.
        seed: of the random numbers.
        units: the number of the unit of each example, `(N,)`; None for one each.
    """
    rng = np.random.default_rng(seed)
    if labels.ndim == 2:
        labels = labels[:, 0] if labels.shape[1] == 1 else np.zeros(len(labels), int)
    if units is None:
        units = np.arange(len(labels))
    _, unit_of = np.unique(units, return_inverse=True)
    found, counts = np.unique(labels, return_counts=True)
    from_rarest = np.argsort(counts, kind="stable")
    ranks = np.argsort(from_rarest)[np.searchsorted(found, labels)]
    of_unit = np.full(int(unit_of.max()) + 1, len(found))
    np.minimum.at(of_unit, unit_of, ranks)
    members = [np.flatnonzero(of_unit == rank) for rank in np.argsort(from_rarest)]
    for _ in range(resamples):
        weights = np.zeros(len(of_unit))
        for group in members:
            drawn = rng.integers(0, max(len(group), 1), len(group))
            weights[group] = np.bincount(drawn, minlength=len(group))
        yield weights[unit_of]


def divide(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Returns quotients, NaN where the denominator is 0."""
    empty = denominator == 0
    quotients = numerator / np.where(empty, 1, denominator)
    return np.asarray(np.where(empty, np.nan, quotients))


def nan_mean(values: np.ndarray, axis: int | None = None) -> Any:
    """Returns the mean of the values that are not NaN, NaN if there are none."""
    known = ~np.isnan(values)
    return divide(np.where(known, values, 0).sum(axis=axis), known.sum(axis=axis))


def check_objective(
    objective: Any,
) -> str | Callable[[np.ndarray, np.ndarray], float]:
    """Returns the name of a score, or a function of labels and probabilities."""
    if callable(objective) and not isinstance(objective, type):
        return objective
    return str(check_choice("objective", objective, OBJECTIVES))
