"""The options of the `keras-ccar` command."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keras_ccar_command.common import (
    Adder,
    add_data,
    add_label_options,
    add_named_options,
    add_output,
)
from keras_ccar_command.compare_options import (
    add_own_options,
    add_plan_options,
    add_recipe_options,
    add_settings,
)
from keras_ccar_command.known import Known, option_flag


def build_parser(known: Known, shared: Sequence[str]) -> argparse.ArgumentParser:
    """Returns the parser, which stores the name of the command as `command`.

    The `shared` settings of recipes are those that the user's own data takes too.
    """
    parser = argparse.ArgumentParser(
        prog="keras-ccar",
        description="Compares losses for long-tailed classification.",
    )
    parser.add_argument(
        "--version", action=_Version, nargs=0, help="show the version and exit"
    )
    verbose = argparse.ArgumentParser(add_help=False)
    _add_verbose(parser, False)
    # A default of the command would replace what stands before the command.
    _add_verbose(verbose, argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    compare = commands.add_parser(
        "compare",
        parents=[verbose],
        help="train methods on your data or a known data set, write a report",
        description="Trains every method with every seed in the same way, and writes "
        "results and a report. What is finished is not trained again: after Ctrl-C, or "
        "when it was killed, the same command goes on.",
    )
    add_data(compare, known["compare_datasets"])
    add_plan_options(compare, known)
    own = compare.add_argument_group("your own data")
    add_label_options(own)
    add_own_options(own, known)
    named = compare.add_argument_group("known data sets")
    add_named_options(named)
    add_recipe_options(named, known)
    training = compare.add_argument_group(
        "how to train",
        "Known data sets have recipes, whose settings these replace. Your own data "
        f"takes {', '.join(map(option_flag, shared))}.",
    )
    add_settings(training, known["recipe_settings"])
    losses = compare.add_argument_group("settings of the losses, for known data sets")
    add_settings(losses, known["loss_settings"])
    predict = commands.add_parser(
        "predict",
        parents=[verbose],
        help="predict new data with the best model of a comparison on your data",
        description="Reads new data as the comparison read its own, and writes what "
        "its best model says: the columns of the data, the predicted class, and the "
        "probabilities.",
    )
    _add_predict_options(predict)
    report = commands.add_parser(
        "report",
        parents=[verbose],
        help="write the report of finished comparisons again, or that of a training",
        description="Writes report and figures again from results.json, or those of a "
        "training from the statistics that it saved.",
    )
    _add_report_options(report)
    count = commands.add_parser(
        "count",
        parents=[verbose],
        help="show the class counts of your data or a known data set",
        description="Shows how many examples each class has, and draws it.",
    )
    add_data(count, known["count_datasets"])
    add_label_options(count)
    add_named_options(count)
    add_output(count, "where class_counts.png goes")
    return parser


class _Version(argparse.Action):
    """Looks the version up only when it is asked for, which takes a moment."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version

        print(f"keras-ccar {version('keras_ccar')}")
        parser.exit()


def _add_verbose(parser: argparse.ArgumentParser, default: Any) -> None:
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        default=default,
        help="show what TensorFlow and other libraries log",
    )


def _add_predict_options(parser: Adder) -> None:
    parser.add_argument(
        "folder", type=Path, metavar="DIR", help="folder that `compare` wrote to"
    )
    parser.add_argument(
        "dataset",
        metavar="DATA",
        help="new data, without labels: a table with the columns that were trained on, "
        "a folder of images or one image, or a .npz file that holds x",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="a .csv or .parquet file (default: the name of the data and "
        "-predicted.csv, in this folder)",
    )
    parser.add_argument(
        "--threshold",
        type=float,
        metavar="P",
        help="of yes or no: the probability from which on the answer is yes (default: "
        "what the comparison chose, else 0.5)",
    )


def _add_report_options(parser: Adder) -> None:
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
