"""Small checks that the whole package shares."""

import math
from numbers import Integral, Real

import keras


def check_number(name, value, low=-math.inf, high=math.inf, meaning=""):
    """Returns a finite number as a float, or raises a `ValueError` if it is not one.

    Args:
        name: the argument's name, for the message.
        value: what was given.
        low: smallest allowed value.
        high: greatest allowed value.
        meaning: what the argument does, for the message.
    """
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not low <= value <= high:
        bounds = f"in [{low:g}, {high:g}]" if high < math.inf else f">= {low:g}"
        raise ValueError(
            f"`{name}` must be a finite number {bounds}"
            f"{f' ({meaning})' if meaning else ''}. Received: {name}={value!r}"
        )
    return float(value)


def check_whole_number(name, value, low, meaning=""):
    """Returns a whole number as an int, or raises a `ValueError` if it is not one.

    Args:
        name: the argument's name, for the message.
        value: what was given.
        low: smallest allowed value.
        meaning: what the argument does, for the message.
    """
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_whole or value < low:
        raise ValueError(
            f"`{name}` must be a whole number >= {low}"
            f"{f' ({meaning})' if meaning else ''}. Received: {name}={value!r}"
        )
    return int(value)


def concrete_value(tensor):
    """Returns a tensor's value as numpy, or None inside a traced or compiled step."""
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        known = not isinstance(tensor, jax.core.Tracer)
    elif backend == "torch":
        import torch

        known = tensor.device.type != "meta" and not torch.compiler.is_compiling()
    else:  # graph tensors of TensorFlow have no `numpy`
        known = hasattr(tensor, "numpy")
    return keras.ops.convert_to_numpy(tensor) if known else None
