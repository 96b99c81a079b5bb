"""Expectation maximisation of a prior, in float64 (Saerens et al. 2002)."""

from typing import Any, NamedTuple

import numpy as np

# A prior of 0 has no logarithm.
SMALLEST_PRIOR = 1e-10
# Numbers that still lose more than this share of themselves are on their way to 0.
_DYING = 1e-6
# They are looked at after so many iterations.
_PATIENCE = 100


class Estimate(NamedTuple):
    """What expectation maximisation found.

    Attributes:
        prior: float64 of shape `(K,)`.
        steps: a dict for each iteration: `iteration`, the `log_likelihood` of the prior
            that it began with relative to that of the source prior, a mean over the
            examples, and `change`, the largest by which it moved a number.
        is_done: whether the last change was at most the tolerance.
    """

    prior: np.ndarray
    steps: list[dict[str, Any]]
    is_done: bool


def run_em(
    probabilities: np.ndarray,
    source: np.ndarray,
    are_labels: bool,
    max_iterations: int,
    tolerance: float,
) -> Estimate:
    """Returns the prior with the largest likelihood.

    A number that still shrinks when the search ends, or that has stood for less than
    one example for some time, is set to 0, and the search goes on. Where the likelihood
    would rise with it then, it is taken up again.

    Args:
        probabilities: predictions under the source prior, of shape `(N, K)`.
        source: their prior, of shape `(K,)`.
        are_labels: whether each column is a yes-or-no label, with its share of yes as
            its prior.
        max_iterations: the most iterations.
        tolerance: the largest change of a number that ends the search.
    """
    # A label is a problem of two classes: (N, K) becomes (N, K, 2), no and yes.
    if are_labels:
        likelihoods = _both_answers(probabilities) / _both_answers(source)
        prior = _both_answers(source)
    else:
        likelihoods, prior = probabilities / source, source
    steps: list[dict[str, Any]] = []
    is_done = False
    # Numbers that were set to 0, and what they were before.
    was_tried, before = np.zeros(prior.shape, bool), prior
    while not is_done and len(steps) < max_iterations:
        evidence = (likelihoods * prior).sum(axis=-1, keepdims=True)
        factors = (likelihoods / evidence).mean(axis=0)
        updated = prior * factors
        change = float(np.abs(updated - prior).max())
        steps.append(
            {
                "iteration": len(steps) + 1,
                "log_likelihood": float(np.log(evidence).mean(axis=0).sum()),
                "change": change,
            }
        )
        prior, is_done = updated, change <= tolerance
        # The likelihood is concave: it is at its maximum where every factor is 1, or
        # below 1 for numbers that are 0.
        is_wanted = is_done & (prior == 0) & (factors > 1)
        is_few = (prior * len(probabilities) < 1) & (len(steps) >= _PATIENCE)
        is_dying = (factors < 1 - _DYING) & (prior > 0) & (is_few | is_done)
        is_dying &= ~was_tried
        if is_wanted.any():
            prior, is_done = _normalised(np.where(is_wanted, before, prior)), False
        elif is_dying.any():
            without = np.where(is_dying, 0, prior)
            was_tried |= is_dying
            # None may be 0 that alone explains an example.
            can_be = (likelihoods * without).sum(axis=-1, keepdims=True).min(axis=0) > 0
            if (is_dying & can_be).any():
                before = np.where(is_dying, prior, before)
                prior, is_done = _normalised(np.where(can_be, without, prior)), False
    return Estimate(prior[..., 1] if are_labels else prior, steps, is_done)


def _normalised(prior: np.ndarray) -> np.ndarray:
    return np.asarray(prior / prior.sum(axis=-1, keepdims=True))


def _both_answers(yes: np.ndarray) -> np.ndarray:
    return np.stack([1 - yes, yes], axis=-1)
