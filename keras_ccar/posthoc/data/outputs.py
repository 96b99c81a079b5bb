"""One output of a model that has several, as a model that knows its loss."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from keras_ccar.arguments import argument_error, show


def one_output(model: keras.Model, output: str | int) -> keras.Model:
    """Returns one output of a model with several, as a model of its own.

    The other functions of `keras_ccar.posthoc`, and `keras_ccar.serving.export`, take
    models with one output. A part made by `keras.Model(model.input, ...)` would not be
    compiled: nobody would then know whether its loss has adjusted the prior already,
    nor whether several logits are classes or yes-or-no labels.

    Args:
        model: a Functional model that is built.
        output: which one: its key in the dict of outputs, the name of its layer, or its
            place, from 0.

    Returns:
        A model that shares its layers and weights with `model`. It is compiled with the
        loss of this output, if there is one, and a plain SGD.

    Raises:
        ValueError: for a model without symbolic outputs, such as a subclassed one; if
            it has no such output, or several of this name.

    Example:
    ```python
    import keras
    import keras_ccar
    from keras_ccar import posthoc

    inputs = keras.Input((8,))
    kind, size = keras.layers.Dense(3)(inputs), keras.layers.Dense(1)(inputs)
    model = keras.Model(inputs, {"kind": kind, "size": size})
    loss = keras_ccar.BalancedSoftmaxLoss([90, 9, 1], from_logits=True)
    model.compile("adam", {"kind": loss, "size": "mse"})
    assert posthoc.one_output(model, "kind").loss is loss
    ```
    """
    if not isinstance(model, keras.Model):
        raise argument_error("model", model, "a keras.Model")
    if not getattr(model, "outputs", None):
        raise ValueError(
            "`model` must be a Functional model that is built, which has outputs to "
            f"choose from. Received: {show(model)}. Of a subclassed model, make one: "
            "`inputs = keras.Input(shape)`, `keras.Model(inputs, model(inputs))`."
        )
    names = _names(model)
    place = _find(names, output)
    inputs = model.inputs[0] if isinstance(model, keras.Sequential) else model.input
    part = keras.Model(inputs, model.outputs[place])
    loss = _loss_of(getattr(model, "loss", None), names[place], place)
    if loss is not None:
        part.compile(keras.optimizers.SGD(), loss)
        # Keras would warn when it loads a file with one that is not.
        part.optimizer.build(part.trainable_variables)
    return part


def several_outputs(model: keras.Model, num_outputs: int) -> ValueError:
    """Returns the error about a model with several outputs where one is needed."""
    name: Any = 0
    if getattr(model, "outputs", None):
        name = _names(model)[0][0]
    return ValueError(
        f"`model` must have one output. Received: {show(model)} with {num_outputs}. "
        f"Pass `keras_ccar.posthoc.one_output(model, {name!r})` for the first of them."
    )


def _names(model: keras.Model) -> list[list[str]]:
    """Returns the names of each output: its key, if it has one, and its layer."""
    if isinstance(model, keras.Sequential):  # it may have no `output` yet
        return [[model.layers[-1].name]]
    layers, found = model.output_names, []
    for place, (path, _) in enumerate(keras.tree.flatten_with_path(model.output)):
        keys = [step for step in path[-1:] if isinstance(step, str)]
        found.append([*keys, *layers[place : place + 1]])
    return found


def _find(names: list[list[str]], output: Any) -> int:
    if isinstance(output, str):
        # A key goes before the layer of another output.
        for given in ([each[:1] for each in names], names):
            places = [place for place, each in enumerate(given) if output in each]
            if len(places) == 1:
                return places[0]
    is_whole = isinstance(output, int | np.integer) and not isinstance(output, bool)
    if is_whole and 0 <= output < len(names):
        return int(output)
    expected = f"a place from 0 to {len(names) - 1}, or one of {[n[0] for n in names]}"
    raise argument_error("output", output, expected)


def _loss_of(loss: Any, names: list[str], place: int) -> Any:
    """Returns the loss of an output: one for all, or that of its name or place."""
    if isinstance(loss, Mapping):
        return next((loss[name] for name in names if name in loss), None)
    if isinstance(loss, list | tuple):
        losses = keras.tree.flatten(loss)
        return losses[place] if place < len(losses) else None
    return loss
