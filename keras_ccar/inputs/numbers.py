"""Checks arguments that hold several numbers, or one."""

from typing import Any

import keras
import numpy as np

from keras_ccar.inputs.arguments import argument_error

# Half precision rounds shares to just above 1.
_LARGEST_SHARE = 1 + 1e-3


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
