"""Rows of a table that belong together, such as those of a patient."""

import shlex
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from keras_ccar.benchmark.sources.column_kinds import is_missing
from keras_ccar.benchmark.sources.labels import label_text, shown


def read_groups(column: pd.Series, where: str, notes: list[str]) -> np.ndarray:
    """Returns the group of each row; rows without a value have groups of their own."""
    lacks = is_missing(column).to_numpy(bool)
    if lacks.any():
        notes.append(
            f"{int(lacks.sum()):,} of {len(column):,} rows of {where} have no "
            f"{column.name}. Each is a group of its own."
        )
    values = zip(column, lacks, strict=True)
    # A text that no label has, because labels have no spaces around them.
    return np.array(
        [
            f" {where} {row}" if is_lacking else label_text(value)
            for row, (value, is_lacking) in enumerate(values)
        ],
        object,
    )


def check_apart(groups: Sequence[tuple[str, np.ndarray]], column: str) -> None:
    """Checks that no group is in two files.

    Args:
        groups: each file, and the group of each of its rows.
        column: the name of the groups.

    Raises:
        ValueError: if one is; says how many rows it concerns.
    """
    for number, (name, values) in enumerate(groups):
        for other, known in groups[:number]:
            is_shared = np.isin(values.astype(str), known.astype(str))
            if is_shared.any():
                texts = sorted({str(value) for value in values[is_shared]})
                raise ValueError(
                    f"`--group {column}` must keep rows of one value in one part. "
                    f"Received: {int(is_shared.sum()):,} of {len(values):,} rows of "
                    f"{name} have one of {len(texts):,} values that {other} has too: "
                    f"{shown(texts)}. Take these rows out of one of the files; or put "
                    f"`--drop {column}` in place of `--group {column}`, and expect "
                    "figures that flatter."
                )


def note_groups(parts: Mapping[str, np.ndarray], column: str, notes: list[str]) -> None:
    """Notes how many groups and rows each part has, and groups of one row each."""
    counts = {name: len(set(values)) for name, values in parts.items()}
    shares = [
        f"{counts[name]:,} in {name} ({len(values):,} rows)"
        for name, values in parts.items()
    ]
    notes.append(
        f"Rows with the same {column}, which is no feature, stay in one part: "
        f"{', '.join(shares)}."
    )
    if sum(counts.values()) == sum(map(len, parts.values())):
        notes.append(
            f"Warning: {column} has another value in every row, so `--group "
            f"{shlex.quote(column)}` keeps no rows together. Name the column whose "
            "values several rows share."
        )
