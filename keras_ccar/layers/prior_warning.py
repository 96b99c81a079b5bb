"""Warns where a correction takes out a prior that training has taken out already."""

import warnings
from typing import Any

from keras_ccar.losses.search import find_losses
from keras_ccar.weightings import EffectiveNumber, InverseFrequency

_CLASS_WEIGHTS = (EffectiveNumber, InverseFrequency)


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
    for loss in find_losses(getattr(model, "loss", None)):
        weighting = getattr(loss, "weighting", None)
        what, seen = "", '`trained_prior="balanced"`'
        if getattr(loss, "adjustment", None):
            what = "adjusts its logits"
        elif isinstance(weighting, _CLASS_WEIGHTS):
            what = "weighs its classes"
            if isinstance(weighting, EffectiveNumber):
                seen = "the class counts times their weights as `trained_prior`"
        if what:
            warnings.warn(
                f"The model was compiled with {type(loss).__name__}, which {what} in "
                "training: correcting them again would apply the prior twice. Leave "
                "`LogitCorrection` out for balanced classes; for probabilities of the "
                f"data as they are, or for a target prior, pass {seen}.",
                stacklevel=stacklevel + 1,
            )
