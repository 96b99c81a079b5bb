"""Warns where a loss, the metrics beside it and the model's output do not fit."""

import warnings
from collections.abc import Iterator
from typing import Any

import keras

from keras_ccar.inputs.checks import is_nan
from keras_ccar.keras_internals import compiled_metrics
from keras_ccar.layers.model_output import (
    gives_logits,
    output_activation,
    output_tensor,
)
from keras_ccar.layers.output_fit import Mismatch, find_mismatch
from keras_ccar.losses.binary_long_tailed_crossentropy import (
    BinaryLongTailedCrossentropy,
)
from keras_ccar.losses.class_aware_loss import ClassAwareLoss
from keras_ccar.metrics.class_metric import ClassMetric


def warn_output_mismatch(
    model: keras.Model, output: str | None, loss: ClassAwareLoss
) -> None:
    """Warns if a loss, or a metric beside it, does not fit an output.

    `output` is the name of the output, None in a model with a single one.
    """
    activation, is_corrected = output_activation(model, output)
    problem = find_mismatch(activation, loss)
    is_adjusting = getattr(loss, "adjustment", None) is not None
    if problem is None and is_corrected and is_adjusting:
        problem = Mismatch(
            "The model's output is corrected by `LogitCorrection`, and the loss "
            "adjusts logits as well: the prior is applied twice",
            "leave one of the two out",
        )
    of_output = "" if output is None else f" of the output {output!r}"
    if problem is not None:
        warnings.warn(
            f"{problem.output}, but the loss {loss.name!r}{of_output} has "
            f"from_logits={loss.from_logits} and adjustment="
            f"{getattr(loss, 'adjustment', None)!r}: {problem.advice}.",
            stacklevel=2,
        )
    shape = _shape(model, output)
    for metric in _metrics(model, output):
        for argument, wrong, right in _differences(metric, loss, activation, shape):
            warnings.warn(
                f"The metric {metric.name!r}{of_output} has {argument}={wrong!r}, "
                f"which does not fit the loss {loss.name!r} and the output that it is "
                f"beside: pass `{argument}={_code(right)}` to the metric, or change "
                "the loss.",
                stacklevel=2,
            )


def _differences(
    metric: ClassMetric,
    loss: Any,
    activation: str | None,
    shape: tuple[int | None, ...] | None,
) -> list[tuple[str, Any, Any]]:
    """Returns arguments of a metric, what it has and what it should have."""
    found: list[tuple[str, Any, Any]] = []
    # A loss of yes-or-no labels has neither an axis nor an ignored class.
    axis = getattr(loss, "axis", metric.axis)
    axes = [axis % len(shape) if shape else axis for axis in (metric.axis, axis)]
    if axes[0] != axes[1]:
        found.append(("axis", metric.axis, axis))
    ignored = getattr(loss, "ignore_class", metric.ignore_class)
    if metric.ignore_class != ignored:
        found.append(("ignore_class", metric.ignore_class, ignored))
    if isinstance(loss, BinaryLongTailedCrossentropy):
        # A metric of one column may leave unknown answers out as a class.
        given = metric.ignore_value
        given = metric.ignore_class if given is None else given
        unknown = loss.ignore_value
        if given != unknown and not (is_nan(given) and is_nan(unknown)):
            found.append(("ignore_value", given, unknown))
    is_logits = gives_logits(activation)
    is_logits = loss.from_logits if is_logits is None else is_logits
    num_columns = shape[axes[0]] if shape else None
    if metric.from_logits != is_logits and metric.needs_from_logits(num_columns):
        found.append(("from_logits", metric.from_logits, is_logits))
    return found


def _code(value: Any) -> str:
    return "float('nan')" if is_nan(value) else repr(value)


def metrics_of_outputs(
    model: keras.Model,
) -> Iterator[tuple[str | None, ClassMetric]]:
    """Yields this package's metrics of a compiled model.

    Each comes after the name of its output, None where the model has one output.
    """
    names = getattr(model, "output_names", None) or []
    for path, metric in compiled_metrics(model):
        step = path[0] if path else None
        if isinstance(step, int):  # a list with an entry for each output, or of one
            step = names[step] if len(names) > 1 and step < len(names) else None
        if isinstance(metric, ClassMetric):
            yield step, metric


def _metrics(model: keras.Model, output: str | None) -> list[ClassMetric]:
    """Returns this package's metrics of an output, of all outputs for None."""
    return [
        metric
        for name, metric in metrics_of_outputs(model)
        if None in (name, output) or name == output
    ]


def _shape(model: keras.Model, output: str | None) -> tuple[int | None, ...] | None:
    tensor = output_tensor(model, output)
    return None if tensor is None else tuple(tensor.shape)
