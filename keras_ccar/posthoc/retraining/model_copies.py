"""Copies of models that share nothing with the original."""

import contextlib
import types
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import keras
from keras.layers import InputLayer

from keras_ccar.inputs.class_names import check_class_names
from keras_ccar.keras_internals import SafeModeScope, all_layers, compiled_metrics
from keras_ccar.losses.binary_long_tailed_crossentropy import (
    BinaryLongTailedCrossentropy,
)
from keras_ccar.losses.long_tailed_crossentropy import LongTailedCrossentropy
from keras_ccar.serialization import without_reload_warnings


def copy_model(model: keras.Model) -> keras.Model:
    """Returns a copy of a Functional or Sequential model, not compiled.

    Layers are made from their configurations. Weights and `trainable` of all layers,
    also of those within layers, are those of the original.

    Args:
        model: a built model.
    """
    with _own_code(all_layers(model)):
        # `clone_model` would lose the class of models such as those of KerasHub.
        copied = type(model).from_config(model.get_config())
    # A model within a model may share its input layers, which a copy does not.
    sides = [
        [layer for layer in all_layers(each) if not isinstance(layer, InputLayer)]
        for each in (model, copied)
    ]
    for original, layer in zip(*sides, strict=True):
        # Whoever holds a layer sets it too, so this goes from the outside in.
        if layer.trainable != original.trainable:
            layer.trainable = original.trainable
    copied.set_weights(model.get_weights())
    names = getattr(model, "class_names", None)
    if names is not None and getattr(copied, "class_names", None) is None:
        copied.class_names = check_class_names(names)
    return copied


def compile_as(
    model: keras.Model, copied: keras.Model, are_labels: bool, from_logits: bool
) -> None:
    """Compiles a copy of a model as the original, with a new optimizer.

    Args:
        model: the original. If it is not compiled, the copy gets a plain cross-entropy
            and SGD.
        copied: what `copy_model` returned.
        are_labels: whether the output is yes-or-no labels rather than classes.
        from_logits: whether the output is logits.

    Warns:
        UserWarning: if what the original was compiled with cannot be made anew from
            its configuration. Then it is compiled as if it was not.
    """
    if getattr(model, "compiled", False):
        try:
            metrics = [metric for _, metric in compiled_metrics(model)]
            with _own_code([*keras.tree.flatten(model.loss), *metrics]):
                config = keras.saving.deserialize_keras_object(
                    model.get_compile_config()
                )
            copied.compile(**config)
            _build_optimizer(copied)
            return
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            warnings.warn(
                "The new model is compiled with a plain cross-entropy, because what "
                f"`model` was compiled with cannot be made anew: {error}. Call "
                "`compile` before you train it on.",
                stacklevel=3,
            )
    kind: Any = BinaryLongTailedCrossentropy if are_labels else LongTailedCrossentropy
    copied.compile(
        keras.optimizers.SGD(0.01, momentum=0.9), kind(None, from_logits=from_logits)
    )
    _build_optimizer(copied)


def _build_optimizer(model: keras.Model) -> None:
    """Builds it now: Keras would warn when it loads a file with one that is not."""
    if model.optimizer is not None:
        model.optimizer.build(model.trainable_variables)


@contextlib.contextmanager
def _own_code(objects: Iterable[Any]) -> Iterator[None]:
    """Within this context, Keras finds the classes and functions of these objects.

    The user need not register them: they, and the code of lambdas, are already there.
    """
    found = {}
    for value in objects:
        is_code = isinstance(value, types.FunctionType | type)
        code = value if is_code else type(value)
        if code.__module__.partition(".")[0] not in ("builtins", "keras"):
            found[code.__name__] = code
    with (
        keras.saving.custom_object_scope(found),
        SafeModeScope(False),
        without_reload_warnings(),
    ):
        yield
