"""Warns of columns that name people or things, or say nothing of held-out rows."""

import math
import shlex
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from keras_ccar.benchmark.sources.csv_numbers.number_texts import to_numbers
from keras_ccar.benchmark.sources.labels.coding import shown
from keras_ccar.benchmark.sources.tables.column_kinds import (
    CATEGORY,
    TEXT,
    is_missing,
    to_texts,
)
from keras_ccar.benchmark.sources.tables.columns import Encoder
from keras_ccar.benchmark.sources.tables.row_names import (
    has_name_of_owner,
    whole_numbers,
)

_NEARLY_ALL = 0.9
_SHOWN = 3
_FEWEST_VALUES = 10
_FEWEST_ROWS_EACH = 1.5
# The logarithm of a chance that is none.
_NO_CHANCE = math.log(1e-6)


def note_unknown_texts(
    frames: Mapping[str, pd.DataFrame],
    encoder: Encoder,
    group: str | None,
    notes: list[str],
) -> None:
    """Notes categories that nearly no row of a held-out part shares with training rows.

    Args:
        frames: the rows of each part.
        encoder: knows what columns hold.
        group: the column of groups, or None.
        notes: takes the warnings.
    """
    for column in encoder.columns(CATEGORY):
        known = to_texts(frames["train"][column]).unique()
        for name, frame in frames.items():
            present = to_texts(frame[column][~is_missing(frame[column])])
            unknown = int((~present.isin(known)).sum())
            if not len(present) or unknown < _NEARLY_ALL * len(present):
                continue
            word = shlex.quote(str(column))
            together = (
                f", or, if it names people or devices, keep the rows of each in one "
                f"part by `--group {word}`"
            )
            notes.append(
                f"Warning: {unknown:,} of {len(present):,} {name} rows have a "
                f"{column} that no training row has, so that it says nothing of them. "
                f"Leave it out by `--drop {word}`{together if group is None else ''}."
            )


def note_new_categories(
    rows: pd.DataFrame, encoder: Encoder, where: str, notes: list[str]
) -> None:
    """Notes categories of new rows that the training rows lack.

    Args:
        rows: the rows as they are encoded.
        encoder: fitted on the training rows.
        where: the file.
        notes: takes what there is to say.
    """
    found: list[str] = []
    for column in encoder.columns(CATEGORY):
        texts = to_texts(rows[column][~is_missing(rows[column])])
        unknown = texts[~texts.isin(encoder.categories(column))]
        if len(unknown):
            examples = shown(unknown.unique().tolist(), _SHOWN)
            found.append(f"{column} ({len(unknown):,} of {len(texts):,}: {examples})")
    if found:
        notes.append(
            f"Warning: {where} has categories that no training row has, which say "
            f"nothing of their rows: {', '.join(found)}."
        )


def note_possible_groups(
    rows: pd.DataFrame,
    labels: np.ndarray,
    encoder: Encoder,
    others: Mapping[str, pd.DataFrame],
    notes: list[str],
) -> None:
    """Notes columns whose values may name people, devices or other groups of rows.

    Such a column has many values, each in several rows, and is called like an id; or it
    holds short texts each of which is in one class only, which chance does not do.

    Args:
        rows: the rows that are kept, without the labels.
        labels: their classes `(N,)`, or zeros and ones `(N, K)`.
        encoder: knows what columns hold.
        others: the rows of other files, by their names.
        notes: takes the warnings.
    """
    for column in rows.columns:
        if encoder.kinds.get(column) == TEXT:
            continue
        present = ~is_missing(rows[column])
        values = rows[column][present]
        numbers = whole_numbers(values) is not None
        if not (numbers or _are_short_texts(values)):
            continue
        texts = to_texts(values)
        distinct = texts.nunique()
        if distinct < _FEWEST_VALUES or len(texts) < _FEWEST_ROWS_EACH * distinct:
            continue
        if has_name_of_owner(column):
            why = "it is called like an id"
        elif not numbers and _have_one_class(texts, labels[present.to_numpy(bool)]):
            why = "all rows of each value have one class"
        else:
            continue
        word = shlex.quote(str(column))
        read = to_numbers if numbers else to_texts
        sharing = [
            name
            for name, other in others.items()
            if column in other and read(other[column]).isin(read(values).unique()).any()
        ]
        advice = f"`--group {word}` keeps them in one."
        if sharing:
            if column not in encoder.kinds:
                continue  # What is advised is done already.
            advice = (
                f"these values are in {' and '.join(sharing)} too. Leave the column "
                f"out by `--drop {word}`; to keep rows of one in one part too, put all "
                f"rows into one file, and divide it by `--group {word}`."
            )
        notes.append(
            f"Warning: {column} may name people, devices or other things that have "
            f"several rows: {why}, and there are {distinct:,} values in {len(texts):,} "
            f"rows. Rows of one that are in two parts flatter the figures; {advice}"
        )


def _are_short_texts(values: pd.Series) -> bool:
    is_text = all(isinstance(value, str) for value in values)
    return is_text and to_numbers(values).isna().mean() > 0.1


def _have_one_class(texts: pd.Series, labels: np.ndarray) -> bool:
    """Whether all rows of each text have one class, which is no chance."""
    if labels.ndim > 1:
        return False
    codes = pd.factorize(texts)[0]
    sizes = np.bincount(codes)
    pairs = np.unique(np.stack([codes, labels]), axis=1)
    if pairs.shape[1] > len(sizes):
        return False
    shares: Any = np.bincount(labels) / len(labels)
    # The chance that rows of random classes have one: the sum of share ** rows.
    chance = sum(math.log((shares**size).sum()) for size in sizes.tolist())
    return chance < _NO_CHANCE
