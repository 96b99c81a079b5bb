"""Warns of one loss object for several outputs, whose statistics would be mixed."""

import warnings

import keras

from keras_ccar.callbacks.compiled_losses import compiled_losses


def warn_of_shared_losses(model: keras.Model, update_frequencies: bool) -> None:
    """Warns if one loss object of this package serves several outputs of a model.

    Args:
        model: a compiled model.
        update_frequencies: whether its class frequencies are updated too.

    Raises:
        ValueError: instead, if class frequencies would be updated.
    """
    for outputs, loss in compiled_losses(model):
        # A loss that is not given by output serves them all.
        names = outputs or getattr(model, "output_names", None) or []
        if len(names) < 2 or not loss.class_counts:
            continue
        kind = type(loss).__name__
        each = ", ".join(f'"{name}": {kind}(...)' for name in names)
        message = (
            f"The outputs {', '.join(map(repr, names))} of the model share one loss "
            f"object, {loss.name!r}, whose statistics are sums over all of them. Give "
            "each output a loss object of its own, with the counts of its classes: "
            f"`model.compile(loss={{{each}}})`"
        )
        if update_frequencies:
            raise ValueError(
                "`update_frequencies=True` would mix the class frequencies of several "
                f"outputs. {message}, or pass `update_frequencies=False`."
            )
        warnings.warn(f"{message}.", stacklevel=4)
