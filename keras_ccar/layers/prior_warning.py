"""Warns where a correction takes out a prior that training has taken out already."""

import warnings
from typing import Any

from keras_ccar.losses.search import find_losses
from keras_ccar.weightings import EffectiveNumber, InverseFrequency

_BALANCED = '`trained_prior="balanced"`'


def warn_if_rebalanced(model: Any, trained_prior: Any, stacklevel: int) -> None:
    """Warns if a model to correct was compiled with a loss that moves its prior.

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
        loss, what, seen = rebalancing
        warnings.warn(
            f"The model was compiled with {loss}, which {what} in training: correcting "
            "them again would apply the prior twice. Leave `LogitCorrection` out for "
            "balanced classes; for probabilities of the data as they are, or for a "
            f"target prior, pass {seen}.",
            stacklevel=stacklevel + 1,
        )


def find_rebalancing(model: Any) -> tuple[str, str, str] | None:
    """Returns how the loss of a model moves its prior, None if it does not.

    Returns:
        The name of the loss; what it does, such as "adjusts its logits"; and the
        `trained_prior` that a correction needs.
    """
    for loss in find_losses(getattr(model, "loss", None)):
        weighting = getattr(loss, "weighting", None)
        if getattr(getattr(loss, "adjustment", None), "moves_prior", False):
            return type(loss).__name__, "adjusts its logits", _BALANCED
        if isinstance(weighting, EffectiveNumber) and weighting.beta:
            seen = "the class counts times their weights as `trained_prior`"
            return type(loss).__name__, "weighs its classes", seen
        if isinstance(weighting, InverseFrequency):
            return type(loss).__name__, "weighs its classes", _BALANCED
    return None
