"""Intervals of shares, such as recall, of examples that may belong together."""

from typing import Any

import numpy as np

from keras_ccar.posthoc.result import require_posthoc

_TAIL = 0.025


def share_bounds(
    shares: np.ndarray, sizes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the bounds of 95 % intervals of shares, NaN where there are no examples.

    They are those of Clopper and Pearson 1934, of as many independent examples as
    `effective_size` says (Korn and Graubard 1998, Survey Methodology 24).

    Args:
        shares: of the examples, in [0, 1], `(K,)`.
        sizes: independent examples, which need not be whole, `(K,)`.
    """
    beta = require_posthoc("scipy.stats", "scipy").beta
    shares, sizes = np.asarray(shares, "float64"), np.asarray(sizes, "float64")
    has_examples = sizes > 0
    hits = np.where(has_examples, shares, 0) * sizes
    misses = np.where(has_examples, sizes - hits, 0)
    low, high = np.zeros_like(hits), np.ones_like(hits)
    found, missed = hits > 0, misses > 0
    low[found] = beta.ppf(_TAIL, hits[found], misses[found] + 1)
    high[missed] = beta.ppf(1 - _TAIL, hits[missed] + 1, misses[missed])
    return np.where(has_examples, low, np.nan), np.where(has_examples, high, np.nan)


def smallest_share(shares: np.ndarray, size: int, confidence: float) -> np.ndarray:
    """Returns the lower bounds of one-sided exact intervals of shares, `(M,)`.

    Args:
        shares: of the examples, in [0, 1], `(M,)`.
        size: the number of examples.
        confidence: how often such a bound lies below the truth.
    """
    hits = np.round(shares * size)
    bounds = np.zeros_like(hits)
    found = hits > 0
    beta = require_posthoc("scipy.stats", "scipy").beta
    bounds[found] = beta.ppf(1 - confidence, hits[found], size - hits[found] + 1)
    return bounds


def effective_size(is_hit: np.ndarray, belongs_to: np.ndarray) -> float:
    """Returns how many independent examples tell as much of the share of hits.

    Of a share of 0 or 1 they are as many as there are units to which examples belong.

    Args:
        is_hit: booleans `(n,)`.
        belongs_to: integer unit of each example, such as its patient, `(n,)`.
    """
    size = len(is_hit)
    _, unit = np.unique(belongs_to, return_inverse=True)
    num_units = int(unit.max()) + 1 if size else 0
    if num_units == size:
        return size
    share = is_hit.mean()
    if num_units == 1 or share in (0, 1):
        return num_units
    residuals = np.bincount(unit, is_hit - share)
    variance = num_units / (num_units - 1) * (residuals**2).sum() / size**2
    effective = share * (1 - share) / variance if variance else size
    quantile: Any = require_posthoc("scipy.stats", "scipy").t.ppf
    wider = quantile(1 - _TAIL, num_units - 1) / quantile(1 - _TAIL, size - 1)
    return float(np.clip(effective / wider**2, 1, size))
