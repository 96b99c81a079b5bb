"""Reads a table with a column of labels, from a CSV or Parquet file."""

import os
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import keras
import numpy as np
import pandas as pd

from keras_ccar.benchmark.sources import networks
from keras_ccar.benchmark.sources.csv_numbers.notations import Notation
from keras_ccar.benchmark.sources.csv_numbers.number_columns import (
    Training,
    read_like_training,
    read_numbers,
)
from keras_ccar.benchmark.sources.labels.labelled import Labelled, divide
from keras_ccar.benchmark.sources.options import SourceOptions
from keras_ccar.benchmark.sources.splitting.groups import (
    check_apart,
    note_groups,
    read_groups,
)
from keras_ccar.benchmark.sources.tables.column_kinds import NUMBER
from keras_ccar.benchmark.sources.tables.columns import Encoder, find_columns
from keras_ccar.benchmark.sources.tables.encoder_file import load_encoder, save_encoder
from keras_ccar.benchmark.sources.tables.named_columns import check_there
from keras_ccar.benchmark.sources.tables.row_names import find_row_names
from keras_ccar.benchmark.sources.tables.table_files import as_values, read_other_file
from keras_ccar.benchmark.sources.tables.table_labels import encode_labels, label_rows
from keras_ccar.benchmark.sources.tables.table_warnings import (
    note_new_categories,
    note_possible_groups,
    note_unknown_texts,
)
from keras_ccar.benchmark.sources.user_data import (
    NewExamples,
    UserData,
    require_tensorflow,
    write_reading,
)
from keras_ccar.benchmark.sources.wide_numbers import note_wide

SUFFIXES = (".csv", ".parquet")
_COLUMNS_FILE = "columns.keras"
_USUAL = 20


def count_table(path: Path, options: SourceOptions) -> tuple[Labelled, list[str]]:
    """Returns the labels of a table, and what there is to say about them."""
    notes: list[str] = []
    _, labelled = label_rows(path, options, notes)
    return labelled, notes


def read_table(path: Path, options: SourceOptions) -> UserData:
    """Reads, splits and encodes a table.

    Columns of numbers, of categories and of text are encoded by Keras's `FeatureSpace`,
    fitted on the training rows alone.

    Raises:
        ValueError: if the file is no table, or lacks the label column.
        ModuleNotFoundError: for a Parquet file without pyarrow.
    """
    notes: list[str] = []
    table, labelled = label_rows(path, options, notes)
    rows, coding = table.rows, labelled.coding
    group = options.group
    groups = None if group is None else read_groups(rows[group], str(path), notes)
    keys = [str(number) for number in rows.index]
    parts = divide(labelled, keys, options, groups=groups)
    labels = {name: answers for name, (_, answers) in parts.items()}
    no_inputs = {*options.label, *options.drop, group} - {None}
    inputs = rows.drop(columns=list(no_inputs))
    left_out = find_row_names(inputs, options.keep, notes)
    encoder = find_columns(inputs.iloc[parts["train"][0]], notes, left_out)
    _check_kept(encoder, options)
    read = read_numbers(rows, encoder, str(path), notes)
    frames = {name: read.iloc[indices] for name, (indices, _) in parts.items()}
    trained = rows.iloc[parts["train"][0]]
    notations = table.shown_notations(encoder.columns(NUMBER))
    training = Training(encoder, trained, notations, str(path))
    for name, other in options.paths.items():
        file = read_other_file(other, notes)
        others = file.rows()
        beside = [*options.label, *([group] if group else [])]
        check_there(others, [*beside, *encoder.kinds], str(other), str(path))
        frames[name] = read_like_training(file, training, notes)
        frames[name][beside] = others[beside]
        labels[name] = encode_labels(others, coding, options, str(other), name, notes)
    if groups is None:
        kept_rows = inputs.iloc[labelled.kept]
        files = {str(other): frames[name] for name, other in options.paths.items()}
        note_possible_groups(kept_rows, labelled.labels, encoder, files, notes)
    else:
        by_part = {name: groups[indices] for name, (indices, _) in parts.items()}
        own = str(path), groups[labelled.kept]
        _keep_groups_apart(own, by_part, frames, options, notes)
    note_unknown_texts(frames, encoder, group, notes)
    encoder.fit(frames["train"])
    note_wide(encoder.wide, notes)
    arrays = {
        name: (encoder.encode(frame), labels[name]) for name, frame in frames.items()
    }
    num_outputs = 1 if coding.kind == "binary" else len(coding.class_names)
    are_labels = coding.kind == "labels"

    return UserData(
        name=path.stem,
        kind=coding.kind,
        class_names=coding.class_names,
        train=arrays["train"],
        validation=arrays["validation"],
        test=arrays.get("test"),
        build_model=networks.dense_maker(arrays["train"][0], num_outputs, are_labels),
        example=encoder.example(frames["train"].iloc[:2]),
        inputs=encoder.names,
        wide=encoder.wide,
        reading=TableReading(encoder, _usual(trained, encoder), notations),
        notes=notes,
    )


@dataclass(frozen=True)
class TableReading:
    """Of a table: its columns, encoded as those of the training rows.

    Attributes:
        encoder: of the training rows.
        usual: frequent values of each column, which show how it is written.
        notations: how numbers are written.
    """

    encoder: Encoder
    usual: pd.DataFrame
    notations: dict[str, Notation]

    def save(self, folder: Path) -> None:
        """See `Reading`."""
        temporary = folder / f".tmp.{_COLUMNS_FILE}"
        content = {
            "source": "table",
            "usual": self.usual.to_dict("list"),
            "notations": self.notations,
            **save_encoder(self.encoder, temporary),
        }
        os.replace(temporary, folder / _COLUMNS_FILE)
        write_reading(folder, content)

    @classmethod
    def load(cls, folder: Path, content: dict[str, Any]) -> Self:
        """Returns what `save` wrote."""
        usual = pd.DataFrame(content["usual"])
        notations = {c: Notation(*one) for c, one in content["notations"].items()}
        return cls(load_encoder(folder / _COLUMNS_FILE, content), usual, notations)

    def read(self, path: Path, notes: list[str]) -> NewExamples:
        """See `Reading`; the columns are those of the file, as it has them."""
        training = Training(
            self.encoder,
            self.usual,
            self.notations,
            "the training table",
            "compare again with `--drop {}`",
        )
        file = read_other_file(path, notes)
        columns = list(self.encoder.kinds)
        check_there(file.cells, columns, file.name, training.name)
        read = read_like_training(file, training, notes)
        note_new_categories(read, self.encoder, file.name, notes)
        cells, inputs = file.cells, self.encoder.encode(read)
        if not file.is_text:
            return NewExamples(cells, inputs)
        values = as_values(cells)
        for column in self.encoder.columns(NUMBER):
            if not pd.api.types.is_bool_dtype(self.usual[column]):
                values[column] = read[column]
        return NewExamples(cells, inputs, values)

    def make_whole(self, network: keras.Model) -> keras.Model:
        """See `Reading`."""
        no_numbers = [c for c, kind in self.encoder.kinds.items() if kind != NUMBER]
        require_tensorflow(no_numbers, "text")
        require_tensorflow(self.encoder.wide, "float64")
        symbols, encoded = self.encoder.symbols()
        return networks.behind(network, symbols, encoded)


def _usual(rows: pd.DataFrame, encoder: Encoder) -> pd.DataFrame:
    """Returns frequent values of each column that is read, of one type a column."""
    return pd.DataFrame(
        {
            column: np.resize(rows[column].value_counts().index[:_USUAL], _USUAL)
            for column in encoder.kinds
        }
    ).map(lambda value: float(value) if isinstance(value, Decimal) else value)


def _keep_groups_apart(
    own: tuple[str, np.ndarray],
    by_part: dict[str, np.ndarray],
    frames: dict[str, pd.DataFrame],
    options: SourceOptions,
    notes: list[str],
) -> None:
    """Checks that no group is in two files, and notes the groups of each part.

    Args:
        own: the table that is divided, and the group of each of its rows.
        by_part: the groups of each part that was cut from it.
        frames: the rows of each part.
        options: name the column of groups, and the other files.
        notes: takes what there is to say.
    """
    column, by_file = str(options.group), [own]
    for name, other in options.paths.items():
        by_part[name] = read_groups(frames[name][column], str(other), notes)
        by_file.append((str(other), by_part[name]))
    check_apart(by_file, column)
    note_groups(by_part, column, notes)


def _check_kept(encoder: Encoder, options: SourceOptions) -> None:
    """Raises a `ValueError` for columns to keep that nothing can be read from."""
    lost = [column for column in options.keep if column not in encoder.kinds]
    if lost:
        reasons = [f"{column} ({encoder.left_out[column]})" for column in lost]
        raise ValueError(
            "`--keep` must name columns of whole numbers that would be left out "
            f"because they name rows. Received: {', '.join(reasons)}."
        )
