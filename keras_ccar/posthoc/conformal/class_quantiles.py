"""Quantiles of conformal scores: of all examples, of each class, of clusters."""

import math
from typing import Any, NamedTuple

import numpy as np

from keras_ccar.posthoc.result import require_posthoc

NULL_CLUSTER = -1
# What a class is known by to the clustering, beside the coverage asked for.
_LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9)
# Of K classes K / (K + 75) of the examples are for the clustering; Ding et al. 2023.
_CLASSES_FOR_HALF = 75
# Products such as 10 * 0.7 are a little above the whole number that they should be.
_ROUNDING = 1e-9


class ClassQuantiles(NamedTuple):
    """The quantile of each class.

    Attributes:
        quantiles: float64 of shape `(K,)`, infinity where a class belongs to every set.
        clusters: int64 of shape `(K,)`, the group of classes whose examples made the
            quantile; `NULL_CLUSTER` for classes that take the quantile of all.
        needed: the calibration examples that a class needs for a quantile of its own or
            a place in a cluster; of the quantile of all, those of all classes.
    """

    quantiles: np.ndarray
    clusters: np.ndarray
    needed: int


def rank(num_scores: int, coverage: float) -> int:
    """Returns which of n scores in order is the quantile, from 1 on; n + 1 for none."""
    return max(math.ceil((num_scores + 1) * coverage - _ROUNDING), 1)


def fewest_examples(coverage: float) -> int:
    """Returns the smallest number of scores that has a finite quantile."""
    number = max(math.floor(coverage / (1 - coverage)) - 1, 1)
    while rank(number, coverage) > number:
        number += 1
    return number


def enough_examples(coverage: float) -> int:
    """Returns the smallest number of scores of which one is expected above a quantile.

    Their quantile is then not the largest of them, which varies most.
    """
    return max(math.ceil(2 / (1 - coverage) - _ROUNDING) - 1, 1)


def exact_ranks(sizes: np.ndarray, coverage: float, offset: float) -> np.ndarray:
    """Returns which score is the quantile of each group, from 1 on; n + 1 for none.

    The k-th smallest of n scores covers a new one with the probability `k / (n + 1)`.
    So `k = (n + 1) * coverage` would be exact, but need not be whole. It is rounded up
    or down at random, up with the probability of its fraction, so that coverage is what
    was asked for on average over the offset. One offset rounds all groups: what is
    rounded up in one group is made up for in the next.

    Args:
        sizes: the number of scores of each group, of shape `(G,)`.
        coverage: what is asked for.
        offset: a uniform random number in [0, 1).
    """
    exact = np.round((sizes + 1) * coverage, 9)
    ends = np.floor(np.cumsum(exact) + offset)
    ranks = np.maximum(np.diff(ends, prepend=0.0), 1).astype("int64")
    return np.where(sizes < fewest_examples(coverage), sizes + 1, ranks)


def conformal_quantile(scores: np.ndarray, coverage: float) -> float:
    """Returns the `ceil((n + 1) * coverage)`-th smallest of n scores, or infinity."""
    return ranked_score(scores, rank(len(scores), coverage))


def ranked_score(scores: np.ndarray, place: int) -> float:
    """Returns the score at a place in order, from 1 on; infinity after the last."""
    if place > len(scores):
        return math.inf
    return float(np.partition(scores, place - 1)[place - 1])


def marginal_quantiles(
    scores: np.ndarray, num_classes: int, coverage: float
) -> ClassQuantiles:
    """Returns the quantile of all examples for every class."""
    quantile = conformal_quantile(scores, coverage)
    return ClassQuantiles(
        np.full(num_classes, quantile),
        np.full(num_classes, NULL_CLUSTER),
        fewest_examples(coverage),
    )


def own_quantiles(
    scores: np.ndarray,
    labels: np.ndarray,
    num_classes: int,
    coverage: float,
    min_examples: int,
) -> ClassQuantiles:
    """Returns the quantile of each class, infinite with too few examples."""
    min_examples = max(min_examples, fewest_examples(coverage))
    quantiles = np.full(num_classes, math.inf)
    for label in range(num_classes):
        own = scores[labels == label]
        if len(own) >= min_examples:
            quantiles[label] = conformal_quantile(own, coverage)
    return ClassQuantiles(quantiles, np.arange(num_classes), min_examples)


def pooled_quantiles(
    scores: np.ndarray,
    labels: np.ndarray,
    num_classes: int,
    coverage: float,
    min_examples: int,
    seed: int,
) -> ClassQuantiles:
    """Returns the quantile of each class, or of the classes that are as rare.

    From the rarest on, classes with too few examples are put together until they have
    enough, because how hard a class is goes with how rare it is. Then each quantile is
    of few scores, and always rounding its rank up would cover more than was asked for.
    """
    counts = np.bincount(labels, minlength=num_classes)
    pools: list[list[int]] = [[]]
    for label in np.argsort(counts, kind="stable"):
        if counts[label] >= min_examples:
            break
        pools[-1].append(int(label))
        if counts[pools[-1]].sum() >= min_examples:
            pools.append([])
    # What is left over is the least rare, and goes with its neighbours if it must.
    if len(pools) > 1 and counts[pools[-1]].sum() < fewest_examples(coverage):
        left_over = pools.pop()
        pools[-1].extend(left_over)
    clusters = np.arange(num_classes)
    for pool in filter(None, pools):
        clusters[pool] = pool[0]
    quantiles = np.empty(num_classes)
    names, of_class = np.unique(clusters, return_inverse=True)
    sizes = np.bincount(of_class, counts, len(names)).astype("int64")
    ranks = exact_ranks(sizes, coverage, np.random.default_rng(seed).random())
    for cluster, place in zip(names, ranks.tolist(), strict=True):
        inside = scores[clusters[labels] == cluster]
        quantiles[clusters == cluster] = ranked_score(inside, place)
    return ClassQuantiles(quantiles, clusters, min_examples)


def cluster_quantiles(
    scores: np.ndarray,
    labels: np.ndarray,
    num_classes: int,
    coverage: float,
    min_examples: int,
    num_clusters: int | None,
    seed: int,
) -> ClassQuantiles:
    """Returns the quantile of each class's cluster; see `prediction_sets`."""
    counts = np.bincount(labels, minlength=num_classes)
    able = int((counts >= min_examples).sum())
    share = able / (able + _CLASSES_FOR_HALF)
    # The number of examples of each class that are for the clustering.
    parts = np.floor(counts * share + _ROUNDING).astype("int64")
    needed = math.ceil(min_examples / share - _ROUNDING) if able else min_examples
    everything = conformal_quantile(scores, coverage)
    quantiles = np.full(num_classes, everything)
    clusters = np.full(num_classes, NULL_CLUSTER)
    members = np.flatnonzero(parts >= min_examples)
    if not members.size:
        return ClassQuantiles(quantiles, clusters, needed)
    is_for_clustering = _draw(labels, parts, seed)
    levels = [*_LEVELS, coverage]
    embedded = np.stack(
        [
            np.quantile(scores[is_for_clustering & (labels == label)], levels)
            for label in members
        ]
    )
    if num_clusters is None:
        num_clusters = max(int(parts[members].min()) // 2, 1)
    # More clusters than classes that differ cannot be.
    num_clusters = min(num_clusters, len(np.unique(embedded, axis=0)))
    clusters[members] = _cluster(embedded, np.sqrt(parts[members]), num_clusters, seed)
    for cluster in range(num_clusters):
        is_inside = (clusters[labels] == cluster) & ~is_for_clustering
        quantiles[clusters == cluster] = conformal_quantile(scores[is_inside], coverage)
    return ClassQuantiles(quantiles, clusters, needed)


def _draw(labels: np.ndarray, parts: np.ndarray, seed: int) -> np.ndarray:
    """Tells which examples are drawn, so many of each class."""
    rng = np.random.default_rng(seed)
    is_drawn = np.zeros(len(labels), bool)
    for label, part in enumerate(parts):
        own = np.flatnonzero(labels == label)
        is_drawn[rng.permutation(own)[:part]] = True
    return is_drawn


def _cluster(
    points: np.ndarray, weights: np.ndarray, num_clusters: int, seed: int
) -> Any:
    k_means = require_posthoc("sklearn.cluster", "scikit-learn").KMeans(
        num_clusters, n_init=10, random_state=seed
    )
    return k_means.fit(points, sample_weight=weights).labels_
