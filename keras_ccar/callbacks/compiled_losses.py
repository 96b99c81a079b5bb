"""Finds this package's losses in a compiled model."""

from typing import Any

import keras

from keras_ccar.losses.class_aware_loss import ClassAwareLoss


def compiled_losses(model: keras.Model) -> list[tuple[list[str], ClassAwareLoss]]:
    """Returns the losses of this package that a model was compiled with.

    Each comes once, after the names of the outputs that it is applied to: none where
    the model has a single loss.
    """
    outputs: dict[int, list[str]] = {}
    losses: dict[int, ClassAwareLoss] = {}
    for path, loss in keras.tree.flatten_with_path(model.loss):
        if isinstance(loss, ClassAwareLoss):
            losses[id(loss)] = loss
            outputs.setdefault(id(loss), []).extend(
                _output_name(model, step) for step in path
            )
    return [(outputs[key], loss) for key, loss in losses.items()]


def _output_name(model: keras.Model, step: Any) -> str:
    names = getattr(model, "output_names", None)
    return names[step] if isinstance(step, int) and names else str(step)
