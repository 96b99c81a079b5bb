"""Warns where a layer forgets that training has moved the prior of the model."""

import warnings
from typing import Any, NamedTuple

from keras_ccar.losses.find_losses import find_losses
from keras_ccar.weightings import EffectiveNumber, InverseFrequency

_ADVICE = (
    "Leave `LogitCorrection` out for balanced classes; for probabilities of the data "
    "as they are, or for a target prior, pass {}."
)
_IN_PART = (
    "Choose τ by `tune_logit_correction(..., adjusted=True)`; for a target prior, pass "
    "the mean of its predictions for held-out data as `trained_prior`."
)
_OF_BALANCED = '"balanced"'
_OF_WEIGHTED = "the class counts times their weights"
_OF_IN_PART = "the mean of its predictions for held-out data"
# At the end of the name of an optimizer, which Keras saves wherever it saves a loss.
_BALANCED_DRAWS, _NORMALISED = "_after_balanced_draws", "_after_normalisation"
_RETRAINED = "given a classifier by `retrain_classifier`"


class Rebalancing(NamedTuple):
    """How the training of a model has moved its prior.

    Attributes:
        origin: how it was trained, such as "compiled with LDAMLoss".
        what: what that does, such as "adjusts its logits".
        trained_prior: the prior that training saw: the argument of a correction, as
            code or in words.
    """

    origin: str
    what: str
    trained_prior: str

    @property
    def advice(self) -> str:
        """What to do about a correction."""
        if self.trained_prior == _OF_IN_PART:
            return _IN_PART
        given = f"{self.trained_prior} as `trained_prior`"
        if self.trained_prior == _OF_BALANCED:
            given = f"`trained_prior={_OF_BALANCED}`"
        return _ADVICE.format(given)

    @property
    def correction(self) -> str:
        """What gives probabilities of the data: a correction, as code."""
        is_code = self.trained_prior == _OF_BALANCED
        prior = self.trained_prior if is_code else "prior"
        layer = f"`keras_ccar.LogitCorrection(class_counts, trained_prior={prior})`"
        return layer if is_code else f"{layer}, where `prior` is {self.trained_prior},"


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
        warnings.warn(
            f"The model was {rebalancing.origin}, which {rebalancing.what} in "
            "training: correcting them again would apply the prior twice. "
            f"{rebalancing.advice}",
            stacklevel=stacklevel + 1,
        )


def warn_if_costs_lack_prior(model: Any, stacklevel: int) -> None:
    """Warns if costs are expected by probabilities of a model that was rebalanced.

    Ignores anything but a `keras.Model`.

    Args:
        model: what the probabilities come from, without a correction.
        stacklevel: that of the caller.
    """
    rebalancing = find_rebalancing(model)
    if rebalancing is not None:
        warnings.warn(
            f"The model was {rebalancing.origin}, which {rebalancing.what} in "
            "training: its probabilities are not those of the data, from which "
            "CostSensitiveDecision computes expected costs. Put "
            f"{rebalancing.correction} between the model and the decision.",
            stacklevel=stacklevel + 1,
        )


def find_rebalancing(model: Any) -> Rebalancing | None:
    """Returns how the training of a model has moved its prior, None if it has not."""
    optimizer = _name_of_optimizer(model)
    if optimizer.endswith(_BALANCED_DRAWS):
        # Its last layer has learned this, whatever the loss is that it has.
        return Rebalancing(_RETRAINED, "balances its classes", _OF_BALANCED)
    for loss in find_losses(getattr(model, "loss", None)):
        weighting = getattr(loss, "weighting", None)
        origin = f"compiled with {type(loss).__name__}"
        if getattr(getattr(loss, "adjustment", None), "moves_prior", False):
            return Rebalancing(origin, "adjusts its logits", _OF_BALANCED)
        if isinstance(weighting, EffectiveNumber) and weighting.beta:
            return Rebalancing(origin, "weighs its classes", _OF_WEIGHTED)
        if isinstance(weighting, InverseFrequency):
            return Rebalancing(origin, "weighs its classes", _OF_BALANCED)
    if optimizer.endswith(_NORMALISED):
        what = "normalises the weights of its classes"
        return Rebalancing(_RETRAINED, what, _OF_IN_PART)
    return None


def mark_as_retrained(model: Any, on_balanced_draws: bool) -> None:
    """Marks a compiled model whose last layer was trained again.

    A correction is warned of then, also after the model is saved and loaded.

    Args:
        model: the model.
        on_balanced_draws: whether that was on balanced draws; otherwise the weights of
            its classes were normalised, which takes out a part of the prior.
    """
    name = _name_of_optimizer(model)
    if on_balanced_draws and not name.endswith(_BALANCED_DRAWS):
        model.optimizer.name = name.removesuffix(_NORMALISED) + _BALANCED_DRAWS
    elif not name.endswith((_BALANCED_DRAWS, _NORMALISED)):
        model.optimizer.name = name + _NORMALISED


def _name_of_optimizer(model: Any) -> str:
    return str(getattr(getattr(model, "optimizer", None), "name", ""))
