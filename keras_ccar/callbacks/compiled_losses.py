"""Finds this package's losses in a compiled model."""

from typing import Any

import keras

from keras_ccar.losses.class_aware_loss import ClassAwareLoss
from keras_ccar.losses.find_losses import find_losses


def compiled_losses(model: keras.Model) -> list[tuple[list[str], ClassAwareLoss]]:
    """Returns the losses of this package that a model was compiled with.

    Each comes once, also if it is a part of another loss or of a function, after the
    names of the outputs that it is applied to: none where the loss was not given by
    output.
    """
    outputs: dict[int, list[str]] = {}
    losses: dict[int, ClassAwareLoss] = {}
    given = keras.tree.flatten_with_path(getattr(model, "loss", None))
    for index, (path, part) in enumerate(given):
        for loss in find_losses(part):
            losses[id(loss)] = loss
            names = outputs.setdefault(id(loss), [])
            for name in _output_names(model, path, index, len(given)):
                if name not in names:
                    names.append(name)
    return [(outputs[key], loss) for key, loss in losses.items()]


def statistics_names(losses: list[tuple[list[str], ClassAwareLoss]]) -> list[str]:
    """Returns the name that the statistics of each loss of a model have.

    It is empty for a single loss, otherwise the name of its output. Where an output has
    several losses, the name of the loss follows, and a number if that is the same too.
    """
    if len(losses) == 1:
        return [""]
    outputs = ["_and_".join(names) for names, _ in losses]
    unique: list[str] = []
    for output, (_, loss) in zip(outputs, losses, strict=True):
        name = output
        if not output or outputs.count(output) > 1:
            name = "_".join(filter(None, (output, loss.name)))
        # A slash would be a folder in files of weights.
        base = name = name.replace("/", "_")
        count = 1
        while name in unique:
            count += 1
            name = f"{base}_{count}"
        unique.append(name)
    return unique


def _output_names(
    model: keras.Model, path: tuple[Any, ...], index: int, count: int
) -> list[str]:
    """Returns the name of the output that the loss at a path is applied to."""
    names = getattr(model, "output_names", None) or []
    if len(path) > 1 and isinstance(path[0], int) and count == len(names):
        return [names[index]]  # one loss for each output, nested like them
    steps = [step for step in path if not isinstance(step, int)]
    if path and not steps and len(model.loss) > 1:
        step = path[0]
        steps = [names[step] if step < len(names) else step]
    return list(map(str, steps))
