"""What the columns of a table hold, and how they become numbers."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import pandas as pd

from keras_ccar.benchmark.sources.csv_numbers.number_texts import to_numbers
from keras_ccar.benchmark.sources.tables.column_kinds import (
    CATEGORY,
    NUMBER,
    TEXT,
    is_missing,
    kind_of,
    to_texts,
)
from keras_ccar.benchmark.sources.tables.dates import ADVICE, are_dates
from keras_ccar.inputs.lost_digits import loses_digits, mean_and_deviation
from keras_ccar.requirements import require

_MOST_WORDS = 1000
_ROWS_AT_A_TIME = 4096


@dataclass
class Encoder:
    """Turns the columns of a table into numbers, as the training part has them.

    Attributes:
        kinds: what each column holds, by its name; columns that are left out are
            missing.
        left_out: why each column that is left out is, by its name.
        names: the name of the input of each column, by its name.
        means: what stands for a missing number, by the name of the column.
        deviations: what numbers are divided by, once the mean is taken off.
        wide: columns of numbers that float32 does not hold.
    """

    kinds: dict[str, str]
    left_out: dict[str, str]
    names: dict[str, str]
    means: dict[str, float] = field(default_factory=dict)
    deviations: dict[str, float] = field(default_factory=dict)
    wide: tuple[str, ...] = ()
    space: Any = None

    def fit(self, rows: pd.DataFrame) -> None:
        """Learns means, deviations, categories and words from training rows."""
        tf = require("tensorflow", "TensorFlow", "benchmark")
        wide = []
        for column in self.columns(NUMBER):
            numbers = to_numbers(rows[column])
            present = numbers.dropna().to_numpy("float64")
            mean = float(mean_and_deviation(present)[0]) if len(present) else 0.0
            filled = numbers.fillna(mean).to_numpy("float64")
            self.means[column] = mean
            self.deviations[column] = float(mean_and_deviation(filled)[1]) or 1.0
            if loses_digits(filled):
                wide.append(column)
        self.wide = tuple(wide)
        kinds = {self.names[column]: kind for column, kind in self.kinds.items()}
        self.space = keras.utils.FeatureSpace(
            {name: _feature(kind) for name, kind in kinds.items()},
            output_mode="concat",
        )
        data = tf.data.Dataset.from_tensor_slices(self._values(rows)).batch(
            _ROWS_AT_A_TIME
        )
        self.space.adapt(data)

    def columns(self, *kinds: str) -> list[str]:
        """Returns the names of the columns of some kinds."""
        return [column for column, kind in self.kinds.items() if kind in kinds]

    def categories(self, column: str) -> list[str]:
        """Returns the categories of a column; the first stands for all others."""
        layer = self.space.preprocessors[self.names[column]]
        return [str(text) for text in layer.get_vocabulary()]

    def encode(self, rows: pd.DataFrame) -> np.ndarray:
        """Returns rows as float32 `(N, features)`."""
        values = self._values(rows)
        parts = []
        for start in range(0, len(rows), _ROWS_AT_A_TIME):
            part = slice(start, start + _ROWS_AT_A_TIME)
            encoded = self.space({name: array[part] for name, array in values.items()})
            parts.append(keras.ops.convert_to_numpy(encoded).astype("float32"))
        return np.concatenate(parts)

    def symbols(self) -> tuple[list[Any], Any]:
        """Returns Keras inputs of single rows, and the features made of them.

        A missing number is NaN, a missing text is empty.
        """
        inputs: list[Any] = []
        prepared: list[Any] = []
        for column, kind in self.kinds.items():
            value = keras.Input(
                (1,), dtype=self._input_dtype(column), name=self.names[column]
            )
            inputs.append(value)
            prepared.append(self._scale(column, value) if kind == NUMBER else value)
        known = self.space.get_inputs()
        encoder = keras.Model(
            [known[self.names[column]] for column in self.kinds],
            self.space.get_encoded_features(),
            name="encoder",
        )
        return inputs, encoder(prepared)

    def example(self, rows: pd.DataFrame) -> dict[str, Any]:
        """Returns rows as a client sends them: a column of one value for each input."""
        values: dict[str, Any] = {}
        for column, kind in self.kinds.items():
            if kind == NUMBER:
                numbers = to_numbers(rows[column])
                array = numbers.to_numpy(self._input_dtype(column))
            else:
                array = to_texts(rows[column]).to_numpy(object)
            values[self.names[column]] = array[:, None]
        return values

    def _values(self, rows: pd.DataFrame) -> dict[str, np.ndarray]:
        values: dict[str, np.ndarray] = {}
        for column, kind in self.kinds.items():
            if kind == NUMBER:
                # In float64, as float32 would lose digits before they are scaled.
                numbers = to_numbers(rows[column]) - self.means[column]
                scaled = (numbers / self.deviations[column]).fillna(0.0)
                values[self.names[column]] = scaled.to_numpy("float32")
            else:
                values[self.names[column]] = to_texts(rows[column]).to_numpy(object)
        return values

    def _input_dtype(self, column: str) -> str:
        if self.kinds[column] != NUMBER:
            return "string"
        return "float64" if column in self.wide else "float32"

    def _scale(self, column: str, value: Any) -> Any:
        """Returns what `_values` makes of numbers, for a Keras tensor of them."""
        # Of a wide column in float64, as its input is.
        scaled = (value - self.means[column]) / self.deviations[column]
        scaled = keras.ops.cast(scaled, "float32")
        return keras.ops.where(keras.ops.isnan(scaled), 0.0, scaled)


def find_columns(
    rows: pd.DataFrame, notes: list[str], row_names: Mapping[str, str]
) -> Encoder:
    """Finds out what each column holds; notes which are left out, or lack values.

    Args:
        rows: the training rows.
        notes: takes what there is to say.
        row_names: why each column that names rows is to be left out, by its name.

    Raises:
        ValueError: if no column is left.
    """
    kinds: dict[str, str] = {}
    left_out: dict[str, str] = {}
    lacking: list[str] = []
    dated: list[str] = []
    for column in rows.columns:
        series = rows[column]
        kind, reason = kind_of(series)
        reason = row_names.get(column, reason)
        if kind is None or column in row_names:
            left_out[column] = reason
            continue
        kinds[column] = kind
        if kind != NUMBER and are_dates(series[~is_missing(series)]):
            dated.append(str(column))
        missing = to_numbers(series).isna() if kind == NUMBER else is_missing(series)
        if missing.any():
            lacking.append(f"{column} ({int(missing.sum()):,})")
    if left_out:
        listed = ", ".join(f"{name} ({why})" for name, why in left_out.items())
        notes.append(f"Columns that are left out: {listed}.")
    if dated:
        notes.append(f"Dates that are read as texts: {', '.join(dated)}; {ADVICE}.")
    if lacking:
        notes.append(
            f"Training rows lack values in {', '.join(lacking)}. A missing number "
            "becomes the mean of the training rows, a missing text one of its own."
        )
    if not kinds:
        raise ValueError(
            "The table must have a column beside the label that numbers, categories or "
            f"texts can be read from. Left out: {listed if left_out else 'none'}."
        )
    shown = [
        f"{kind}: {', '.join(str(c) for c, k in kinds.items() if k == kind)}"
        for kind in (NUMBER, CATEGORY, TEXT)
        if kind in kinds.values()
    ]
    notes.append(f"Columns by what they hold: {'; '.join(shown)}.")
    names = _input_names(list(kinds))
    # Keras sorts the inputs of a model by name.
    return Encoder(
        {column: kinds[column] for column in sorted(kinds, key=names.__getitem__)},
        left_out,
        names,
    )


def _feature(kind: str) -> Any:
    space = keras.utils.FeatureSpace
    if kind == NUMBER:
        return space.float()  # It is scaled before.
    if kind == CATEGORY:
        return space.string_categorical(num_oov_indices=1, output_mode="one_hot")
    words = Words(_MOST_WORDS, output_mode="tf_idf")
    return space.feature(dtype="string", preprocessor=words, output_mode="float")


class Words(keras.layers.TextVectorization):
    """Numbers of the words in texts, of the shape that they really have.

    Of texts of shape (N, 1), Keras 3.15 announces numbers of shape (N, 1, words).
    """

    def compute_output_spec(self, inputs: Any) -> Any:
        """Returns the shape and the type of the numbers."""
        return keras.KerasTensor((inputs.shape[0], self.vocabulary_size()), "float32")


def _input_names(columns: Sequence[Any]) -> dict[Any, str]:
    """Returns a different name of letters, digits and underscores for each column."""
    names: dict[Any, str] = {}
    for column in columns:
        name = re.sub(r"\W+", "_", str(column), flags=re.ASCII).strip("_") or "column"
        name = f"column_{name}" if name[0].isdigit() else name
        unique, number = name, 2
        while unique in names.values():
            unique, number = f"{name}_{number}", number + 1
        names[column] = unique
    return names
