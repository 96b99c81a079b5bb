"""Warns where a model is corrected to another prior than that of the data."""

import warnings
from typing import Any

import numpy as np

from keras_ccar.frequencies import format_class_list
from keras_ccar.layers.logit_correction import LogitCorrection
from keras_ccar.output_counts import read_output_counts
from keras_ccar.posthoc.applied import applied_by
from keras_ccar.posthoc.data.predictions import Predictions
from keras_ccar.posthoc.prior.prior_gap import is_far, ratio_of_odds, shares_of

# A target this many standard errors of the counts away from them is meant.
_ERRORS = 4


def warn_of_other_prior(
    model: Any, predictions: Predictions, name: str, advice: str
) -> bool:
    """Warns if what is chosen would fit the prior of the data, not that of use.

    A correction says what that is by its `target_prior`. The data have another prior if
    they are far from it, or, where the target is not the prior of the counts, if they
    look more like the counts. Balanced classes and labels are no prior of use, but a
    way to weigh classes: they pass.

    Args:
        model: the `keras.Model`, or an array of predictions, which passes.
        predictions: for the data, with labels.
        name: the name of the argument that holds the data.
        advice: what to do instead of resampling the data.

    Returns:
        Whether it has warned.
    """
    corrections = [
        layer
        for layer in applied_by(model)
        if isinstance(layer, LogitCorrection) and layer.moves_prior
    ]
    if not corrections or corrections[-1].target_prior is None:
        return False
    target = _target(corrections[-1], predictions)
    is_balanced = np.allclose(target, 0.5 if predictions.are_labels else target[0])
    found, examples = shares_of(predictions)
    is_other = is_far(found, target, examples)
    is_other |= _look_like_counts(corrections[-1], target, found, predictions)
    if is_balanced or not is_other.any():
        return False
    what, words = "class frequencies", ("class", "classes")
    if predictions.are_labels:
        what, words = "shares of yes", ("label", "labels")
    ratio = ratio_of_odds(found, target, examples)
    worst = int(np.argmax(np.where(is_other, ratio, -1)))
    of_one = f" for {words[0]} {worst}" if is_other.sum() > 1 else ""
    warnings.warn(
        f"`{name}` has other {what} than the `target_prior` that `model` is corrected "
        f"to, for {format_class_list(is_other, *words)}: {found[worst]:.3g} instead of "
        f"{target[worst]:.3g}{of_one}. What is chosen on them fits the "
        f"{what} of `{name}`, and undoes the correction. {advice} Otherwise draw "
        f"`{name}` anew so that it has the `target_prior`.",
        stacklevel=3,
    )
    return True


def _look_like_counts(
    layer: LogitCorrection,
    target: np.ndarray,
    found: np.ndarray,
    predictions: Predictions,
) -> np.ndarray:
    """Returns for which columns the data are likelier with the counts' prior.

    Columns whose target is that of the counts, up to chance, are not among them.
    """
    counts = read_output_counts(layer.class_counts, layer.num_examples)
    if counts.are_labels:
        yes, no = counts.examples
    else:
        yes = counts.examples[1:] if predictions.are_labels else counts.examples
        no = counts.examples.sum() - yes
    learned, total = yes / (yes + no), yes + no
    is_meant = np.abs(target - learned) > _ERRORS * np.sqrt(
        learned * (1 - learned) / total
    )

    def likelihood(prior: np.ndarray) -> Any:
        return found * np.log(prior) + (1 - found) * np.log(1 - prior)

    return np.asarray(is_meant & (likelihood(learned) > likelihood(target)))


def _target(layer: LogitCorrection, predictions: Predictions) -> np.ndarray:
    """Returns the prior of the columns that a correction puts in."""
    target = np.asarray(layer.target_prior, "float64")
    if not predictions.are_labels:
        # One share of yes stands for both classes of `[no, yes]`.
        return target if target.ndim else np.array([1 - target, target])
    if predictions.num_columns == 1 and target.shape == (2,):
        target = target[1:]  # [no, yes]
    return np.broadcast_to(target, (predictions.num_columns,))
