"""Checks tensors, arrays and labels. Every check raises a `ValueError`."""

import contextlib
from typing import Any

import keras
import numpy as np

from keras_ccar.arguments import MOST_CLASSES, show
from keras_ccar.keras_internals import in_symbolic_scope

# How far the sum of a label distribution may be from 1: bfloat16 rounds the entries of
# smoothed labels by up to 0.4 %, all in the same direction.
ROW_SUM_TOLERANCE = 1e-2
# `ignore_value`, and `ignore_class` of counts, are one value.
SEVERAL_UNKNOWN = (
    " Where both -1 and NaN mark unknown targets, make them one everywhere: "
    "`y = np.where(y == -1, np.nan, y)`, with `{}=float('nan')`."
)


def is_nan(value: Any) -> bool:
    """Whether a value is the number NaN, also one of NumPy's."""
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


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

    None too inside a transformation of `torch.func`, and while Keras finds out shapes,
    on torch with tensors of ones.
    """
    if in_symbolic_scope():
        return None
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        known = not isinstance(tensor, jax.core.Tracer)
    elif backend == "torch":
        import torch

        from keras_ccar.ops.torch_values import has_values

        known = has_values(tensor)
        if known and tensor.dtype is not torch.bfloat16:  # which NumPy has not
            # Keras takes several times as long for a view.
            return tensor.detach().cpu().numpy()
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
    return ValueError(
        f"`labels` must be whole numbers >= 0, below {MOST_CLASSES:,}. Received: "
        f"{show(received)}. {advise_numbers(received)}."
    )


def require_numbers(name: str, labels: np.ndarray) -> None:
    """Raises a `ValueError` for the labels of an argument that are no numbers."""
    if labels.dtype.kind not in "biuf":
        raise ValueError(
            f"`{name}` must have labels that are numbers. Received: labels of dtype "
            f"{labels.dtype}. {advise_numbers(labels)}, and pass the names as "
            "`class_names`."
        )


def advise_numbers(labels: Any, one_column: bool = False) -> str:
    """Returns how to turn labels into numbers, as a sentence without its full stop.

    The order of names says nothing of which one is yes: of two it is the rarer.

    Args:
        labels: what the user passed.
        one_column: whether the output is one column, of yes or no.
    """
    with contextlib.suppress(TypeError, ValueError):
        names, counts = np.unique(np.asarray(labels), return_counts=True)
        if names.size == 2 and "inf" not in map(str, names):
            rarer = names.tolist()[::-1][int(np.argmin(counts[::-1]))]
            return (
                f"Pass `(numpy.asarray(labels) == {rarer!r}).astype(int)` for them, in "
                f"all parts of the data: {rarer!r}, the rarer of the two, is 1, yes"
            )
    if one_column:
        return (
            "Pass `(numpy.asarray(labels) == NAME).astype(int)` for them, where NAME "
            "is the label that is yes"
        )
    return (
        "Number the classes from 0 on, for example by `numpy.unique(labels, "
        "return_inverse=True)[1]`"
    )


def numbering_hint(labels: np.ndarray, wrong: np.ndarray, num_classes: int) -> str:
    """Returns what to do if the classes are numbered from 1, nothing if they are not.

    Args:
        labels: all labels that are known.
        wrong: those of them that are no class.
        num_classes: K.
    """
    if (labels == 0).any() or not (wrong == num_classes).all():
        return ""
    return (
        f" If the classes are numbered from 1 to {num_classes}, number them from 0: "
        "pass `labels - 1`."
    )
