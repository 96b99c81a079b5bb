"""Checks of arguments, one for each type; every check raises a `ValueError`."""

import math
from numbers import Integral, Real

import keras
import numpy as np

REDUCTIONS = (
    "sum_over_batch_size",
    "sum",
    "mean",
    "mean_with_sample_weight",
    "none",
    None,
)


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


def check_whole_number(name, value, low=-math.inf, meaning=""):
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
            f"`{name}` must be a whole number{f' >= {low}' if low > -math.inf else ''}"
            f"{f' ({meaning})' if meaning else ''}. Received: {name}={value!r}"
        )
    return int(value)


def check_boolean(name, value):
    """Returns a bool, or raises a `ValueError` for what is none.

    Args:
        name: the argument's name, for the message.
        value: what was given.
    """
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"`{name}` must be True or False. Received: {name}={value!r}")
    return bool(value)


def check_reduction(reduction):
    """Returns a reduction that Keras's losses know, or raises a `ValueError`."""
    if reduction not in REDUCTIONS:
        raise ValueError(
            f"`reduction` must be one of {', '.join(map(repr, REDUCTIONS))}. "
            f"Received: reduction={reduction!r}"
        )
    return reduction


def check_float_policy(name, dtype):
    """Returns the dtype policy of a loss, or raises a `ValueError` if it is no float's.

    Args:
        name: the argument's name, for the message.
        dtype: name of a dtype or of a policy, a policy, or None for float32.
    """
    try:
        policy = keras.dtype_policies.get("float32" if dtype is None else dtype)
        if keras.backend.is_float_dtype(policy.compute_dtype):
            return policy
    except (TypeError, ValueError):
        pass
    raise ValueError(
        f"`{name}` must be the name of a float dtype such as 'float32', a dtype "
        f"policy, or None. Received: {name}={dtype!r}"
    )


def to_numeric_tensor(name, value, dtype=None):
    """Returns numbers as a tensor, or raises a `ValueError` if they are not such.

    Args:
        name: the argument's name, for the message.
        value: a tensor, an array, or numbers in nested sequences. Integers become
            int32.
        dtype: dtype of the tensor.
    """
    if not (keras.ops.is_tensor(value) or isinstance(value, keras.Variable)):
        value = _number_array(name, value)
    elif not _is_numeric(value.dtype):
        raise ValueError(
            f"`{name}` must hold real numbers. Received a tensor of dtype {value.dtype}"
        )
    # What is too large for JAX's float32 becomes infinite, and is refused as that.
    with np.errstate(over="ignore"):
        return keras.ops.convert_to_tensor(value, dtype)


def check_finite(name, value):
    """Raises a `ValueError` for a known tensor or array that holds NaN or infinity.

    Args:
        name: the argument's name, for the message.
        value: tensor or array.
    """
    values = value if isinstance(value, np.ndarray) else eager_value(value)
    if values is not None and not np.isfinite(values).all():
        wrong = values[~np.isfinite(values)]
        raise ValueError(
            f"`{name}` must hold finite numbers. Received {wrong[:5].tolist()}"
        )


def eager_value(tensor):
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


def _number_array(name, value):
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"`{name}` must be an array of numbers. Received: {name}={value!r}"
        ) from error
    if not _is_numeric(array.dtype):
        raise ValueError(
            f"`{name}` must be an array of real numbers. Received "
            f"{type(value).__name__} of dtype {array.dtype}: {value!r}"
        )
    if array.dtype.kind not in "iu":
        return array
    # What JAX would cut to 32 bits in silence, and what torch has no arithmetic for.
    limits = np.iinfo("int32")
    if array.size and (array.min() < limits.min or array.max() > limits.max):
        raise ValueError(
            f"`{name}` must hold integers of 32 bits. Received values from "
            f"{array.min()} to {array.max()}"
        )
    return array.astype("int32")


def _is_numeric(dtype):
    try:
        name = keras.backend.standardize_dtype(dtype)
    except (TypeError, ValueError):
        return False
    return name == "bool" or name.startswith(("int", "uint", "float", "bfloat"))


def integer_labels(labels, expected):
    """Returns labels as int64 `(expected,)`, or raises a `ValueError`."""
    array = np.asarray(labels)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.shape != (expected,):
        raise ValueError(
            f"`labels` must have shape ({expected},), one label an image, but has "
            f"shape {np.shape(labels)}."
        )
    whole = array.astype("int64")
    if not np.array_equal(whole, array) or (array < 0).any():
        raise ValueError(
            "`labels` must be whole numbers >= 0, but begins with "
            f"{array[:5].tolist()}: number the classes from 0 on."
        )
    return whole


def check_choice(name, value, choices):
    """Raises a `ValueError` unless the value is one of the choices."""
    if value not in choices:
        raise ValueError(
            f"`{name}` must be one of {', '.join(map(repr, choices))}, not {value!r}."
        )
