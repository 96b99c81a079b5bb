"""What the command must know of `keras_ccar` before it imports it.

`known.json` is written from the package by `benchmarks/known_names.py`; a test compares
the two.
"""

import json
from pathlib import Path
from typing import TypedDict


class Setting(TypedDict):
    """A field of a recipe, or of the settings of the losses, that an option sets."""

    name: str
    type: str
    choices: list[str] | None
    help: str


class Known(TypedDict):
    """The names that options take, and the settings that are options."""

    compare_datasets: list[str]
    count_datasets: list[str]
    methods: list[str]
    aliases: list[str]
    digits_methods: list[str]
    own_methods: list[str]
    own_metrics: list[str]
    recipes: list[str]
    recipe_settings: list[Setting]
    loss_settings: list[Setting]


PATH = Path(__file__).parent / "known.json"


def read_known() -> Known:
    """Returns the content of `known.json`."""
    known: Known = json.loads(PATH.read_text("utf-8"))
    return known


def option_flag(name: str) -> str:
    """Returns the option of a setting, such as `--batch-size`."""
    return "--" + name.replace("_", "-")
