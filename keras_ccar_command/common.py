"""Options that several commands have, and what adds them."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol


class Adder(Protocol):
    """A parser, or a group of its options."""

    def add_argument(self, *names: str, **how: Any) -> Any:
        """Adds an option."""


def add_output(parser: Adder, use: str) -> None:
    """Adds the folder that the command writes to."""
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help=f"{use} (default: runs/ and the name of the data)",
    )


def add_label_options(parser: Adder) -> None:
    """Adds what tells the labels of a table."""
    parser.add_argument(
        "--label",
        nargs="+",
        default=(),
        metavar="COLUMN",
        help="column of a table that holds the class; several columns of yes or no for "
        "several labels",
    )
    parser.add_argument(
        "--separator",
        metavar="TEXT",
        help="the label column holds several labels, divided by TEXT",
    )


def add_named_options(parser: Adder) -> None:
    """Adds what chooses the examples of a known data set."""
    parser.add_argument(
        "--imbalance-factor",
        type=float,
        metavar="IF",
        help="examples of the most frequent class over those of the rarest",
    )
    parser.add_argument(
        "--data-dir",
        metavar="DIR",
        help="where tensorflow-datasets keeps its data (default: its own choice, or "
        "the environment's TFDS_DATA_DIR)",
    )


def add_data(parser: argparse.ArgumentParser, names: Sequence[str]) -> None:
    """Adds the data, by path or name."""
    parser.add_argument(
        "dataset",
        metavar="DATA",
        help="a folder with one folder of images for each class, a table (.csv, "
        f".parquet), arrays (.npz), or a known data set: {', '.join(names)}",
    )
    parser.add_argument(
        "--data-seed",
        type=int,
        default=0,
        metavar="SEED",
        help="seed that chooses the training examples (default: %(default)s)",
    )
