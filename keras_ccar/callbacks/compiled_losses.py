"""Finds this package's losses, and what they are applied to, in a compiled model."""

import keras

from keras_ccar.losses.class_aware_loss import ClassAwareLoss

# Layers that leave the range of their input alone.
_PASS_THROUGH = (
    keras.layers.Dropout,
    keras.layers.Flatten,
    keras.layers.Permute,
    keras.layers.Reshape,
)


def compiled_losses(model):
    """Finds the losses of this package that a model was compiled with.

    Args:
        model: a compiled `keras.Model`.

    Returns:
        A list of pairs `(outputs, loss)`, one for each loss object: the names of the
        outputs that it is applied to, empty where the model has a single loss.
    """
    outputs = {}
    losses = {}
    for path, loss in keras.tree.flatten_with_path(model.loss):
        if isinstance(loss, ClassAwareLoss):
            losses[id(loss)] = loss
            outputs.setdefault(id(loss), []).extend(
                _output_name(model, step) for step in path
            )
    return [(outputs[key], loss) for key, loss in losses.items()]


def output_activation(model, output=None):
    """Finds the activation that makes a model's output, as far as layers tell.

    Args:
        model: a `keras.Model`.
        output: name of the output, or None for a model with one output.

    Returns:
        "softmax", "sigmoid", "linear" or the name of another activation, or None where
        it is unknown, as in subclassed models.
    """
    tensors = keras.tree.flatten(getattr(model, "outputs", None) or [])
    names = getattr(model, "output_names", None) or []
    if output in names:
        tensors = [tensors[names.index(output)]]
    if len(tensors) != 1:
        return None
    return _activation(tensors[0])


def _activation(tensor):
    operation, _, index = tensor._keras_history
    if isinstance(operation, keras.Model) and getattr(operation, "outputs", None):
        return _activation(keras.tree.flatten(operation.outputs)[index])
    if isinstance(operation, _PASS_THROUGH):
        return _activation(operation.input)
    if isinstance(operation, keras.layers.TimeDistributed):
        operation = operation.layer
    if type(operation).__name__ == "Softmax":  # the layer and the operation
        return "softmax"
    activation = getattr(operation, "activation", None)
    return getattr(activation, "__name__", None)


def _output_name(model, step):
    names = getattr(model, "output_names", None)
    return names[step] if isinstance(step, int) and names else str(step)
