"""The argument parser of the `keras-ccar` command."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from keras_ccar import datasets
from keras_ccar.benchmark.spec.loss_options import LossOptions
from keras_ccar.benchmark.spec.methods import DIGITS_METHODS, METHODS, get_method
from keras_ccar.benchmark.spec.recipe_book import RECIPES
from keras_ccar.benchmark.spec.recipes import Recipe
from keras_ccar.benchmark.spec.settings import option_flag, settings_of


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser, which stores the name of the command as `command`."""
    parser = argparse.ArgumentParser(
        prog="keras-ccar",
        description="Compares losses for long-tailed classification.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_compare_options(
        commands.add_parser(
            "compare",
            help="train methods on a data set, write a report",
            description="Trains every method with every seed under one recipe, and "
            "writes results and a report. What is finished is not trained again: after "
            "Ctrl-C, or when it was killed, the same command goes on.",
        )
    )
    _add_report_options(
        commands.add_parser(
            "report",
            help="write the report of finished comparisons again, or that of a "
            "training",
            description="Writes report and figures again from results.json, or those "
            "of a training from the statistics that it saved.",
        )
    )
    count = commands.add_parser(
        "count",
        help="show the class counts of a data set",
        description="Shows how many training examples each class has, and draws it.",
    )
    count.add_argument("dataset", choices=datasets.NAMES, help="one of: %(choices)s")
    _add_data_options(count)
    count.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="where class_counts.png goes (default: runs/DATASET)",
    )
    return parser


def _add_compare_options(parser: argparse.ArgumentParser) -> None:
    known = sorted({name for recipe in RECIPES.values() for name in recipe.datasets})
    parser.add_argument("dataset", choices=known, help="one of: %(choices)s")
    parser.add_argument(
        "--methods",
        nargs="+",
        default=(),
        type=_reader(lambda text: get_method(text).name),
        metavar="METHOD",
        help=f"of: {' '.join(METHODS)}; cexc is ce×c, laxc la×c. Settings may follow "
        "in brackets, so that variants can be compared: 'ccar[strength=3,normalize]' "
        f"(default: {' '.join(DIGITS_METHODS)} for digits-lt, else all)",
    )
    parser.add_argument(
        "--seeds",
        type=_positive,
        default=5,
        metavar="N",
        help="train each method with the seeds 0 to N-1 (default: %(default)s)",
    )
    _add_data_options(parser)
    parser.add_argument(
        "--recipe", choices=list(RECIPES), help="default: the first for the data set"
    )
    parser.add_argument(
        "--parallel",
        type=_positive,
        default=1,
        metavar="N",
        help="train N runs at a time, each in a process of its own; they divide the "
        "cores, or share the GPU (default: %(default)s)",
    )
    parser.add_argument(
        "--devices",
        type=_positive,
        metavar="N",
        help="share every batch among N devices of this machine: GPUs, or else parts "
        "of the processor; on TensorFlow or JAX (default: 1, with --hosts all)",
    )
    parser.add_argument(
        "--hosts",
        nargs="+",
        default=(),
        metavar="ADDRESS",
        help="share every batch among these machines, the first given with a port; "
        "start the command on each, with its --host, and an --output that all see; on "
        "JAX",
    )
    parser.add_argument(
        "--host",
        type=int,
        default=0,
        metavar="NUMBER",
        help="which of --hosts this machine is, from 0 (default: %(default)s)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="where runs, results and report go; added to results of the same data, "
        "recipe and settings, while others that are there move to DIR/earlier "
        "(default: runs/DATASET)",
    )
    parser.add_argument(
        "--smoke",
        action="store_true",
        help="shrink the recipe to minutes, to see that everything runs: 2 epochs of 8 "
        "batches of 32, ResNet-8 for CIFAR, streamed images of 64 pixels",
    )
    _add_settings(parser.add_argument_group("instead of the recipe's own"), Recipe)
    _add_settings(parser.add_argument_group("settings of the losses"), LossOptions)


def _add_report_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths",
        nargs="+",
        type=Path,
        metavar="PATH",
        help="folder of a comparison, a folder of such folders, or a file of "
        "CCARCallback.save_history",
    )
    parser.add_argument(
        "--page",
        type=Path,
        metavar="FILE",
        help="also write one Markdown page of all comparisons, with the measurements "
        "(*.json) that lie beside them, and its figures to the folder figures beside "
        "FILE",
    )


def _add_data_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--imbalance-factor",
        type=float,
        metavar="IF",
        help="examples of the most frequent class over those of the rarest",
    )
    parser.add_argument(
        "--data-seed",
        type=int,
        default=0,
        metavar="SEED",
        help="seed that chooses the training subset (default: %(default)s)",
    )
    parser.add_argument(
        "--data-dir",
        metavar="DIR",
        help="where tensorflow-datasets keeps its data (default: its own choice, or "
        "the environment's TFDS_DATA_DIR)",
    )


def _add_settings(group: argparse._ArgumentGroup, owner: type) -> None:
    """Adds an option for each setting of a dataclass."""
    for item in settings_of(owner):
        kind: Any = item.type
        how: dict[str, Any] = {"type": _reader(kind), "metavar": kind.__name__.upper()}
        if kind is bool:
            how = {"action": argparse.BooleanOptionalAction}
        elif "choices" in item.metadata:
            how = {"choices": item.metadata["choices"]}
        group.add_argument(option_flag(item.name), help=item.metadata["help"], **how)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1; received {text}")
    return value


def _reader(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """Returns `read` with its message as the usage error."""

    def read_argument(text: str) -> Any:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read_argument
