"""Writes what the `keras-ccar` command knows of the package before it imports it.

Run it after a change to methods, recipes, data sets or settings:
`python benchmarks/known_names.py`.
"""

import json
from typing import Any

from keras_ccar import datasets
from keras_ccar.benchmark.own_data.planning.columns import METRIC_NAMES
from keras_ccar.benchmark.own_data.planning.loss_choice import DEFAULT_NAMES
from keras_ccar.benchmark.spec.loss_options import LossOptions
from keras_ccar.benchmark.spec.methods import ALIASES, DIGITS_METHODS, METHODS
from keras_ccar.benchmark.spec.recipe_book import RECIPES
from keras_ccar.benchmark.spec.recipes import Recipe
from keras_ccar.benchmark.spec.settings import settings_of
from keras_ccar.files import write_atomic
from keras_ccar_command.known import PATH, Known, Setting


def known_names() -> Known:
    """Returns the names and the settings of the package."""
    return {
        "compare_datasets": sorted(
            {name for recipe in RECIPES.values() for name in recipe.datasets}
        ),
        "count_datasets": list(datasets.NAMES),
        "methods": list(METHODS),
        "aliases": list(ALIASES),
        "digits_methods": list(DIGITS_METHODS),
        "own_methods": list(DEFAULT_NAMES),
        "own_metrics": list(METRIC_NAMES),
        "recipes": list(RECIPES),
        "recipe_settings": _settings(Recipe),
        "loss_settings": _settings(LossOptions),
    }


def _settings(owner: type) -> list[Setting]:
    found: list[Setting] = []
    for item in settings_of(owner):
        kind: Any = item.type
        choices = item.metadata.get("choices")
        found.append(
            {
                "name": item.name,
                "type": kind.__name__,
                "choices": choices and list(choices),
                "help": item.metadata["help"],
            }
        )
    return found


if __name__ == "__main__":
    write_atomic(PATH, json.dumps(known_names(), indent=1, ensure_ascii=False) + "\n")
