"""Warns where a correction takes out a prior that training has taken out already."""

import warnings
from typing import Any

from keras_ccar.losses.search import find_losses
from keras_ccar.weightings import EffectiveNumber, InverseFrequency

_BALANCED = '`trained_prior="balanced"`'
# At the end of the name of an optimizer, which Keras saves wherever it saves a loss.
_MARK = "_after_balanced_draws"


def warn_if_rebalanced(model: Any, trained_prior: Any, stacklevel: int) -> None:
    """Warns if the training of a model to correct has moved its prior.

    Ignores anything but a `keras.Model`, and corrections that are told what prior
    training saw.

    Args:
        model: what the output comes from.
        trained_prior: that of the correction.
        stacklevel: that of the caller.
    """
    if trained_prior is not None:
        return
    rebalancing = find_rebalancing(model)
    if rebalancing is not None:
        origin, what, seen = rebalancing
        warnings.warn(
            f"The model was {origin}, which {what} in training: correcting "
            "them again would apply the prior twice. Leave `LogitCorrection` out for "
            "balanced classes; for probabilities of the data as they are, or for a "
            f"target prior, pass {seen}.",
            stacklevel=stacklevel + 1,
        )


def find_rebalancing(model: Any) -> tuple[str, str, str] | None:
    """Returns how the training of a model has moved its prior, None if it has not.

    Returns:
        How the model was trained, such as "compiled with LDAMLoss"; what that does,
        such as "adjusts its logits"; and the `trained_prior` that a correction needs.
    """
    if _name_of_optimizer(model).endswith(_MARK):
        # Its last layer has learned this, whatever the loss is that it has.
        origin = "given a classifier by `retrain_classifier`"
        return origin, "balances its classes", _BALANCED
    for loss in find_losses(getattr(model, "loss", None)):
        weighting = getattr(loss, "weighting", None)
        origin = f"compiled with {type(loss).__name__}"
        if getattr(getattr(loss, "adjustment", None), "moves_prior", False):
            return origin, "adjusts its logits", _BALANCED
        if isinstance(weighting, EffectiveNumber) and weighting.beta:
            seen = "the class counts times their weights as `trained_prior`"
            return origin, "weighs its classes", seen
        if isinstance(weighting, InverseFrequency):
            return origin, "weighs its classes", _BALANCED
    return None


def mark_as_balanced(model: Any) -> None:
    """Marks a compiled model whose last layer was trained on balanced draws.

    A correction is warned of then, also after the model is saved and loaded.
    """
    if not _name_of_optimizer(model).endswith(_MARK):
        model.optimizer.name += _MARK


def _name_of_optimizer(model: Any) -> str:
    return str(getattr(getattr(model, "optimizer", None), "name", ""))
