"""Puts what was chosen after training behind the model."""

import inspect
import warnings
from typing import Any

import keras

from keras_ccar.arguments import argument_error
from keras_ccar.keras_internals import get_input_signature
from keras_ccar.layers.decides import Decides
from keras_ccar.layers.logit_correction import LogitCorrection
from keras_ccar.layers.model_output import KeepsActivation
from keras_ccar.layers.named_model import model_with_names
from keras_ccar.posthoc.applied import (
    Correction,
    applied_before,
    describe_corrections,
    name_corrections,
)
from keras_ccar.posthoc.data.outputs import several_outputs
from keras_ccar.posthoc.fitted_layers import fit_from_logits, warn_of_prior
from keras_ccar.posthoc.prior.corrected_prior import advice_against_two
from keras_ccar.posthoc.result import Result


def chain(
    model: keras.Model, *layers: keras.layers.Layer | Result | None
) -> keras.Model:
    """Returns one model: a trained model, and behind it what was chosen for it.

    The new model shares the weights of the given one, which stays as it is. It is saved
    by `model.save` and exported by `keras_ccar.serving.export`, which serves the
    decisions of a model that ends in `Thresholds`, `CostSensitiveDecision` or
    `PredictionSet` beside its probabilities.

    The order is the order in which the parts were chosen, each on what the ones before
    it return: first temperature and prior, decisions last. So choose the second part on
    `chain(model, first)`. After `estimate_prior`, decide by `CostSensitiveDecision`,
    which needs no data: thresholds would be chosen on validation data that have the old
    prior.

    Args:
        model: a built `keras.Model` with one output: Functional, Sequential or
            subclassed.
        *layers: Keras layers, or what the functions of `keras_ccar.posthoc` return,
            which stands for its `.layer`, behind its `.calibration` if it has one and
            the model has not. What was chosen on an array of probabilities also fits a
            model that returns logits, and the other way round: a copy of the layer is
            applied that does the same. None is left out.

    Returns:
        A Functional `keras.Model`. It is not compiled. It has the `class_names` of
        `model`, if there are any, and keeps them when it is saved and loaded.

    Raises:
        ValueError: for a model that is not built or has several outputs, for anything
            that is no layer, for layers behind a decision, for a temperature of each
            class that was chosen on an array of probabilities for a model that returns
            logits, or the other way round, and for what the layers refuse when they
            are applied.

    Warns:
        UserWarning: if a part was chosen on the output of other corrections than those
            before it, which results remember if they come from a model; if two layers
            of the same kind change the output one after the other; if a
            `LogitCorrection` without `trained_prior`, or a `CostSensitiveDecision`
            without a correction before it, follows a model that was compiled with a
            loss of this package that adjusts logits or weighs classes, or that comes
            from `retrain_classifier`.

    Example:
    ```python
    import keras
    from keras_ccar.layers import LogitCorrection, Thresholds
    from keras_ccar.posthoc.composition import chain

    model = keras.Sequential(
        [keras.Input((8,)), keras.layers.Dense(1, activation="sigmoid")]
    )
    corrected = LogitCorrection([990, 10], trained_prior="balanced")
    whole = chain(model, corrected, Thresholds(0.2))
    assert whole.predict(keras.ops.zeros((2, 8)), verbose=0).shape == (2, 1)
    ```
    """
    if not isinstance(model, keras.Model):
        raise argument_error("model", model, "a keras.Model")
    given = [(part, _layers_of(part)) for part in layers if part is not None]
    inputs, output = _call(model)
    applied, models = applied_before(output)
    parts: list[Any] = []
    compared: list[Any] = []
    for part, (*before, last) in given:
        # A calibration may be there already, by itself.
        there = [*applied, *parts]
        if isinstance(part, Result) and part.chosen_on is not None:
            _compare(part, part.chosen_on, there)
            compared += part.layers
        parts += [layer for layer in before if not _is_among(layer, there, part)]
        parts.append(last)
    for layer in parts:
        _check_order(applied, layer, compared, output.shape[-1])
        warn_of_prior(layer, output, applied, models, stacklevel=2)
        layer = fit_from_logits(layer, output, applied)
        output = layer(output)
        applied.append(layer)
    return model_with_names(inputs, output, getattr(model, "class_names", None))


def _layers_of(part: Any) -> list[keras.layers.Layer]:
    found = part.layers if isinstance(part, Result) else [part]
    if not all(isinstance(layer, keras.layers.Layer) for layer in found):
        raise argument_error(
            "layers",
            part,
            "Keras layers, what the functions of `keras_ccar.posthoc` return, or None",
        )
    return found


def _is_among(layer: keras.layers.Layer, others: list[Any], result: Result) -> bool:
    """Whether a layer of a result is one of others, or does what one of them does.

    One that was chosen on an array may be there as a copy for the model.
    """
    if any(layer is other for other in others):
        return True
    does = describe_corrections([layer])
    is_of_array = result.chosen_on is None and bool(does)
    return is_of_array and does[0] in describe_corrections(others)


def _call(model: keras.Model) -> tuple[Any, Any]:
    """Returns symbolic inputs, and what the model makes of them."""
    try:
        signature = get_input_signature(model)
    except ValueError as error:
        raise ValueError(
            f"`model` must be built. Received {model.name!r}, whose input shapes are "
            "unknown: start it with a `keras.Input`, or call it once on a batch."
        ) from error
    if isinstance(model, keras.Sequential):
        arguments = [model.inputs[0]]
    elif getattr(model, "inputs", None):
        # Its own inputs keep their names, which are those that servers know.
        arguments = [model.input]
    else:
        _require_one_argument(model)
        arguments = keras.tree.map_structure(_input_like, signature)
    output = model(*arguments)
    if not isinstance(output, keras.KerasTensor):
        raise several_outputs(model, len(keras.tree.flatten(output)))
    return arguments[0], output


def _require_one_argument(model: keras.Model) -> None:
    """Refuses a subclassed model whose further arguments Keras does not record."""
    required = [
        parameter.name
        for parameter in inspect.signature(model.call).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    if len(required) > 1:
        raise ValueError(
            "`model` must take its inputs as one argument, such as a list. Received: "
            f"{model.name!r}, whose `call` takes {', '.join(required)}. Call it in a "
            "Functional model: `keras.Model([a, b], model(a, b))`, where `a` and `b` "
            "are `keras.Input`."
        )


def _input_like(spec: Any) -> Any:
    return keras.Input(shape=tuple(spec.shape[1:]), dtype=spec.dtype, name=spec.name)


def _compare(part: Result, chosen_on: tuple[Correction, ...], there: list[Any]) -> None:
    """Warns of a part that was chosen on other predictions than it gets.

    Args:
        part: what a function of `keras_ccar.posthoc` returned.
        chosen_on: the corrections that came before it when it was chosen.
        there: the layers that come before it.
    """
    first = part.layers[0]
    places = [place for place, layer in enumerate(there) if layer is first]
    gets = describe_corrections(there[: places[0]] if places else there)
    if gets == chosen_on:
        return
    on, given = name_corrections(chosen_on), name_corrections(gets)
    if on == given:
        given += ", with other settings"
    warnings.warn(
        f"`layers` has a {type(part).__name__} that gets other predictions than those "
        f"that it was chosen on. It was chosen on {on} and gets {given}. Call "
        f"`{part.chosen_by}` on the model that `chain` returns of what comes before "
        "it, or put before it what it was chosen on.",
        stacklevel=3,
    )


def _check_order(
    applied: list[Any], layer: Any, compared: list[Any], columns: int | None
) -> None:
    """Refuses a layer behind a decision, and warns of one that is applied twice.

    Args:
        applied: what comes before it.
        layer: the layer.
        compared: layers of which `_compare` has said what there is to say.
        columns: the classes or labels of the output.
    """
    last = next((part for part in applied if isinstance(part, Decides)), None)
    if last is not None:
        raise ValueError(
            "`layers` must end where a layer decides. Received: "
            f"{type(layer).__name__} behind {type(last).__name__}, whose output of 0 "
            "and 1 holds no predictions any more. Put it before, or leave one out."
        )
    if not isinstance(layer, KeepsActivation) or id(layer) in map(id, compared):
        return
    if isinstance(layer, LogitCorrection):
        advice = advice_against_two(layer, applied, columns)
    elif any(type(part) is type(layer) for part in applied):
        advice = "Leave one of the two out"
    else:
        return
    if advice is not None:
        warnings.warn(
            f"`layers` would apply {type(layer).__name__} twice, the second time to "
            f"what the first has changed already. {advice}, unless the second was "
            "chosen on the output of the first.",
            stacklevel=3,
        )
