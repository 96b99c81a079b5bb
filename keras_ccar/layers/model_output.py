"""Finds the activation of a model's output."""

from typing import Any

import keras
import numpy as np

from keras_ccar.keras_internals import input_of_call, is_cast, source_of
from keras_ccar.losses.find_losses import only_loss

_MOVES_AXES = (keras.layers.Flatten, keras.layers.Permute, keras.layers.Reshape)
# Layers that do not change the range of their input.
PASSES_THROUGH = (keras.layers.Dropout, keras.layers.Identity, *_MOVES_AXES)
# Activations after which predictions are logits, or probabilities.
_GIVES_LOGITS = {
    "linear": True,
    "log_softmax": True,
    **dict.fromkeys(("softmax", "sigmoid", "hard_sigmoid", "sparse_sigmoid"), False),
}


class KeepsActivation:
    """Base of layers that change predictions, but neither their kind nor their axes.

    Attributes:
        moves_prior: whether the layer is a correction for the class prior, which must
            not be applied twice.
    """

    moves_prior = True

    @property
    def are_labels(self) -> bool:
        """Whether the predictions are of yes-or-no labels whatever their number."""
        raise NotImplementedError


def output_activation(
    model: keras.Model, output: str | None = None
) -> tuple[str | None, bool]:
    """Finds the activation of a model's output.

    Args:
        model: a `keras.Model`.
        output: the name of the output, or None if the model has a single one.

    Returns:
        A pair: "softmax", "sigmoid", "linear" or the name of another activation, None
        if the layers do not tell, as in subclassed models; and whether the output
        passes through a `LogitCorrection`.
    """
    tensor = output_tensor(model, output)
    return (None, False) if tensor is None else tensor_activation(tensor)


def output_tensor(model: keras.Model, output: str | None = None) -> Any:
    """Returns the symbolic tensor of a model's output, None if there is none.

    The arguments are those of `output_activation`.
    """
    tensors = keras.tree.flatten(getattr(model, "outputs", None) or [])
    names = getattr(model, "output_names", None) or []
    if output in names:
        tensors = [tensors[names.index(output)]]
    return tensors[0] if len(tensors) == 1 else None


def is_corrected_by_label(model: keras.Model) -> bool | None:
    """Whether a model's only output passes through a layer of K labels.

    None if it passes through no layer that tells.
    """
    tensor = output_tensor(model)
    changes = [] if tensor is None else _last_operation(tensor)[1]
    told = [
        layer.are_labels
        for layer in changes
        if getattr(layer, "multi_label", True) is not None
    ]
    return any(told) if told else None


def tensor_activation(tensor: Any) -> tuple[str | None, bool]:
    """Finds the activation of a symbolic tensor; see `output_activation`."""
    operation, changes = _last_operation(tensor)
    is_corrected = any(layer.moves_prior for layer in changes)
    if type(operation).__name__ in ("Softmax", "Sigmoid"):  # layers and operations
        return type(operation).__name__.lower(), is_corrected
    activation = getattr(operation, "activation", None)
    return getattr(activation, "__name__", None), is_corrected


def has_prior_of_data(tensor: Any) -> bool:
    """Whether something behind the model has set the prior of a symbolic tensor."""
    return any(map(sets_prior, _last_operation(tensor)[1]))


def sets_prior(layer: KeepsActivation) -> bool:
    """Whether a layer sets the prior: a correction, or a bias that fits the data."""
    return layer.moves_prior or getattr(layer, "bias", None) is not None


def origin_of(tensor: Any) -> tuple[Any, Any, bool | None]:
    """Returns what computes a symbolic tensor before it is corrected or reshaped.

    Returns:
        The operation, which is a model with a loss if one comes first; the loss, None
        if there is none or several; and whether the corrections take logits, None if
        they do not tell.
    """
    told = None
    while True:
        operation, call, index = source_of(tensor) or (None, 0, 0)
        if isinstance(operation, KeepsActivation):
            given = getattr(operation, "from_logits", None)
            told = given if told is None else told
        if isinstance(operation, (KeepsActivation, *PASSES_THROUGH)):
            tensor = input_of_call(operation, call)
            continue
        loss = getattr(operation, "loss", None)
        outputs = getattr(operation, "outputs", None)
        if not isinstance(operation, keras.Model) or loss is not None or not outputs:
            return operation, only_loss(operation), told
        tensor = keras.tree.flatten(outputs)[index]


def gives_logits(activation: str | None) -> bool | None:
    """Whether predictions after an activation are logits; None if it does not tell."""
    return _GIVES_LOGITS.get(activation or "")


def softmax_axis(tensor: Any) -> int | None:
    """Returns the axis over which a symbolic tensor sums to 1, None if unknown."""
    operation, _ = _last_operation(tensor, keeping_axes=True)
    if type(operation).__name__ == "Softmax":
        axes = np.atleast_1d(operation.axis).tolist()
        return axes[0] if len(axes) == 1 else None
    activation = getattr(operation, "activation", None)
    return -1 if activation is keras.activations.softmax else None


def _last_operation(tensor: Any, keeping_axes: bool = False) -> tuple[Any, list[Any]]:
    """Returns what decides the range of a symbolic tensor, and what changes it after.

    The former is None if it is unknown or, with `keeping_axes`, if a layer after it may
    have moved the axes. The latter are layers that keep the activation.
    """
    changes: list[Any] = []
    while True:
        operation, call, index = source_of(tensor) or (None, 0, 0)
        if isinstance(operation, keras.Model) and getattr(operation, "outputs", None):
            tensor = keras.tree.flatten(operation.outputs)[index]
            continue
        is_linear = getattr(operation, "activation", None) is keras.activations.linear
        if isinstance(operation, KeepsActivation):
            changes.append(operation)
        elif isinstance(operation, keras.layers.TimeDistributed):
            return None if keeping_axes else operation.layer, changes
        elif (
            not isinstance(operation, PASSES_THROUGH)
            and not is_cast(operation)
            and not (isinstance(operation, keras.layers.Activation) and is_linear)
        ):
            return operation, changes
        elif keeping_axes and isinstance(operation, _MOVES_AXES):
            return None, changes
        tensor = input_of_call(operation, call)
