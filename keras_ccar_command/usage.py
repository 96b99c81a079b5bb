"""Reads the command line, and refuses options that do not go together."""

import argparse
import difflib
import os
import sys
from collections.abc import Sequence

from keras_ccar_command.known import Known, option_flag, read_known
from keras_ccar_command.options import build_parser

# Settings of recipes that a comparison on one's own data takes too.
SHARED_SETTINGS = (
    "epochs",
    "batch_size",
    "learning_rate",
    "image_size",
    "backbone",
    "tune",
)
_FOR_NAMES = ("imbalance_factor", "data_dir", "recipe", "devices", "hosts", "host")
_FOR_OWN_DATA = (
    "label",
    "separator",
    "drop",
    "keep",
    "group",
    "validation",
    "test",
    "metric",
    "budget",
    "export",
)


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Returns the options; ends the process after help, or an error of usage.

    `is_named` tells whether the data is a known data set, or else the user's own, and
    `words` is the command line.
    """
    known = read_known()
    parser = build_parser(known, SHARED_SETTINGS)
    options = parser.parse_args(arguments)
    options.words = list(sys.argv[1:] if arguments is None else arguments)
    if options.command in ("report", "predict"):
        return options
    names = known[f"{options.command}_datasets"]  # type: ignore[literal-required]
    options.is_named = options.dataset in names
    if not options.is_named and not os.path.exists(options.dataset):
        parser.error(_unknown_data(options.dataset, names))
    defaults = vars(parser.parse_args([options.command, options.dataset]))
    given = [
        name for name, default in defaults.items() if getattr(options, name) != default
    ]
    for name in given:
        if options.is_named and name in _FOR_OWN_DATA:
            parser.error(
                f"{option_flag(name)} is for data of your own, and {options.dataset!r} "
                "is a known data set. Leave the option out; for a file or folder of "
                f"that name write {os.path.join('.', options.dataset)!r}."
            )
        if not options.is_named and name in _settings_for_names(known):
            parser.error(
                f"{option_flag(name)} is for known data sets, and {options.dataset!r} "
                f"is data of your own. Leave the option out."
            )
    if options.command == "compare":
        _check_methods(parser, options, known)
    return options


def _unknown_data(received: str, names: Sequence[str]) -> str:
    close = difflib.get_close_matches(received, names, n=1)
    nearest = f" The nearest name is {close[0]!r}." if close else ""
    return (
        f"{received!r} is neither a folder or file that is there, nor the name of a "
        f"known data set ({', '.join(names)}).{nearest}"
    )


def _settings_for_names(known: Known) -> set[str]:
    settings = [*known["recipe_settings"], *known["loss_settings"]]
    names = {setting["name"] for setting in settings} - set(SHARED_SETTINGS)
    return names | set(_FOR_NAMES)


def _check_methods(
    parser: argparse.ArgumentParser, options: argparse.Namespace, known: Known
) -> None:
    """Refuses unknown methods. Settings in brackets are read by the package."""
    names = [*known["methods"], *known["aliases"]]
    if not options.is_named:
        names = known["own_methods"]
    for method in options.methods:
        is_known = method in names
        if options.is_named:
            is_known = method.partition("[")[0] in names
        if not is_known:
            kind = "known data sets" if options.is_named else "data of your own"
            parser.error(
                f"method {method!r} is unknown; for {kind} it must be one of "
                f"{', '.join(names)}."
            )
