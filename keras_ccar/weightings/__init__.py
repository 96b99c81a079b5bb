"""Sample weights: Ω and its siblings, functions of confidence and class frequency.

Shapes: `p_t` is any tensor of confidences, softmax probabilities of the true class;
`f_c` broadcasts against it and holds the frequency of that class.
"""

from keras_ccar.weightings.base import Weighting
from keras_ccar.weightings.ccar import CCARWeighting, ccar_weight
from keras_ccar.weightings.class_weights import EffectiveNumber, InverseFrequency
from keras_ccar.weightings.focal import Focal

__all__ = [
    "CCARWeighting",
    "EffectiveNumber",
    "Focal",
    "InverseFrequency",
    "Weighting",
    "ccar_weight",
]


def get(weighting):
    """Returns a `Weighting` from one, from a callable `(p_t, f_c) -> weight`, or None.

    Raises:
        TypeError: for anything else.
    """
    if weighting is None or isinstance(weighting, Weighting):
        return weighting
    if callable(weighting) and not isinstance(weighting, type):
        return CCARWeighting(form=weighting)
    raise TypeError(
        "`weighting` must be a `keras_ccar.weightings.Weighting`, a callable "
        f"(p_t, f_c) -> weight, or None. Received: weighting={weighting!r}"
    )
