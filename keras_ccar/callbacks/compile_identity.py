"""Tells the trainings of one model apart by what it was compiled with."""

import hashlib
import json
import weakref
from typing import Any

import keras

# What the last training with an optimizer was compiled as, and what it was at its end,
# None if it was interrupted: a callback may have changed the learning rate since.
_TRAINED: weakref.WeakKeyDictionary[Any, tuple[dict[str, Any], dict[str, Any] | None]]
_TRAINED = weakref.WeakKeyDictionary()


def begin_training(model: keras.Model) -> dict[str, Any]:
    """Returns what a model that begins to train was compiled with, as plain JSON.

    A model that has been trained since, and that nobody has changed, is what it was
    when that training began.
    """
    now = _describe(model)
    if model.optimizer is None:
        return now
    compiled, at_end = _TRAINED.get(model.optimizer, (now, None))
    is_as_left = now == at_end
    if at_end is None:  # The optimizer may have changed in the course of training.
        is_as_left = {**now, "optimizer": None} == {**compiled, "optimizer": None}
    if not is_as_left:
        compiled = now
    _TRAINED[model.optimizer] = compiled, None
    return compiled


def end_training(model: keras.Model) -> None:
    """Notes that the training of a model has come to its end."""
    if model.optimizer is not None and model.optimizer in _TRAINED:
        _TRAINED[model.optimizer] = _TRAINED[model.optimizer][0], _describe(model)


def digest_of(compiled: dict[str, Any]) -> str:
    """Returns a short digest of what `begin_training` returned."""
    content = json.dumps(compiled, sort_keys=True).encode()
    return hashlib.sha256(content).hexdigest()[:16]


def difference(now: dict[str, Any], then: dict[str, Any]) -> str:
    """Says in which point a model is compiled otherwise than another was."""
    for name in ("learning rate", "optimizer", "loss", "trainable weights"):
        ours, theirs = (_point(compiled, name) for compiled in (now, then))
        if ours != theirs:
            return f"{name} {_short(theirs)}, not {_short(ours)}"
    return "other weights"


def _describe(model: keras.Model) -> dict[str, Any]:
    optimizer = model.optimizer
    settings = None
    if optimizer is not None:
        settings = {"class": type(optimizer).__name__, **_config_of(optimizer)}
    losses = keras.tree.flatten(getattr(model, "loss", None))
    return {
        "optimizer": settings,
        "loss": [_name_of(loss) for loss in losses],
        "weights": [
            [list(weight.shape), bool(weight.trainable)] for weight in model.weights
        ],
    }


def _config_of(optimizer: Any) -> dict[str, Any]:
    try:
        config = json.loads(json.dumps(optimizer.get_config(), default=_name_of))
    except (NotImplementedError, TypeError, ValueError):
        return {}  # It cannot be saved either.
    plain: dict[str, Any] = _without_names(config)
    return plain


def _without_names(value: Any) -> Any:
    """Leaves out names, to which Keras adds how many there were before."""
    if isinstance(value, dict):
        return {k: _without_names(v) for k, v in value.items() if k != "name"}
    if isinstance(value, list):
        return [_without_names(part) for part in value]
    return value


def _name_of(value: Any) -> str:
    if isinstance(value, str):
        return value
    return str(getattr(value, "__name__", type(value).__name__))


def _point(compiled: dict[str, Any], name: str) -> Any:
    settings = compiled["optimizer"] or {}
    if name == "learning rate":
        return settings.get("learning_rate")
    if name == "optimizer":
        return settings
    if name == "loss":
        return ", ".join(compiled["loss"])
    return sum(trainable for _, trainable in compiled["weights"])


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, dict):
        return str(value.get("class", value.get("class_name", "of other settings")))
    return str(value)
