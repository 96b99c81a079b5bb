"""Finds where a loss expects another output than the model has."""

import functools
from typing import Any, NamedTuple

import keras

from keras_ccar.layers.kind_of_input import BINARY_LOSSES, SOFTMAX_LOSSES
from keras_ccar.layers.model_output import gives_logits
from keras_ccar.losses.find_losses import find_losses

# Keras's cross-entropies as functions, which take probabilities unless they are told.
_FUNCTIONS = {
    keras.losses.binary_crossentropy: "BinaryCrossentropy",
    keras.losses.binary_focal_crossentropy: "BinaryFocalCrossentropy",
    keras.losses.categorical_crossentropy: "CategoricalCrossentropy",
    keras.losses.categorical_focal_crossentropy: "CategoricalFocalCrossentropy",
    keras.losses.sparse_categorical_crossentropy: "SparseCategoricalCrossentropy",
}


class Mismatch(NamedTuple):
    """What the output is, and what to do about the loss, for a message."""

    output: str
    advice: str


def find_mismatch(
    activation: str | None, loss: Any, is_logits: bool | None = None
) -> Mismatch | None:
    """Returns how a loss does not fit an output; None if it does, or if nothing tells.

    Args:
        activation: the last activation of the output, None if it is unknown.
        loss: a loss that the output goes into: of this package, of Keras, or any that
            has `from_logits`; an object, a function or a name.
        is_logits: whether the output is logits, where the activation does not tell.
    """
    told = gives_logits(activation)
    is_logits = is_logits if told is None else told
    kind = f" ({activation})" if told is not None else ""
    if activation == "softmax" and (sibling := loss_of_other_kind(loss, False)):
        return Mismatch(
            "The model's output is a softmax, of classes that exclude each other",
            f"use `{sibling}`, or a sigmoid for labels that do not",
        )
    for part, from_logits in _parts(loss):
        if is_logits is True and not from_logits:
            kind = " (no activation)" if activation == "linear" else kind
            return Mismatch(f"The model's output is logits{kind}", _ask(part))
        if is_logits is False and from_logits:
            output = f"The model's output is probabilities{kind}"
            return Mismatch(output, "remove `from_logits=True`")
    return None


def loss_of_other_kind(loss: Any, are_labels: bool) -> str:
    """Returns what to use in place of a loss of the other kind of output, or "".

    Args:
        loss: a loss as `find_mismatch` takes it.
        are_labels: whether the output is yes-or-no labels.
    """
    kinds = SOFTMAX_LOSSES if are_labels else BINARY_LOSSES
    for part, _ in _parts(loss):
        is_object = isinstance(part, keras.losses.Loss)
        kind = type(part) if is_object else getattr(keras.losses, _FUNCTIONS[part])
        if issubclass(kind, kinds):
            focal = "Focal" if "Focal" in kind.__name__ else ""
            of_keras = f"{'Binary' if are_labels else 'Categorical'}{focal}Crossentropy"
            return getattr(part, "sibling", f"keras.losses.{of_keras}")
    return ""


def _parts(loss: Any) -> list[tuple[Any, bool]]:
    """Returns the losses that a loss is made of, and whether they take logits."""
    if isinstance(loss, str):
        loss = keras.losses.get(loss)
    if isinstance(loss, keras.losses.Loss):
        return [
            (part, part.from_logits)
            for part in find_losses(loss, keras.losses.Loss)
            if isinstance(getattr(part, "from_logits", None), bool)
        ]
    keywords: dict[str, Any] = {}
    while isinstance(loss, functools.partial):
        keywords = {**loss.keywords, **keywords}
        loss = loss.func
    # What other functions do to their predictions is not known.
    is_known = any(loss is function for function in _FUNCTIONS)
    return [(loss, bool(keywords.get("from_logits")))] if is_known else []


def _ask(loss: Any) -> str:
    if isinstance(loss, keras.losses.Loss):
        return "pass `from_logits=True` to the loss"
    return f"use `keras.losses.{_FUNCTIONS[loss]}(from_logits=True)`"
