"""Reads arrays from an `.npz` file."""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import keras
import numpy as np
import pandas as pd

from keras_ccar.benchmark.sources import networks
from keras_ccar.benchmark.sources.label_texts import label_text
from keras_ccar.benchmark.sources.labelled import Labelled, divide, label_examples
from keras_ccar.benchmark.sources.labels import LabelCoding, read_labels
from keras_ccar.benchmark.sources.options import SourceOptions
from keras_ccar.benchmark.sources.split import check_same_classes
from keras_ccar.benchmark.sources.user_data import (
    READING_FILE,
    Arrays,
    NewExamples,
    UserData,
)
from keras_ccar.files import add_checksum, write_json

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


def count_arrays(path: Path, options: SourceOptions) -> tuple[Labelled, list[str]]:
    """Returns the labels of a file, and what there is to say about them."""
    notes: list[str] = []
    _, answers = _find_part(path, _load(path), "train") or _missing(path)
    return _label(answers, path, notes, 2), notes


def read_arrays(path: Path, options: SourceOptions) -> UserData:
    """Reads and splits the arrays of a file.

    Inputs are features `(N, D)` or images `(N, height, width)` or
    `(N, height, width, channels)`. Labels are numbers or texts `(N,)`, or zeros and
    ones `(N, K)`: of classes if each row has a single one, else of labels.

    Raises:
        ValueError: if the file holds no such arrays, or numbers that are not finite.
    """
    notes: list[str] = []
    content = _load(path)
    x, answers = _find_part(path, content, "train") or _missing(path)
    found = {name: _find_part(path, content, name) for name in ("validation", "test")}
    there = [name for name, part in found.items() if part is not None]
    labelled = _label(answers, path, notes, options.fewest_examples(there))
    coding = labelled.coding
    given: dict[str, Arrays] = {}
    for name, part in found.items():
        if part is not None:
            given[name] = _encode(part, coding, name, path, x.shape[1:])
    for name, other in options.paths.items():
        if name in given:
            raise ValueError(
                f"`--{name} {other}` names data that {path} has too. Leave the option "
                f"out, or take the {name} part out of {path}."
            )
        part = _find_part(other, _load(other), "train") or _missing(other)
        given[name] = _encode(part, coding, name, other, x.shape[1:])
    keys = [str(number) for number in range(len(x))]
    parts = divide(labelled, keys, options, given)
    arrays = given | {
        name: (x[indices], labels) for name, (indices, labels) in parts.items()
    }
    train = arrays["train"]
    num_outputs = 1 if coding.kind == "binary" else len(coding.class_names)
    maker = networks.dense_maker if x.ndim == 2 else networks.convnet_maker
    return UserData(
        name=path.stem,
        kind=coding.kind,
        class_names=coding.class_names,
        train=train,
        validation=arrays["validation"],
        test=arrays.get("test"),
        build_model=maker(train[0], num_outputs, coding.kind == "labels"),
        make_whole=_as_it_is,
        reading=ArrayReading(train[0].shape[1:]),
        notes=notes,
    )


def read_inputs(path: Path) -> np.ndarray:
    """Returns `x` of a file, the inputs of examples whose labels are not known.

    Raises:
        ValueError: as `read_arrays`.
    """
    content = _load(path)
    if "x" not in content:
        raise ValueError(
            f"{path} must hold `x`, the examples to predict. It holds "
            f"{', '.join(content) or 'nothing'}."
        )
    return _check_inputs(path, "x", content["x"])


@dataclass(frozen=True)
class ArrayReading:
    """Of arrays, which are trained on as they are.

    Attributes:
        shape: the shape of one example.
    """

    shape: tuple[int, ...]

    def save(self, folder: Path) -> None:
        """See `Reading`."""
        content = {"source": "arrays", "shape": list(self.shape)}
        write_json(folder / READING_FILE, add_checksum(content))

    @classmethod
    def load(cls, folder: Path, content: dict[str, Any]) -> Self:
        """Returns what `save` wrote."""
        return cls(tuple(content["shape"]))

    def read(self, path: Path, notes: list[str]) -> NewExamples:
        """See `Reading`; the file holds `x`."""
        x = read_inputs(path)
        if x.shape[1:] != self.shape:
            raise ValueError(
                f"`x` in {path} must have examples of shape {self.shape}, as were "
                f"trained on. Received: {x.shape[1:]}."
            )
        return NewExamples(pd.DataFrame({"example": np.arange(len(x))}), x)


def _as_it_is(network: keras.Model) -> keras.Model:
    return network


def _load(path: Path) -> dict[str, np.ndarray]:
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


def _find_part(path: Path, content: dict[str, np.ndarray], part: str) -> Arrays | None:
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
        return _check_inputs(path, f"x{suffix}", x), y
    return None


def _check_inputs(path: Path, name: str, x: np.ndarray) -> np.ndarray:
    """Returns inputs as the network takes them; raises a `ValueError` for others."""
    if not (np.issubdtype(x.dtype, np.number) or x.dtype == bool):
        raise ValueError(f"`{name}` in {path} must hold numbers. Received: {x.dtype}.")
    if x.ndim not in (2, 3, 4) or not len(x):
        raise ValueError(
            f"`{name}` in {path} must be features (N, D) or images (N, height, "
            f"width) or (N, height, width, channels). Received: {x.shape}."
        )
    wrong = 0
    if x.dtype.kind == "f":
        wrong = int((~np.isfinite(x.reshape(len(x), -1)).all(axis=1)).sum())
    if wrong:
        raise ValueError(
            f"`{name}` in {path} must be finite. Received: {wrong} examples "
            "with NaN or infinite numbers. Replace them, or leave them out."
        )
    return x if x.dtype == "uint8" else x.astype("float32")


def _missing(path: Path) -> Arrays:
    raise ValueError(f"{path} must hold {_NAMES}.")


def _label(answers: np.ndarray, path: Path, notes: list[str], fewest: int) -> Labelled:
    where = f"`y` in {path}"
    if answers.ndim == 1:
        return label_examples(read_labels(answers, notes), where, notes, fewest)
    labels = _zeros_and_ones(answers, where)
    names = tuple(str(number) for number in range(labels.shape[1]))
    if (labels.sum(axis=1) == 1).all():
        classes = [names[i] for i in labels.argmax(axis=1)]
        return label_examples(classes, where, notes, fewest)
    kept = np.arange(len(labels))
    return Labelled(LabelCoding("labels", names), kept, labels)


def _encode(
    part: Arrays, coding: LabelCoding, name: str, path: Path, shape: tuple[int, ...]
) -> Arrays:
    x, answers = part
    where = f"The {name} part of {path}"
    if x.shape[1:] != shape:
        raise ValueError(
            f"{where} must have inputs of shape {shape}. Received: {x.shape[1:]}."
        )
    if coding.kind == "labels":
        labels = _zeros_and_ones(answers, where)
    else:
        if answers.ndim == 2:
            answers = _zeros_and_ones(answers, where).argmax(axis=1)
        labels = coding.encode([label_text(value) for value in answers], where)
    check_same_classes(labels, coding.class_names, where, coding.kind)
    return x, labels


def _zeros_and_ones(answers: np.ndarray, where: str) -> np.ndarray:
    if answers.ndim != 2 or not np.isin(answers, (0, 1)).all():
        raise ValueError(
            f"{where} must be classes (N,), or zeros and ones (N, K). Received: shape "
            f"{answers.shape}, dtype {answers.dtype}."
        )
    return answers.astype("int64")
