"""Naive float64 numpy of losses, metrics and corrections, written from the formulas.

Labels are distributions `(..., K)` or, of binary losses, targets; `counted` tells which
samples have a part in means over the batch.
"""

import numpy as np


def prior(counts):
    """Frequencies, the same without zeros, and the number of classes with examples.

    The first axis is the class.
    """
    counts = np.asarray(counts, "float64")
    total = counts.sum(axis=0)
    frequency = counts / np.where(total == 0, 1, total)
    rarest = np.where(frequency > 0, frequency, 1).min(axis=0)
    floor = np.minimum(1 / (total + 1), rarest)
    filled = np.where(frequency == 0, floor, frequency)
    return frequency, filled, (frequency > 0).sum(axis=0)


# Weights: functions of confidence and class counts.


def ccar(pivot=0.75, strength=1.0, form="exponential"):
    def weigh(p, counts):
        frequency, filled, num_classes = prior(counts)
        total = np.asarray(counts, "float64").sum(axis=0)
        if callable(form):
            return form(p, frequency)
        if form == "inverse":
            return (1 / (num_classes * filled * np.maximum(p, 1e-3))) ** strength
        exploring = p < pivot
        if form == "information":
            dual = np.where(exploring, filled, 1 - filled)
            dual = np.where(dual <= 0, 1 / (total + 1), dual)
            return (1 / dual) ** (strength * (pivot - p))
        dual = np.where(exploring, frequency, 1 - frequency)
        if form == "power":
            return (2 - dual) ** (strength * (pivot - p))
        return np.exp(strength * (1 - dual) * (pivot - p))

    return weigh


def focal(gamma=2.0):
    return lambda p, counts: (1 - p) ** gamma


def inverse_frequency():
    def weigh(p, counts):
        _, filled, num_classes = prior(counts)
        return 1 / (num_classes * filled)

    weigh.of_class_alone = True
    return weigh


def effective_number(beta=0.9999):
    def weigh(p, counts):
        frequency, filled, num_classes = prior(counts)
        numbers = filled * np.sum(counts)
        weights = (1 - beta) / (1 - beta**numbers)
        return weights * num_classes / weights[frequency > 0].sum()

    weigh.of_class_alone = True
    return weigh


# Adjustments: functions of logits, labels and class counts.


def logit_adjustment(tau=1.0, smoothing=0.0):
    def adjust(z, y, counts):
        if smoothing:
            smoothed = np.asarray(counts, "float64") + smoothing
            return z + tau * np.log(smoothed / smoothed.sum())
        return z + tau * np.log(prior(counts)[1])

    return adjust


def ldam(max_margin=0.5, scale=30.0):
    def adjust(z, y, counts):
        counts = np.asarray(counts, "float64")
        rarest = counts[counts > 0].min()
        margins = max_margin * (np.maximum(counts, rarest) / rarest) ** -0.25
        return scale * (z - margins * y)

    return adjust


# Losses.


def log_softmax(z):
    z = z - z.max(axis=-1, keepdims=True, initial=-np.inf)
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


def to_logits(predictions, from_logits):
    """Probabilities below 1e-20 count as that, so that the logarithm is finite."""
    predictions = np.asarray(predictions, "float64")
    return predictions if from_logits else np.log(np.maximum(predictions, 1e-20))


def softmax_losses(
    y,
    z,
    counts=None,
    weigh=None,
    adjust=None,
    smoothing=0.0,
    normalize=False,
    counted=1,
):
    """One loss for each sample."""
    y = np.asarray(y, "float64")
    log_p = log_softmax(z if adjust is None else adjust(z, y, counts))
    share = (1 - smoothing) * y + smoothing / y.shape[-1]
    weight = np.ones(y.shape[-1]) if weigh is None else weigh(np.exp(log_p), counts)
    if normalize and weigh is None:
        pass  # the mean of ones
    elif normalize is True and getattr(weigh, "of_class_alone", False):
        weight = weight / (prior(counts)[0] * weight).sum()
    elif normalize:
        of_class_alone = getattr(weigh, "of_class_alone", False)
        mass = y if of_class_alone else share
        mass = mass * np.asarray(counted, "float64")[..., None]
        weight = weight / mean_of_mass(weight, mass)
    return -(share * weight * log_p).sum(axis=-1)


def binary_losses(
    y, z, positives, num_examples, weigh, smoothing=0.0, normalize=False, counted=1
):
    """One loss for each label."""
    positives = np.asarray(positives, "float64")
    counts = np.stack([positives, num_examples - positives])
    log_p = -np.logaddexp(0, np.stack([-z, z], axis=-2))
    weight = weigh(np.exp(log_p), counts)
    share = np.stack([y, 1 - y], axis=-2)
    share = (1 - smoothing) * share + smoothing / 2
    if normalize:
        mass = share * np.broadcast_to(counted, y.shape)[..., None, :]
        weight = weight / mean_of_mass(weight, mass)
    return -(share * weight * log_p).sum(axis=-2)


def mean_of_mass(weight, mass):
    """The mean weight of what counts; 1 if nothing does."""
    return (mass * weight).sum() / mass.sum() if mass.sum() else 1.0


def reduce(losses, weights, included, reduction="sum_over_batch_size"):
    """The reductions of Keras; of no samples the mean is 0.

    `included` is False for samples that a mask or the loss leaves out.
    """
    weights = np.broadcast_to(weights, losses.shape) * included
    total = (np.where(weights == 0, 0, losses) * weights).sum()
    if reduction == "sum":
        return total
    by_weight = reduction == "mean_with_sample_weight"
    number = weights.sum() if by_weight else np.sum(included)
    return total / number if number else 0.0


# Metrics.


def recalls(labels, predicted, weights, num_classes):
    found = np.full(num_classes, np.nan)
    for k in range(num_classes):
        of_class = (labels == k) & (weights != 0)
        if weights[of_class].sum():
            hits = predicted[of_class] == k
            found[k] = (weights[of_class] * hits).sum() / weights[of_class].sum()
    return found


def mean_of_known(values):
    values = values[~np.isnan(values)]
    return values.mean() if values.size else np.nan


def calibration_error(labels, probabilities, weights, bins=15):
    if not weights.sum():
        return np.nan
    confidence = probabilities.max(axis=-1)
    excess = weights * ((probabilities.argmax(axis=-1) == labels) - confidence)
    total = 0.0
    for b in range(bins):
        inside = (confidence > b / bins) & (confidence <= (b + 1) / bins)
        total += abs(excess[inside].sum())
    return total / weights.sum()


# Corrections after training.


def correct(z, counts, tau=1.0, target=None):
    """Without a target prior, its logarithm is left out, which is the same for all."""
    corrected = z - tau * np.log(prior(counts)[0])
    return corrected if target is None else corrected + tau * np.log(prior(target)[0])


# Samplers.


def apportion(total, shares):
    """Whole numbers in proportion to shares, by the largest remainders."""
    exact = total * shares / shares.sum()
    whole = np.floor(exact + 1e-9)
    for _ in range(round(float(total - whole.sum()))):
        whole[np.argmax(np.round(exact - whole, 9))] += 1
    return whole
