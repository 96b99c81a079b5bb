"""Reads the arrays of an `.npz` file, and checks the inputs among them."""

import zipfile
from pathlib import Path

import numpy as np

from keras_ccar.benchmark.sources.user_data import Arrays
from keras_ccar.inputs.lost_digits import HELD

# The names that each part may have. Those of `keras.datasets` are among them.
_SUFFIXES = {
    "train": ("", "_train"),
    "validation": ("_val", "_valid", "_validation"),
    "test": ("_test",),
}
_NAMES = (
    "`x` and `y` (or `x_train`, `y_train`), and optionally `x_val`, `y_val`, `x_test`, "
    "`y_test`"
)


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """Returns the arrays of a file by their names, or raises a `ValueError`."""
    try:
        with path.open("rb") as file:
            content = np.load(file, allow_pickle=False)
            if isinstance(content, np.ndarray):
                raise ValueError("it holds a single array, without a name")
            with content:
                return {name: content[name] for name in content.files}
    except (ValueError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        raise ValueError(
            f"{path} must hold arrays of numbers or texts, as `numpy.savez` writes "
            f"them: {error}"
        ) from error


def find_part(path: Path, content: dict[str, np.ndarray], part: str) -> Arrays | None:
    """Returns inputs and labels, None if neither is there."""
    for suffix in _SUFFIXES[part]:
        x, y = (content.get(name + suffix) for name in "xy")
        if x is None and y is None:
            continue
        if x is None or y is None or len(x) != len(y) or not len(x):
            shapes = {name: array.shape for name, array in content.items()}
            raise ValueError(
                f"{path} must hold {_NAMES}, of one length each. Received: {shapes}."
            )
        if y.ndim == 2 and y.shape[1] == 1:
            y = y[:, 0]
        return check_inputs(path, f"x{suffix}", x), y
    return None


def read_inputs(path: Path) -> np.ndarray:
    """Returns `x` of a file, the inputs of examples whose labels are not known.

    Raises:
        ValueError: as `read_arrays`.
    """
    content = load_arrays(path)
    if "x" not in content:
        raise ValueError(
            f"{path} must hold `x`, the examples to predict. It holds "
            f"{', '.join(content) or 'nothing'}."
        )
    return check_inputs(path, "x", content["x"])


def check_inputs(path: Path, name: str, x: np.ndarray) -> np.ndarray:
    """Returns finite numbers, float32 if it holds them, or raises a `ValueError`."""
    if x.dtype.kind not in "biuf":
        raise ValueError(f"`{name}` in {path} must hold numbers. Received: {x.dtype}.")
    if x.ndim not in (2, 3, 4) or not len(x):
        raise ValueError(
            f"`{name}` in {path} must be features (N, D) or images (N, height, "
            f"width) or (N, height, width, channels). Received: {x.shape}."
        )
    if x.dtype == "uint8":
        return x
    with np.errstate(over="ignore"):
        found = x.astype("float32")
    wrong = int((~np.isfinite(found.reshape(len(x), -1)).all(axis=1)).sum())
    if wrong:
        raise ValueError(
            f"`{name}` in {path} must be finite, also as float32. Received: {wrong} "
            "examples with NaN or infinite numbers, or larger ones than float32 has. "
            "Replace them, or leave them out."
        )
    return found if x.dtype in HELD else x


def missing_part(path: Path) -> Arrays:
    """Raises a `ValueError` that says what a file must hold."""
    raise ValueError(f"{path} must hold {_NAMES}.")
