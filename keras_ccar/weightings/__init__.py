"""Weights of samples, as functions of confidence and class frequency.

`p_t` is a tensor of any shape: the confidence, the softmax probability of the true
class. `f_c` is the frequency of that class, and broadcasts against `p_t`.
"""

from typing import Any

from keras_ccar.arguments import show
from keras_ccar.serialization import warn_if_not_reloadable, without_reload_warnings
from keras_ccar.weightings.base import Weighting
from keras_ccar.weightings.ccar import CCARWeighting, ccar_weight
from keras_ccar.weightings.class_weights import EffectiveNumber, InverseFrequency
from keras_ccar.weightings.focal import AsymmetricFocal, Focal

__all__ = [
    "AsymmetricFocal",
    "CCARWeighting",
    "EffectiveNumber",
    "Focal",
    "InverseFrequency",
    "Weighting",
    "ccar_weight",
]


def get(weighting: Any) -> Weighting | None:
    """Returns a `Weighting`, also for a callable `(p_t, f_c) -> weight`, or None."""
    warn_if_not_reloadable("weighting", weighting)
    if weighting is None or isinstance(weighting, Weighting):
        return weighting
    if callable(weighting) and not isinstance(weighting, type):
        with without_reload_warnings():  # which would name `form`
            return CCARWeighting(form=weighting)
    raise TypeError(
        "`weighting` must be a `keras_ccar.weightings.Weighting`, a callable "
        f"(p_t, f_c) -> weight, or None. Received: weighting={show(weighting)}"
    )
