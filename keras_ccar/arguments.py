"""Checks arguments of constructors and functions, one function for each type.

Every check names the argument in the error, and returns the value in one type.
"""

import math
import os
from collections.abc import Callable, Collection
from numbers import Integral, Real
from typing import Any, TypeVar

import keras
import numpy as np

# Beyond this, counts of every class up to the largest label would fill the memory.
MOST_CLASSES = 10_000_000

_Checked = TypeVar("_Checked")
_LONGEST = 200
# The whole numbers of 64 bits.
_SMALLEST_INTEGER, _LARGEST_INTEGER = -(2**63), 2**63 - 1
# Half precision rounds shares to just above 1.
_LARGEST_SHARE = 1 + 1e-3


def show(value: Any) -> str:
    """Returns a value as a message shows it: of a long one the beginning, or shape."""
    try:
        text = repr(value)
    except Exception:  # Python writes no number of more than 4300 digits.
        text = f"a value of type {type(value).__name__}"
    is_cut = len(text) > _LONGEST
    is_array = hasattr(value, "shape") and hasattr(value, "dtype")
    if is_array and (is_cut or ".." in text):  # as numpy and pandas cut it
        dtype = getattr(value.dtype, "name", value.dtype)
        return f"an array of shape {tuple(value.shape)} and dtype {dtype}"
    if is_cut and isinstance(value, tuple) and len(value) <= 3:  # such as (x, y)
        return f"({', '.join(map(show, value))})"
    return f"{text[:_LONGEST]}..." if is_cut else text


def argument_error(
    name: str, value: Any, expected: str, advice: str = ""
) -> ValueError:
    """Returns the error of an argument that is not what is expected."""
    advice = f". {advice}" if advice else ""
    return ValueError(
        f"`{name}` must be {expected}. Received: {name}={show(value)}{advice}"
    )


def optional(
    check: Callable[..., _Checked], name: str, value: Any, *bounds: Any
) -> _Checked | None:
    """Returns None for None, and otherwise what a check of this module returns."""
    return None if value is None else check(name, value, *bounds)


def check_number(
    name: str,
    value: Any,
    low: float = -math.inf,
    high: float = math.inf,
    meaning: str = "",
    *,
    above: float = -math.inf,
    below: float = math.inf,
) -> float:
    """Returns a finite number as a float.

    Args:
        name: the name of the argument.
        value: its value.
        low: the smallest number that is right.
        high: the largest number that is right.
        meaning: what the number means, for the message.
        above: the number must be larger than this.
        below: the number must be smaller than this.
    """
    number = _to_float(value)
    is_right = math.isfinite(number) and low <= number <= high
    if not is_right or not above < number < below:
        bounds = _bounds_text(low, high, above, below)
        raise argument_error(name, value, f"a finite number{bounds}{_explain(meaning)}")
    return number


def check_whole_number(
    name: str,
    value: Any,
    low: int = _SMALLEST_INTEGER,
    high: int = _LARGEST_INTEGER,
    meaning: str = "",
) -> int:
    """Returns a whole number in `[low, high]` as an int; see `check_number`."""
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_whole or not low <= value <= high:
        bounds = f" >= {low}" if low > _SMALLEST_INTEGER else ""
        if is_whole and (value > high or not bounds):
            bounds = f" in [{low}, {high}]"
        raise argument_error(name, value, f"a whole number{bounds}{_explain(meaning)}")
    return int(value)


def check_boolean(name: str, value: Any) -> bool:
    """Returns `True` or `False`, also from numpy, as a bool."""
    if not isinstance(value, bool | np.bool_):
        raise argument_error(name, value, "True or False")
    return bool(value)


def check_choice(name: str, value: Any, choices: Collection[str | None]) -> Any:
    """Returns a text, or None, that is one of the choices."""
    # Others may not be compared: an array has no truth value.
    if not (value is None or isinstance(value, str)) or value not in choices:
        raise ValueError(
            f"`{name}` must be one of {', '.join(map(repr, choices))}; received: "
            f"{name}={show(value)}"
        )
    return value


def check_ignore_class(value: Any) -> int | None:
    """Returns the label of samples to leave out, or None. Labels are int32."""
    return optional(check_whole_number, "ignore_class", value, -(2**31), 2**31 - 1)


def check_text(name: str, value: Any) -> str:
    """Returns a text that is not empty."""
    if not isinstance(value, str) or not value:
        raise argument_error(name, value, "a text that is not empty")
    return value


def check_path(name: str, value: Any) -> Any:
    """Returns the path of a file or a folder: a text or an `os.PathLike`."""
    is_path = isinstance(value, str | os.PathLike) and not isinstance(value, type)
    if not is_path or not _is_file_name(os.fspath(value)):
        raise argument_error(name, value, "a path: a text or a `pathlib.Path`")
    return value


def _is_file_name(path: Any) -> bool:
    try:
        return isinstance(path, str) and path != "" and b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:  # half of a character
        return False


def check_function(name: str, value: Any, expected: str = "a function") -> Any:
    """Returns a function, or another object that can be called, but no class."""
    if not callable(value) or isinstance(value, type):
        raise argument_error(name, value, expected)
    return value


def check_float_policy(name: str, dtype: Any) -> Any:
    """Returns a dtype policy, which must be of floats.

    Args:
        name: the name of the argument.
        dtype: the name of a dtype or of a policy, a policy, or None for float32.
    """
    try:
        policy = keras.dtype_policies.get("float32" if dtype is None else dtype)
        if keras.backend.is_float_dtype(policy.compute_dtype):
            return policy
    except (AttributeError, KeyError, TypeError, ValueError):
        pass
    expected = "the name of a float dtype such as 'float32', a dtype policy, or None"
    raise argument_error(name, dtype, expected)


def check_with_keras(name: str, value: Any, get: Callable[..., Any], kind: str) -> Any:
    """Returns what a `get` of Keras returns, such as that of `keras.initializers`."""
    expected = f"{kind}, or what Keras takes as one"
    try:
        found = get(value)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise argument_error(name, value, expected) from error
    if found is not None and not callable(found):
        raise argument_error(name, value, expected)
    return found


def check_numbers(name: str, values: Any, expected: str) -> np.ndarray:
    """Returns numbers, in an array, a sequence or alone, as a float64 array."""
    try:
        array = np.asarray(values)
        parts = array.ravel().tolist() if array.dtype.kind == "O" else ()
        # Numpy would convert all of these.
        is_wrong = any(isinstance(part, bool | bytes | str) for part in parts)
        if not is_wrong and array.dtype.kind not in "bcMmSTU":
            return array.astype("float64")
    except (OverflowError, RuntimeError, TypeError, ValueError):
        pass
    raise argument_error(name, values, expected)


def check_share(name: str, values: Any) -> None:
    """Raises a `ValueError` for numbers outside of [0, 1]. Tensors pass."""
    if not _is_tensor(values):
        expected = "a tensor or numbers in [0, 1]"
        numbers = check_numbers(name, values, expected)
        is_share = (numbers >= 0) & (numbers <= _LARGEST_SHARE)
        if not is_share.all() or np.asarray(values).dtype.kind == "O":
            raise argument_error(name, values, expected)


def check_positive(name: str, values: Any) -> Any:
    """Returns finite numbers above 0 as an array or, if it is one, as a float.

    Tensors pass.
    """
    if _is_tensor(values):
        return values
    expected = "a tensor or finite numbers above 0"
    numbers = check_numbers(name, values, expected)
    if not ((numbers > 0) & np.isfinite(numbers)).all() or not numbers.size:
        raise argument_error(name, values, expected)
    return numbers if numbers.ndim else float(numbers)


def _is_tensor(values: Any) -> bool:
    return keras.ops.is_tensor(values) or isinstance(values, keras.Variable)


def _to_float(value: Any) -> float:
    """Returns a real number as a float, and NaN for anything else."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _bounds_text(low: float, high: float, above: float, below: float) -> str:
    is_above, is_below = above >= low, below <= high
    low, high = max(low, above), min(high, below)
    if high < math.inf:
        left, right = "(" if is_above else "[", ")" if is_below else "]"
        return f" in {left}{low:g}, {high:g}{right}"
    if low > -math.inf:
        return f" {'>' if is_above else '>='} {low:g}"
    return ""


def _explain(meaning: str) -> str:
    return f" ({meaning})" if meaning else ""
