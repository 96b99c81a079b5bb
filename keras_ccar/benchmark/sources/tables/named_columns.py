"""Columns that a table must have, such as those that options name."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import pandas as pd

from keras_ccar.benchmark.sources.labels.coding import shown
from keras_ccar.benchmark.sources.options import SourceOptions

_SHOWN = 20


def check_named(path: Path, rows: pd.DataFrame, options: SourceOptions) -> None:
    """Checks that options name columns of a table, and not the same ones.

    Raises:
        ValueError: for an option that does not; lists the columns.
    """
    columns = list(rows.columns)
    named = {
        "--label": options.label,
        "--drop": options.drop,
        "--keep": options.keep,
        "--group": () if options.group is None else (options.group,),
    }
    for option, names in named.items():
        unknown = [name for name in names if name not in columns]
        if unknown:
            raise ValueError(
                f"`{option}` must name columns of {path}. Received: {shown(unknown)}; "
                f"expected some of {shown(columns, _SHOWN)}."
            )
    for one, other in combinations(named, 2):
        both = [name for name in named[one] if name in named[other]]
        # A column of groups is left out anyway.
        if both and (one, other) != ("--drop", "--group"):
            raise ValueError(
                f"`{one}` and `{other}` must name different columns. Received in both: "
                f"{shown(both)}. Take them out of one of the two."
            )


def check_there(
    rows: pd.DataFrame, columns: Sequence[str], where: str, other: str
) -> None:
    """Raises a `ValueError` unless a file has the columns of another one."""
    missing = [column for column in columns if column not in rows]
    if missing:
        raise ValueError(
            f"{where} must have the columns of {other}. It lacks {shown(missing)}."
        )
