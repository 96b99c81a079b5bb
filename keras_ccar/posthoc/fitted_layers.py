"""Fits the layers of a chain to what they are put behind."""

from typing import Any

from keras_ccar.layers.cost_sensitive_decision import CostSensitiveDecision
from keras_ccar.layers.decides import Decides
from keras_ccar.layers.kind_of_input import told_from_logits
from keras_ccar.layers.logit_correction import LogitCorrection
from keras_ccar.layers.model_output import (
    KeepsActivation,
    origin_of,
    sets_prior,
    tensor_activation,
)
from keras_ccar.layers.prior_warning import warn_if_costs_lack_prior, warn_if_rebalanced
from keras_ccar.layers.temperature_scaling import TemperatureScaling
from keras_ccar.posthoc.prior.corrected_prior import last_correction


def warn_of_prior(
    layer: Any, output: Any, applied: list[Any], models: list[Any], stacklevel: int
) -> None:
    """Warns of a layer that does not suit the prior of a model that was rebalanced.

    The layer itself warns of the loss of what its input comes from.

    Args:
        layer: the layer.
        output: the symbolic tensor that it is applied to.
        applied: the corrections before it.
        models: the models that the output comes from.
        stacklevel: that of the caller.
    """
    seen = origin_of(output)[0]
    for inner in models:
        if inner is seen:
            continue
        if isinstance(layer, LogitCorrection) and not last_correction(applied):
            warn_if_rebalanced(inner, layer.trained_prior, stacklevel + 1)
        if isinstance(layer, CostSensitiveDecision) and not any(
            isinstance(part, KeepsActivation) and sets_prior(part) for part in applied
        ):
            warn_if_costs_lack_prior(inner, stacklevel + 1)


def fit_from_logits(layer: Any, output: Any, applied: list[Any]) -> Any:
    """Returns a layer that takes what it is put behind: logits, or probabilities.

    One that takes the other kind, as it was chosen on an array of predictions, is
    copied into one that does the same for this kind.

    Args:
        layer: the layer. If it was not told what it takes, it is told.
        output: the symbolic tensor that it will be applied to.
        applied: the corrections before it.

    Raises:
        ValueError: if no layer does the same for this kind.
    """
    is_ours = isinstance(layer, KeepsActivation | Decides)
    if not is_ours:
        return layer
    told: bool | None = getattr(layer, "from_logits", None)
    if told is None:
        layer.from_logits = _from_logits_before(applied)
        return layer
    found = told_from_logits(tensor_activation(output)[0], origin_of(output)[1])
    found = _from_logits_before(applied) if found is None else found
    if found in (None, told):
        return layer
    if (
        isinstance(layer, TemperatureScaling)
        and isinstance(layer.temperature, list)
        and len(layer.temperature) > 1
        and not layer.are_labels
    ):
        kinds = ("probabilities", "logits")
        raise ValueError(
            f"`layers` must have no temperatures of classes for {kinds[told]} where "
            f"the model returns {kinds[found]}, for which others are right. Received: "
            f"from_logits={told}. Call `keras_ccar.posthoc.calibrate` on the model."
        )
    return type(layer).from_config({**layer.get_config(), "from_logits": found})


def _from_logits_before(applied: list[Any]) -> bool | None:
    """Returns what the layers before have found out from the model, None if nothing.

    A layer sees the loss of a subclassed model, which tells what its output is, only if
    it comes right behind it.
    """
    for part in reversed(applied):
        if not isinstance(part, KeepsActivation):
            return None
        found = getattr(part, "from_logits", None)
        if found is not None:
            return bool(found)
    return None
