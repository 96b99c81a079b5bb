"""Weights of the terms of a loss, normalised if asked for."""

from keras import ops

from keras_ccar.ops.numerics import SMALLEST_PROBABILITY, clip_min
from keras_ccar.replicas import sum_over_replicas
from keras_ccar.weightings.base import LARGEST_WEIGHT


def compute_term_weights(
    weighting, confidence, prior, mass, labels=None, normalize=False
):
    """Returns the weights of the terms of a loss.

    Args:
        weighting: a `Weighting`, or None for weight 1.
        confidence: p_t of each term: of each sample `(...)`, or with distributions of
            each class of each sample `(..., K)`.
        prior: the `keras_ccar.frequencies.ClassPrior`, or None.
        mass: how much each term counts in the mean of the batch.
        labels: int32 class of each term, None where the last axis is the class.
        normalize: whether to scale to a mean of 1: over the training distribution if
            the weight depends on the class alone, else over the batch, all replicas'
            shares of it.

    Returns:
        A tensor that broadcasts against the terms.
    """

    def of_terms(class_vector):
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
