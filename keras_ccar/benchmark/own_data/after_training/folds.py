"""Chooses on some folds of the validation data and measures on the others."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

# As many as there are examples of the rarest class, up to this.
_MOST_FOLDS = 5


def cross_fit(
    labels: np.ndarray,
    seed: int,
    choose: Callable[[np.ndarray], Any],
    apply: Callable[[Any, np.ndarray], np.ndarray],
) -> np.ndarray:
    """Returns a result for each example that it had no part in choosing.

    What is chosen on an example and measured on the same one looks better than it is.
    So the examples are dealt into folds, stratified by class; for each fold the choice
    is made on the other ones.

    Args:
        labels: int64 of shape `(N,)`.
        seed: of the deal.
        choose: from the positions of examples to what is chosen on them.
        apply: from that, and from the positions of other examples, to their results.
    """
    results: Any = None
    for chosen_on, measured_on in folds(labels, seed):
        part = apply(choose(chosen_on), measured_on)
        if results is None:
            results = np.zeros((len(labels), *part.shape[1:]), part.dtype)
        results[measured_on] = part
    return np.asarray(results)


def folds(labels: np.ndarray, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields the positions of the other folds and of a fold, for each fold.

    Examples of every class are dealt one by one, so that two folds differ by one
    example of a class at most, and a class of one example is in one fold.

    Args:
        labels: int64 of shape `(N,)`.
        seed: of the deal.
    """
    if len(labels) < 2:
        raise ValueError(
            "`validation` must have two examples or more, to choose on one and measure "
            f"on another. Received: {len(labels)}"
        )
    _, examples = np.unique(labels, return_counts=True)
    number = int(np.clip(examples.min(), 2, _MOST_FOLDS))
    random = np.random.default_rng(seed)
    order = random.permutation(len(labels))
    # By class, and within it at random; the next class goes on where it ended.
    order = order[np.argsort(labels[order], kind="stable")]
    fold_of = np.zeros(len(labels), int)
    fold_of[order] = np.arange(len(labels)) % number
    for fold in range(number):
        yield np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
