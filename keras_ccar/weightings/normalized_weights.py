"""Computes the weights of the terms of a loss."""

from typing import Any

from keras import ops

from keras_ccar.ops.numerics import SMALLEST_PROBABILITY, clip_min
from keras_ccar.replicas import sum_over_replicas
from keras_ccar.weightings.base import LARGEST_WEIGHT, Weighting


def compute_term_weights(
    weighting: Weighting | None,
    confidence: Any,
    prior: Any,
    mass: Any,
    labels: Any = None,
    normalize: bool = False,
) -> Any:
    """Returns the weights of the terms of a loss; they broadcast against the terms.

    Args:
        weighting: a `Weighting`, or None for weight 1.
        confidence: p_t of each term: of each sample `(...)`, or with distributions of
            each class of each sample `(..., K)`.
        prior: the `keras_ccar.frequencies.ClassPrior`, or None.
        mass: how much each term counts in the mean over the batch.
        labels: int32 class of each term, None if the last axis is the class.
        normalize: whether to divide by the mean weight: over the training distribution
            if the weight only depends on the class, otherwise over the batch, including
            the shares of all replicas.
    """

    def of_terms(class_vector: Any) -> Any:
        return class_vector if labels is None else ops.take(class_vector, labels)

    if weighting is None:
        return ops.ones_like(confidence)
    if not weighting.uses_confidence:
        weight = weighting(None, prior.frequency, prior)
        if normalize:
            weight = weight / ops.sum(prior.frequency * weight)
        return of_terms(weight)
    frequency = None if prior is None else of_terms(prior.frequency)
    weight = weighting(confidence, frequency, prior)
    if normalize:
        sums = ops.stack([ops.sum(mass * weight), ops.sum(mass)])
        total, count = ops.unstack(sum_over_replicas(sums))
        mean = total / clip_min(count, SMALLEST_PROBABILITY)
        weight = ops.minimum(
            weight / clip_min(mean, 1 / LARGEST_WEIGHT), LARGEST_WEIGHT
        )
    return weight
