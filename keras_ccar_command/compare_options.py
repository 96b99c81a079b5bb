"""The options of `keras-ccar compare`."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keras_ccar_command.common import Adder, add_output
from keras_ccar_command.known import Known, Setting, option_flag


def add_plan_options(parser: Adder, known: Known) -> None:
    """Adds what every comparison takes."""
    parser.add_argument(
        "--methods",
        "--losses",
        nargs="+",
        default=(),
        metavar="METHOD",
        help="for your own data of: "
        f"{' '.join(known['own_methods'])} (default: all); for known data sets of: "
        f"{' '.join(known['methods'])}; cexc is ce×c, laxc la×c, cexct ce×c(t), laxct "
        "la×c(t). Settings may follow there in brackets, so that variants can be "
        "compared: "
        f"'ccar[strength=3,normalize]' (default: {' '.join(known['digits_methods'])} "
        "for digits-lt, else all)",
    )
    parser.add_argument(
        "--seeds",
        type=_positive,
        default=5,
        metavar="N",
        help="train each method with the seeds 0 to N-1 (default: %(default)s)",
    )
    parser.add_argument(
        "--parallel",
        type=_positive,
        default=1,
        metavar="N",
        help="train N runs at a time, each in a process of its own; they divide the "
        "cores, or share the GPU (default: %(default)s)",
    )
    add_output(
        parser,
        "where runs, results and report go; added to results of the same data, recipe "
        "and settings, while others that are there move to DIR/earlier",
    )
    parser.add_argument(
        "--smoke",
        action="store_true",
        help="shrink every run to minutes, to see that everything runs; the numbers "
        "prove nothing",
    )


def add_own_options(group: Adder, known: Known) -> None:
    """Adds what a comparison on the user's own data takes."""
    group.add_argument(
        "--drop",
        nargs="+",
        default=(),
        metavar="COLUMN",
        help="columns of a table that are left out",
    )
    group.add_argument(
        "--keep",
        nargs="+",
        default=(),
        metavar="COLUMN",
        help="columns of whole numbers that are read although they seem to name rows",
    )
    group.add_argument(
        "--group",
        metavar="COLUMN",
        help="column of a table that says whom or what rows belong to, such as "
        "patients or devices; rows of one stay in one part, and the column is left out",
    )
    group.add_argument(
        "--validation",
        metavar="SHARE|PATH",
        help="share of the examples of each class that methods are compared on, or "
        "data of the same kind (default: 0.2)",
    )
    group.add_argument(
        "--test",
        metavar="SHARE|PATH",
        help="a further share, or data of the same kind, that is measured at the end "
        "and chooses nothing (default: none)",
    )
    group.add_argument(
        "--metric",
        choices=known["own_metrics"],
        metavar="METRIC",
        help="what decides which method is best, one of: %(choices)s (default: "
        "balanced_accuracy)",
    )
    group.add_argument(
        "--budget",
        metavar="TIME",
        help="how long it may take, such as 90s, 10m or 2h; one run is measured first, "
        "and then it says what fits",
    )
    group.add_argument(
        "--export",
        type=Path,
        metavar="DIR",
        help="write the best model, whole, for TensorFlow Serving, as the next version "
        "in this folder",
    )


def add_recipe_options(group: Adder, known: Known) -> None:
    """Adds what only comparisons on known data sets take."""
    group.add_argument(
        "--recipe",
        choices=known["recipes"],
        help="default: the first for the data set",
    )
    group.add_argument(
        "--devices",
        type=_positive,
        metavar="N",
        help="share every batch among N devices of this machine: GPUs, or else parts "
        "of the processor; on TensorFlow or JAX (default: 1, with --hosts all)",
    )
    group.add_argument(
        "--hosts",
        nargs="+",
        default=(),
        metavar="ADDRESS",
        help="share every batch among these machines, the first given with a port; "
        "start the command on each, with its --host, and an --output that all see; on "
        "JAX",
    )
    group.add_argument(
        "--host",
        type=int,
        default=0,
        metavar="NUMBER",
        help="which of --hosts this machine is, from 0 (default: %(default)s)",
    )
    group.add_argument(
        "--fixed-speed-settings",
        action="store_true",
        help="compute runs as the recipe says. Otherwise a plan that seems longer than "
        "half an hour begins with up to a minute of measuring whether XLA and fewer "
        "threads are faster here; the choice is kept in DIR/speed.json",
    )


def add_settings(group: Adder, settings: Sequence[Setting]) -> None:
    """Adds an option for each setting."""
    for setting in settings:
        kind = setting["type"]
        how: dict[str, Any] = {"metavar": kind.upper()}
        if kind == "bool":
            how = {"action": argparse.BooleanOptionalAction}
        elif setting["choices"]:
            how = {"choices": setting["choices"]}
        elif kind in ("int", "float"):
            how["type"] = {"int": int, "float": float}[kind]
        group.add_argument(option_flag(setting["name"]), help=setting["help"], **how)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1; received {text}")
    return value
