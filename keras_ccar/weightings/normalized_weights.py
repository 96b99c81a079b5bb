"""Computes the weights of the terms of a loss."""

from collections.abc import Sequence
from typing import Any

from keras import ops

from keras_ccar.ops.numerics import SMALLEST_PROBABILITY, clip_min
from keras_ccar.replicas import sum_over_replicas
from keras_ccar.weightings.base import LARGEST_WEIGHT, Normalize, Weighting


def compute_term_weights(
    weighting: Weighting | None,
    confidence: Any,
    prior: Any,
    mass: Any,
    share: Any,
    labels: Any = None,
    normalize: Normalize = False,
) -> Any:
    """Returns the weights of the terms of a loss; they broadcast against the terms.

    Args:
        weighting: a `Weighting`, or None for weight 1.
        confidence: p_t of each term: of each sample `(...)`, or with distributions of
            each class of each sample `(..., K)`.
        prior: the `keras_ccar.frequencies.ClassPrior`, or None.
        mass: how much of the label each term is, 0 where the sample does not count.
        share: the same of the smoothed label, if the loss smooths labels.
        labels: int32 class of each term, None if the last axis is the class.
        normalize: whether to divide by the mean weight. True: over the training
            distribution if the weight only depends on the class, otherwise over the
            batch, including those of all replicas. "batch": over the batch. The mean of
            weights that depend on the class alone is over `mass`, as in PyTorch. That
            of others is over `share`: `mass` may be where they are all nearly 0.
    """

    def of_terms(class_vector: Any) -> Any:
        return class_vector if labels is None else ops.take(class_vector, labels)

    if weighting is None:
        return ops.ones_like(confidence)
    if not weighting.uses_confidence:
        weight = weighting(None, prior.frequency, prior)
        if normalize:
            weight = weight / ops.sum(prior.frequency * weight)
        weight = of_terms(weight)
        is_done = normalize != "batch"
        return weight if is_done else divide_by_batch_mean([weight], [mass])[0]
    frequency = None if prior is None else of_terms(prior.frequency)
    weight = weighting(confidence, frequency, prior)
    return divide_by_batch_mean([weight], [share])[0] if normalize else weight


def compute_side_weights(
    weighting: Weighting | None,
    confidences: Sequence[Any],
    prior: Any,
    masses: Sequence[Any],
    shares: Sequence[Any],
    normalize: Normalize = False,
) -> list[Any]:
    """Returns the weights of the yes terms and of the no terms of yes-or-no labels.

    Each broadcasts against `(..., K)`. The arguments are those of
    `compute_term_weights`, in pairs of yes and no of shape `(..., K)`; the prior has
    frequencies `(2, K)`.
    """
    if weighting is None:
        return [ops.ones((1,), confidences[0].dtype)] * 2
    if not weighting.uses_confidence:
        weight = weighting(None, prior.frequency, prior)
        if normalize:
            examples = prior.frequency * prior.num_examples
            weight = weight / (ops.sum(examples * weight) / ops.sum(examples))
        weights = list(ops.unstack(weight, num=2))
        is_done = normalize != "batch"
        return weights if is_done else divide_by_batch_mean(weights, masses)
    weights = weighting.side_weights(confidences, prior)
    return divide_by_batch_mean(weights, shares) if normalize else weights


def divide_by_batch_mean(weights: Sequence[Any], masses: Sequence[Any]) -> list[Any]:
    """Divides weights by their mean over the batch, of all replicas.

    The arguments are one tensor for each side, or one alone, and its mass.
    """
    pairs = list(zip(weights, masses, strict=True))
    total = sum(ops.sum(mass * weight) for weight, mass in pairs)
    count = sum(ops.sum(mass) for mass in masses)
    total, count = ops.unstack(sum_over_replicas(ops.stack([total, count])))
    mean = clip_min(total / clip_min(count, SMALLEST_PROBABILITY), 1 / LARGEST_WEIGHT)
    return [ops.minimum(weight / mean, LARGEST_WEIGHT) for weight in weights]
