"""The names of classes, for one loss or for those of several outputs."""

from collections.abc import Mapping
from typing import Any

import keras

from keras_ccar.arguments import show
from keras_ccar.callbacks.attachment import Attached
from keras_ccar.callbacks.compiled_losses import compiled_losses
from keras_ccar.inputs.class_names import (
    check_class_names,
    join_first,
    names_of_columns,
)

ClassNames = list[str] | dict[str, list[str]]
_MOST_OUTPUTS = 5


def read_class_names(given: Any) -> ClassNames | None:
    """Returns class names as a list or, if they are given so, as lists by output."""
    if given is None:
        return None
    if not isinstance(given, Mapping) or not given:
        return check_class_names(given)
    checked = {}
    for output, names in given.items():
        try:
            checked[str(output)] = check_class_names(names)
        except ValueError as error:
            raise ValueError(f"{error} These are of the output {output!r}.") from error
    return checked


def names_of_losses(
    class_names: ClassNames | None, model: keras.Model, tracked: Attached
) -> dict[str, list[str]]:
    """Returns the class names of each loss that has some, by the name of the loss.

    Args:
        class_names: what `read_class_names` returned.
        model: the compiled model.
        tracked: its losses, as `attach_statistics` returned them.

    Raises:
        ValueError: for names of an output that has no loss of this package, or for
            another number of names than of classes.
    """
    found: dict[str, list[str]] = {}
    if class_names is None:
        return found
    outputs_of = {id(loss): outputs for outputs, loss in compiled_losses(model)}
    keys = {
        name: [key for key in (name, *outputs_of[id(loss)]) if key]
        for name, (loss, _) in tracked.items()
    }
    if isinstance(class_names, dict):
        _check_outputs(class_names, [key for known in keys.values() for key in known])
    for name, (loss, _) in tracked.items():
        names: Any = class_names
        if isinstance(class_names, dict):
            names = next((class_names[k] for k in keys[name] if k in class_names), None)
        if names is None:
            continue
        names = names_of_columns(names, loss.num_classes)
        if len(names) != loss.num_classes:
            outputs = [] if isinstance(class_names, dict) else list(tracked)
            raise _wrong_number(len(names), loss.num_classes, name, outputs)
        found[name] = names
    return found


def _check_outputs(class_names: dict[str, list[str]], outputs: list[str]) -> None:
    if not outputs:
        raise ValueError(
            "`class_names` must be a sequence of names for a model whose loss is not "
            f"given by output. Received: a dict with the keys {show(list(class_names))}"
        )
    unknown = [output for output in class_names if output not in outputs]
    if unknown:
        outputs = list(dict.fromkeys(outputs))
        raise ValueError(
            "`class_names` must have names of outputs with a loss of this package as "
            f"its keys: {join_first(list(map(repr, outputs)), _MOST_OUTPUTS)}. "
            f"Received: {unknown[0]!r}"
        )


def _wrong_number(
    num_names: int, num_classes: int | None, name: str, outputs: list[str]
) -> ValueError:
    whose = f"the output {name!r} with" if name else "a loss of"
    advice = ""
    if len(outputs) > 1:
        example = ", ".join(f"{other!r}: [...]" for other in outputs[:_MOST_OUTPUTS])
        advice = f" Pass a dict with the names of each output: {{{example}}}."
    if num_classes == 1:
        advice = (
            " For one yes-or-no label pass its name, or two: those of no and of yes."
            + advice
        )
    return ValueError(
        "`class_names` must have one name for each class. Received "
        f"{num_names} names for {whose} {num_classes} classes.{advice}"
    )
