"""Optimizer, metrics and callbacks, each made anew for every training."""

import copy
import warnings
from collections.abc import Sequence
from typing import Any

import keras

from keras_ccar.arguments import argument_error
from keras_ccar.benchmark.own_data.planning.identity import without_names
from keras_ccar.benchmark.own_data.planning.user_code import digest_of_code

_DEFAULT_OPTIMIZER = "adam"
_OPTIMIZER = (
    "a Keras optimizer, the name of one, a function that returns one, or None for Adam"
)
_METRICS = "a list of Keras metrics, their names, or functions that return metrics"
_CALLBACKS = "a list of Keras callbacks, a function that returns one, or None"


def check_optimizer(optimizer: Any) -> None:
    """Raises a `ValueError` for anything that makes no optimizer."""
    if not _is_function(optimizer):
        new_optimizer(optimizer)


def new_optimizer(optimizer: Any) -> keras.optimizers.Optimizer:
    """Returns a new optimizer, so that no training continues another."""
    found = optimizer() if _is_function(optimizer) else optimizer
    try:
        found = keras.optimizers.get(_DEFAULT_OPTIMIZER if found is None else found)
        return type(found).from_config(found.get_config())
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise argument_error("optimizer", optimizer, _OPTIMIZER) from error


def describe_optimizer(optimizer: Any) -> dict[str, Any]:
    """Returns what decides the steps of an optimizer, as plain JSON."""
    new = new_optimizer(optimizer)
    found: dict[str, Any] = without_names(keras.saving.serialize_keras_object(new))
    return {**found, "code": digest_of_code(new)}


def check_metrics(metrics: Any) -> list[Any]:
    """Returns the metrics as a list.

    Raises:
        ValueError: for anything that is no list of metrics.
    """
    if not isinstance(metrics, list | tuple):
        raise argument_error("metrics", metrics, _METRICS)
    for metric in metrics:
        if not isinstance(metric, str | keras.metrics.Metric) and not callable(metric):
            raise argument_error("metrics", metrics, _METRICS)
        if isinstance(metric, str):
            new_metrics([metric])
    return list(metrics)


def new_metrics(metrics: Sequence[Any]) -> list[Any]:
    """Returns new metrics, so that no training counts for another."""
    made = []
    for metric in metrics:
        try:
            found = metric
            if isinstance(metric, str):
                keras.metrics.get(metric)  # Keras tells which accuracy is meant.
                made.append(metric)
                continue
            if isinstance(metric, type) or _is_function(metric):
                found = _made_by(metric)
            found = keras.metrics.get(found)
            if isinstance(found, keras.metrics.Metric):
                found = type(found).from_config(found.get_config())
            made.append(found)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise argument_error("metrics", metric, _METRICS) from error
    return made


def _made_by(function: Any) -> Any:
    """Returns the metric that a function makes; functions of labels are metrics."""
    try:
        return function()
    except TypeError:
        return function


def check_callbacks(callbacks: Any) -> None:
    """Raises a `ValueError` for anything that makes no list of callbacks."""
    if callbacks is not None and not _is_function(callbacks):
        _require_callbacks(callbacks)


def new_callbacks(callbacks: Any) -> list[keras.callbacks.Callback]:
    """Returns new callbacks, so that no training continues another."""
    if callbacks is None:
        return []
    if _is_function(callbacks):
        return _require_callbacks(callbacks())
    with warnings.catch_warnings():
        return [copy.deepcopy(callback) for callback in callbacks]


def _require_callbacks(callbacks: Any) -> list[keras.callbacks.Callback]:
    if not isinstance(callbacks, list | tuple) or not all(
        isinstance(callback, keras.callbacks.Callback) for callback in callbacks
    ):
        raise argument_error("callbacks", callbacks, _CALLBACKS)
    return list(callbacks)


def _is_function(value: Any) -> bool:
    """Whether a value is a function that makes parts, rather than a part."""
    parts = (keras.optimizers.Optimizer, keras.metrics.Metric, keras.callbacks.Callback)
    return callable(value) and not isinstance(value, (*parts, type))
