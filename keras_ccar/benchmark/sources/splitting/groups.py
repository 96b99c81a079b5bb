"""Rows of a table that belong together, such as those of a patient."""

import re
import shlex
from collections.abc import Mapping, Sequence, Set

import numpy as np
import pandas as pd

from keras_ccar.benchmark.sources.csv_numbers.number_texts import MARKS
from keras_ccar.benchmark.sources.labels.coding import shown
from keras_ccar.benchmark.sources.labels.label_texts import (
    find_look_alikes,
    label_text,
    plain_text,
)
from keras_ccar.benchmark.sources.tables.column_kinds import is_missing

_SHOWN = 20


def read_groups(column: pd.Series, where: str, notes: list[str]) -> np.ndarray:
    """Returns the group of each row; rows without a value have groups of their own.

    Whole numbers are the same group with ".0" and without, and in a column of whole
    numbers alone also with marks between their thousands.
    """
    lacks = is_missing(column).to_numpy(bool)
    if lacks.any():
        notes.append(
            f"{int(lacks.sum()):,} of {len(column):,} rows of {where} have no "
            f"{column.name}. Each is a group of its own."
        )
    present = [label_text(value) for value in column[~lacks]]
    mark = _find_mark(set(present))
    # A text that no group has, because groups have no spaces around them.
    groups = np.array([f" {where} {row}" for row in range(len(column))], object)
    groups[~lacks] = [plain_text(text.replace(mark, "")) for text in present]
    return groups


def _find_mark(texts: Set[str]) -> str:
    """Returns what stands between the thousands of whole numbers, or ""."""
    for mark in (*MARKS, "."):
        in_threes = rf"[1-9]\d{{0,2}}(?:{re.escape(mark)}\d{{3}})+"
        decimals = "" if mark == "." else r"(?:\.0*)?"
        whole = re.compile(rf"[+-]?(?:0|[1-9]\d*|{in_threes}){decimals}", re.ASCII)
        if all(map(whole.fullmatch, texts)):
            return mark
    return ""


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
    """Notes how many groups and rows each part has.

    It warns of groups of one row each, and of those that look alike.
    """
    counts = {name: len(set(values)) for name, values in parts.items()}
    shares = [
        f"{counts[name]:,} in {name} ({len(values):,} rows)"
        for name, values in parts.items()
    ]
    notes.append(
        f"Rows with the same {column}, which is no feature, stay in one part: "
        f"{', '.join(shares)}."
    )
    named = {text for values in parts.values() for text in values if text[:1] != " "}
    alike = find_look_alikes(named)
    if alike:
        notes.append(
            f"Warning: values of {column} that differ only in case, in spaces or in "
            f"how a number is written, {shown(alike, _SHOWN)}, are groups of their own."
            " Write them alike if they mean the same."
        )
    if sum(counts.values()) == sum(map(len, parts.values())):
        notes.append(
            f"Warning: {column} has another value in every row, so `--group "
            f"{shlex.quote(column)}` keeps no rows together. Name the column whose "
            "values several rows share."
        )
