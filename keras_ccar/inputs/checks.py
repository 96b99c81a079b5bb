"""Checks arguments, one function for each type. Every check raises a `ValueError`."""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Set
from itertools import islice
from numbers import Integral, Real
from typing import Any
from unicodedata import category, normalize

import keras
import numpy as np

from keras_ccar.keras_internals import in_symbolic_scope

# Beyond this, counts of every class up to the largest label would fill the memory.
MOST_CLASSES = 10_000_000
# How far the sum of a label distribution may be from 1: bfloat16 rounds the entries of
# smoothed labels by up to 0.4 %, all in the same direction.
ROW_SUM_TOLERANCE = 1e-2


def check_number(
    name: str,
    value: Any,
    low: float = -math.inf,
    high: float = math.inf,
    meaning: str = "",
) -> float:
    """Returns a finite number in `[low, high]` as a float.

    The error message names the argument and, where given, says what it means.
    """
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not low <= value <= high:
        bounds = f"in [{low:g}, {high:g}]" if high < math.inf else f">= {low:g}"
        raise ValueError(
            f"`{name}` must be a finite number {bounds}"
            f"{f' ({meaning})' if meaning else ''}. Received: {name}={value!r}"
        )
    return float(value)


def check_whole_number(
    name: str, value: Any, low: float = -math.inf, meaning: str = ""
) -> int:
    """Returns a whole number of at least `low` as an int; see `check_number`."""
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_whole or value < low:
        raise ValueError(
            f"`{name}` must be a whole number{f' >= {low}' if low > -math.inf else ''}"
            f"{f' ({meaning})' if meaning else ''}. Received: {name}={value!r}"
        )
    return int(value)


def check_boolean(name: str, value: Any) -> bool:
    """Returns `True` or `False`, also from numpy, as a bool."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"`{name}` must be True or False. Received: {name}={value!r}")
    return bool(value)


def check_float_policy(name: str, dtype: Any) -> Any:
    """Returns the dtype policy of a loss, which must be of floats.

    Args:
        name: the name of the argument.
        dtype: the name of a dtype or of a policy, a policy, or None for float32.
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


def to_numeric_tensor(name: str, value: Any, dtype: str | None = None) -> Any:
    """Returns real numbers as a tensor.

    Args:
        name: the name of the argument.
        value: a tensor, an array, or numbers in nested sequences. Integers outside of a
            tensor become int32.
        dtype: the dtype of the result.
    """
    if not (keras.ops.is_tensor(value) or isinstance(value, keras.Variable)):
        value = _numeric_array(name, value)
    elif not _is_numeric(value.dtype):
        raise ValueError(
            f"`{name}` must hold real numbers. Received a tensor of dtype {value.dtype}"
        )
    # Numbers too large for JAX's float32 become infinite; `check_finite` refuses them.
    with np.errstate(over="ignore"):
        return keras.ops.convert_to_tensor(value, dtype)


def check_finite(name: str, value: Any) -> None:
    """Raises a `ValueError` if an array or eager tensor holds NaN or infinity."""
    values = value if isinstance(value, np.ndarray) else eager_value(value)
    if values is not None and not np.isfinite(values).all():
        wrong = values[~np.isfinite(values)]
        raise ValueError(
            f"`{name}` must hold finite numbers. Received {wrong[:5].tolist()}"
        )


def eager_value(tensor: Any) -> Any:
    """Returns a tensor's value as numpy, or None inside a traced or compiled step.

    None too while Keras finds out shapes, on torch with tensors of ones.
    """
    if in_symbolic_scope():
        return None
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        known = not isinstance(tensor, jax.core.Tracer)
    elif backend == "torch":
        import torch

        known = tensor.device.type != "meta" and not torch.compiler.is_compiling()
    else:  # symbolic tensors of TensorFlow have no `numpy`
        known = hasattr(tensor, "numpy")
    return keras.ops.convert_to_numpy(tensor) if known else None


def _numeric_array(name: str, value: Any) -> np.ndarray:
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
    # JAX would silently cut off higher bits, and torch has no arithmetic for unsigned
    # integers.
    limits = np.iinfo("int32")
    if array.size and (array.min() < limits.min or array.max() > limits.max):
        raise ValueError(
            f"`{name}` must hold integers of 32 bits. Received values from "
            f"{array.min()} to {array.max()}"
        )
    return array.astype("int32")


def _is_numeric(dtype: Any) -> bool:
    try:
        name = keras.backend.standardize_dtype(dtype)
    except (TypeError, ValueError):
        return False
    return name == "bool" or name.startswith(("int", "uint", "float", "bfloat"))


def integer_labels(labels: Any, expected: int) -> np.ndarray:
    """Returns the labels of `expected` images as an int64 vector."""
    try:
        array = np.asarray(labels)
    except ValueError as error:  # ragged
        raise _labels_error(labels) from error
    if array.dtype.kind not in "biuf":
        raise _labels_error(labels)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.shape != (expected,):
        raise ValueError(
            f"`labels` must have shape ({expected},), one label for each image. "
            f"Received shape {np.shape(labels)}."
        )
    # A larger label is a mistake, and would take gigabytes to count.
    numbers = array.astype("float64")
    is_label = (numbers >= 0) & (numbers < MOST_CLASSES)
    wrong = array[~(is_label & (numbers == np.floor(numbers)))]
    if wrong.size:
        raise _labels_error(wrong.tolist())
    return array.astype("int64")


def _labels_error(received: Any) -> ValueError:
    shown = repr(received)
    return ValueError(
        f"`labels` must be whole numbers >= 0, below {MOST_CLASSES:,}: number the "
        "classes from 0 on, for example by `numpy.unique(labels, return_inverse=True)"
        f"[1]`. Received: {shown if len(shown) < 200 else shown[:200] + '...'}"
    )


def check_choice(name: str, value: Any, choices: Collection[Any]) -> Any:
    """Returns a value that is one of the choices."""
    if value not in choices:
        raise ValueError(
            f"`{name}` must be one of {', '.join(map(repr, choices))}; received: "
            f"{name}={value!r}"
        )
    return value


def check_class_names(names: Any) -> list[str]:
    """Returns the names of classes as a list of strings that differ."""
    is_ordered = isinstance(names, Iterable) and not isinstance(
        names, str | bytes | Mapping | Set
    )
    if not is_ordered:
        raise ValueError(
            "`class_names` must be a sequence with one name for each class, in the "
            f"order of the labels. Received: {names!r}"
        )
    checked = [str(name) for name in islice(names, MOST_CLASSES + 1)]
    if len(checked) > MOST_CLASSES:
        raise ValueError(
            f"`class_names` must be at most {MOST_CLASSES:,} names. Received more: "
            "pass one name for each class."
        )
    not_plain = [name for name in checked if not is_plain_text(name)]
    if not_plain:
        raise ValueError(
            "`class_names` must be plain text, without control characters. Received: "
            f"{', '.join(map(repr, not_plain[:5]))}. Replace what is escaped here."
        )
    # Two ways to write the same letters look alike in every report.
    written = Counter(normalize("NFC", name) for name in checked)
    repeated = [name for name, count in written.items() if count > 1]
    if repeated:
        raise ValueError(
            "`class_names` must be different names, one for each class. Received more "
            f"than once: {', '.join(map(repr, repeated[:5]))}. Tell the classes apart, "
            "for example by their number."
        )
    return checked


def is_plain_text(name: str) -> bool:
    """Tells text without control characters, line breaks and broken encodings."""
    return not any(category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in name)
