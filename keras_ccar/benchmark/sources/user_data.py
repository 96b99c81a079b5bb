"""The user's data, ready for a comparison."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import keras
import numpy as np
import pandas as pd

from keras_ccar.benchmark.results_format import READING_FILE
from keras_ccar.benchmark.sources.labels.coding import UNKNOWN
from keras_ccar.files import add_checksum, write_json

Arrays = tuple[np.ndarray, np.ndarray]
"""Inputs and labels."""


class NewExamples(NamedTuple):
    """Examples to predict.

    Attributes:
        names: a row of columns that names each one; of a table its cells, as they are.
        inputs: what the network takes.
        values: the same columns with numbers, where they are some, for Python; None if
            they are those of `names`.
    """

    names: pd.DataFrame
    inputs: np.ndarray
    values: pd.DataFrame | None = None


class Reading(Protocol):
    """Turns new files into inputs of the network, as those that it was trained on."""

    def save(self, folder: Path) -> None:
        """Writes what `load_reading` needs into the folder of a comparison."""

    def read(self, path: Path, notes: list[str]) -> NewExamples:
        """Returns the examples of new data.

        Args:
            path: the new data.
            notes: takes what there is to say.

        Raises:
            ValueError: if the data are not such as were trained on.
        """

    def make_whole(self, network: keras.Model) -> keras.Model:
        """Puts what was done to the files in front of a trained network.

        The whole takes what the user has.

        Raises:
            ValueError: if the backend has no types for what the user has.
        """


@dataclass
class UserData:
    """Data that was read from files of the user's.

    Attributes:
        name: what reports call the data.
        kind: "softmax", "binary" or "labels"; see `LabelCoding`.
        class_names: the names of the classes or labels; of one label of no and yes.
        train, validation: inputs and labels, as the network takes them.
        test: the same, or None.
        build_model: returns a new network, which ends in logits.
        example: what the whole takes.
        inputs: the name of the input of the whole for each column of a table.
        reading: how new files are read alike.
        wide: what takes float64 in the whole: columns of a table, or "x" of arrays.
        notes: sentences about what was found in the files: what was left out, what was
            changed.
    """

    name: str
    kind: str
    class_names: tuple[str, ...]
    train: Arrays
    validation: Arrays
    test: Arrays | None
    build_model: Callable[[], keras.Model]
    reading: Reading
    example: Any = None
    inputs: dict[str, str] = field(default_factory=dict)
    wide: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)

    def make_whole(self, network: keras.Model) -> keras.Model:
        """See `Reading`."""
        return self.reading.make_whole(network)

    @property
    def num_outputs(self) -> int:
        """The logits of the network."""
        return 1 if self.kind == "binary" else len(self.class_names)

    @property
    def has_unknown(self) -> bool:
        """Whether answers to some of several labels are not known, and `UNKNOWN`."""
        parts = [self.train, self.validation, self.test or self.train]
        return self.kind == "labels" and any((y == UNKNOWN).any() for _, y in parts)

    @property
    def takes_text(self) -> bool:
        """Whether the whole takes text, as columns of categories do."""
        values = self.example.values() if isinstance(self.example, dict) else ()
        return any(value.dtype == object for value in values)


def write_reading(folder: Path, content: dict[str, Any]) -> None:
    """Writes what `load_reading` needs into the folder of a comparison."""
    write_json(folder / READING_FILE, add_checksum(content))


def require_tensorflow(names: Sequence[str], what: str) -> None:
    """Raises a `ValueError` if the backend lacks the type of inputs of a whole model.

    Args:
        names: the inputs that need the type.
        what: the type, such as "text".
    """
    if names and keras.backend.backend() != "tensorflow":
        raise ValueError(
            f"A model that takes {', '.join(names)} as they are needs the TensorFlow "
            f"backend. Received: backend {keras.backend.backend()!r}, which has no "
            f"{what}. Set KERAS_BACKEND=tensorflow."
        )
