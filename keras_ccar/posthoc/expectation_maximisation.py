"""Expectation maximisation of a prior, in float64 (Saerens et al. 2002)."""

from typing import Any, NamedTuple

import numpy as np

# A prior of 0 has no logarithm.
SMALLEST_PRIOR = 1e-10


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
    while not is_done and len(steps) < max_iterations:
        joint = likelihoods * prior
        evidence = joint.sum(axis=-1, keepdims=True)
        updated = (joint / evidence).mean(axis=0)
        change = float(np.abs(updated - prior).max())
        steps.append(
            {
                "iteration": len(steps) + 1,
                "log_likelihood": float(np.log(evidence).mean(axis=0).sum()),
                "change": change,
            }
        )
        prior, is_done = updated, change <= tolerance
    return Estimate(prior[..., 1] if are_labels else prior, steps, is_done)


def _both_answers(yes: np.ndarray) -> np.ndarray:
    return np.stack([1 - yes, yes], axis=-1)
