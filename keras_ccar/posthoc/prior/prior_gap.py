"""Finds probabilities of another prior than the data have."""

import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_ccar.arguments import show
from keras_ccar.layers.logit_correction import LogitCorrection
from keras_ccar.layers.model_output import origin_of, output_tensor
from keras_ccar.layers.prior_warning import Rebalancing, find_rebalancing
from keras_ccar.output_counts import OutputCounts, output_logits
from keras_ccar.posthoc.applied import applied_by
from keras_ccar.posthoc.data.given_arguments import code_of
from keras_ccar.posthoc.data.predictions import Predictions, to_probabilities

# The odds must differ by this factor, and the share by so many standard errors.
_SMALLEST_RATIO = 1.5
_ERRORS = 4
_OF_LABELS = "a share of yes, such as `0.2` after resampling to one in five"
_OF_CLASSES = (
    "of resampled data their class counts, and with class weights "
    "`numpy.multiply(class_counts, weights)`"
)
# The arguments of `calibrate` that a correction has too.
_OF_CORRECTION = ("num_examples", "from_logits")


class PriorGap(NamedTuple):
    """Where the probabilities differ most from how often they come true.

    Attributes:
        column: the class, or label.
        mean: its mean probability.
        share: its share in the data.
    """

    column: int
    mean: float
    share: float


def shares_of(predictions: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """Returns the share of each class, or of yes of each label, and of how many."""
    labels, num_columns = predictions.labels, predictions.num_columns
    if predictions.are_labels:
        examples = (~np.isnan(labels)).sum(axis=0)
        shares = np.nansum(labels, axis=0) / np.maximum(examples, 1)
        return shares, np.maximum(examples, 1)
    counts = np.bincount(labels, minlength=num_columns)
    return counts / len(labels), np.full(num_columns, len(labels))


def find_prior_gap(predictions: Predictions, logits: np.ndarray) -> PriorGap | None:
    """Returns where mean probabilities are far from the shares; None if nowhere.

    Far is what chance does not explain, 4 standard errors, and a factor of 1.5 between
    the odds. Classes and answers that the data lack are not looked at.

    Args:
        predictions: for the data, with labels.
        logits: those that are measured, `(N, K)`.
    """
    probabilities = to_probabilities(logits, predictions.are_labels)
    if predictions.are_labels:
        known = ~np.isnan(predictions.labels)
        sums = np.where(known, probabilities, 0).sum(axis=0)
        means = sums / np.maximum(known.sum(axis=0), 1)
    else:
        means = probabilities.mean(axis=0)
    shares, examples = shares_of(predictions)
    far = is_far(means, shares, examples) & (shares > 0) & (shares < 1)
    if not far.any():
        return None
    worst = int(np.argmax(np.where(far, ratio_of_odds(means, shares, examples), -1)))
    return PriorGap(worst, float(means[worst]), float(shares[worst]))


def is_far(some: np.ndarray, others: np.ndarray, examples: np.ndarray) -> np.ndarray:
    """Returns which shares differ by more than chance, and by a factor of 1.5.

    Args:
        some: shares.
        others: shares.
        examples: of how many.
    """
    variance = np.maximum(some * (1 - some), others * (1 - others)) / examples
    is_sure = np.abs(some - others) > _ERRORS * np.sqrt(variance)
    return is_sure & (ratio_of_odds(some, others, examples) > np.log(_SMALLEST_RATIO))


def ratio_of_odds(
    some: np.ndarray, others: np.ndarray, examples: np.ndarray
) -> np.ndarray:
    """Returns the logarithm of the factor between the odds of two shares, >= 0.

    Args:
        some: shares.
        others: shares.
        examples: of how many. No share counts as less than half an example.
    """
    odds = []
    for shares in (some, others):
        clipped = np.clip(shares, 0.5 / examples, 1 - 0.5 / examples)
        odds.append(np.log(clipped / (1 - clipped)))
    return np.abs(odds[0] - odds[1])


def warn_of_prior_gap(
    model: Any,
    predictions: Predictions,
    logits: np.ndarray,
    counts: OutputCounts | None,
    given: Mapping[str, Any],
    stacklevel: int,
) -> None:
    """Warns if calibrated probabilities do not have the prior of the validation data.

    Args:
        model: the `keras.Model`, or an array of predictions.
        predictions: for the validation data, with labels.
        logits: the calibrated ones.
        counts: the training examples, None if they are not known.
        given: the arguments by name that the caller was given beside these, and that
            what is advised needs too.
        stacklevel: that of the caller.
    """
    gap = find_prior_gap(predictions, logits)
    if gap is None:
        return
    what = "yes of label" if predictions.are_labels else "class"
    warnings.warn(
        f"The calibrated probabilities of {what} {gap.column} are {gap.mean:.3g} on "
        f"average, but its share in `validation` is {gap.share:.3g}: a temperature "
        f"does not move the prior. {_advice(model, predictions, gap, counts, given)}",
        stacklevel=stacklevel + 1,
    )


def _advice(
    model: Any,
    predictions: Predictions,
    gap: PriorGap,
    counts: OutputCounts | None,
    given: Mapping[str, Any],
) -> str:
    corrections = [
        layer for layer in applied_by(model) if isinstance(layer, LogitCorrection)
    ]
    if corrections:
        return _advice_for_correction(corrections[-1], predictions)
    rebalancing = rebalancing_of(model)
    prior = '"balanced"' if rebalancing is None else rebalancing.trained_prior
    also = code_of(**{name: given.get(name) for name in _OF_CORRECTION})
    layer = f"`keras_ccar.LogitCorrection(class_counts, trained_prior={prior}{also})`"
    chained = f"put {layer} behind it by `keras_ccar.posthoc.chain`, and calibrate that"
    if not isinstance(model, keras.Model):
        chained = f"apply {layer} to the predictions, and calibrate what it returns"
    if rebalancing is not None:
        return (
            f"The model was {rebalancing.origin}, which {rebalancing.what}: {chained}."
        )
    if_rebalanced = (
        "If the model was rebalanced in training, as by `class_weight`, resampling or "
        f"an adjusted loss, {chained}; {_other_balance(predictions)}. Otherwise "
    )
    if counts is None:
        return (
            f"{if_rebalanced}`validation` has other class frequencies than the "
            "training data: draw it anew. Pass `class_counts` to compare the two."
        )
    columns, are_labels = predictions.num_columns, predictions.are_labels
    logits = output_logits(counts.examples, columns)
    learned = float(to_probabilities(logits[None], are_labels)[0, gap.column])
    examples = shares_of(predictions)[1][gap.column]
    if is_far(np.array(learned), np.array(gap.share), examples):
        return (
            f"{if_rebalanced}`validation` has another share than the training data, "
            f"{learned:.3g} by `class_counts`: draw it anew."
        )
    same = _advice_for_same_shares(model, gap, given)
    # Balancing moves probabilities towards those of equally frequent answers.
    balanced = 0.5 if are_labels else 1 / columns
    if (gap.mean > gap.share) == (balanced > gap.share):
        return f"{if_rebalanced}{same}"
    return same[0].upper() + same[1:]


def _other_balance(predictions: Predictions) -> str:
    """Says what to pass where training saw no equal shares."""
    one_for_each = predictions.are_labels and predictions.num_columns > 1
    what = _OF_LABELS if one_for_each else _OF_CLASSES
    return f"if training saw other shares than equal ones, pass `trained_prior`: {what}"


def _advice_for_correction(
    correction: LogitCorrection, predictions: Predictions
) -> str:
    """Says what to do where a correction gives other shares than the data have."""
    if correction.trained_prior is None or correction.target_prior is not None:
        return (
            "`model` ends in a LogitCorrection, which has changed it: calibrate the "
            "model that it was added to, and put it behind the temperature."
        )
    counts = show(correction.class_counts)
    return (
        "`model` ends in a LogitCorrection that is to put it back. Either its "
        f"`class_counts`, {counts}, are not those of the training data before any "
        "rebalancing, in the order of the classes, such as [no, yes]; or its "
        f"`trained_prior`, {show(correction.trained_prior)}, is not what training saw: "
        f"{_other_balance(predictions)}."
    )


def _advice_for_same_shares(model: Any, gap: PriorGap, given: Mapping[str, Any]) -> str:
    """Says what to do where training and validation data have the same shares."""
    wrong = "overestimates" if gap.mean > gap.share else "underestimates"
    passed = "model, validation, class_counts, validation=validation"
    if not isinstance(model, keras.Model):
        passed = "model, None, class_counts, validation=(model, validation)"
    return (
        f"the training data have the same share, and the model {wrong} it: train it "
        "until its log loss on held-out data no longer falls, or use in place of this "
        "temperature one with a bias of each class, which is "
        f"`keras_ccar.posthoc.estimate_prior({passed}{code_of(**given)}).calibration`."
    )


def rebalancing_of(model: Any) -> Rebalancing | None:
    """Returns what rebalanced a model in training, or the one that it was made of.

    Args:
        model: the `keras.Model`, or an array of predictions.
    """
    if not isinstance(model, keras.Model):
        return None
    tensor = output_tensor(model)
    inner = None if tensor is None else origin_of(tensor)[0]
    return find_rebalancing(model) or find_rebalancing(inner)
