"""Published top-1 accuracies, and which of them compare with those of a recipe."""

import csv
import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from keras_ccar.benchmark.spec.recipe_book import RECIPES
from keras_ccar.files import to_json

# Parts of a recipe that do not affect what is trained.
_IMMATERIAL = {
    "name",
    "source",
    "datasets",
    "steps_per_execution",
    "jit_compile",
    "dtype_policy",
}

# β of the benchmark's class-balanced weights.
_BETA = 0.9999


@dataclass(frozen=True)
class PublishedResult:
    """One published number.

    Attributes:
        dataset: name of the data set, as `keras_ccar.datasets.load` takes it.
        imbalance_factor: its imbalance factor; None if the data set has only one.
        network: such as `"ResNet-32"`.
        recipe: name in `RECIPES` that trains in the same way, or `"its own"` or
            `"not stated"`.
        method: name of the same method in the benchmark; "" if it has none.
        title: name of the method in tables.
        top1: top-1 accuracy in percent, as text: a number, a range, or "about".
        gain: points over the source's own baseline, as text; "" if not given.
        subset: whose long-tailed subset of a balanced data set it is: `"Cao"`, whose
            rule ours follows, with other draws, or `"Cui"`; "" if the data has no such
            subset, or nobody says.
        epoch: `"last"`; `"best"` for the best on the test images; `"validation"` for
            the best on other images; "" if nobody says.
        beta: β of class-balanced weights; None for other methods, or if nobody says.
        sigmoid_focal: whether the focal loss is that of a sigmoid for each class.
        checked: whether the number is from the source's own files; tables mark a number
            from the paper with a dagger.
        source: paper or repository.
    """

    dataset: str
    imbalance_factor: float | None
    network: str
    recipe: str
    method: str
    title: str
    top1: str
    gain: str
    subset: str
    epoch: str
    beta: float | None
    sigmoid_focal: bool
    checked: bool
    source: str

    @property
    def number(self) -> str:
        """The accuracy as tables show it, with gain and dagger."""
        gain = f" ({self.gain})" if self.gain else ""
        return f"{self.top1}{gain}{'' if self.checked else '†'}"


@functools.cache
def published_results() -> tuple[PublishedResult, ...]:
    """Returns every published number."""
    text = (resources.files(__package__) / "published.csv").read_text("utf-8")
    results = []
    for row in csv.DictReader(text.splitlines()):
        values: dict[str, Any] = dict(row)
        for name in ("checked", "sigmoid_focal"):
            values[name] = row[name] == "yes"
        for name in ("imbalance_factor", "beta"):
            values[name] = float(row[name]) if row[name] else None
        results.append(PublishedResult(**values))
    return tuple(results)


def published_for(dataset: Mapping[str, Any]) -> list[PublishedResult]:
    """Returns the published numbers for the entry `dataset` of `results.json`."""
    return [
        published
        for published in published_results()
        if published.dataset == dataset["name"]
        and published.imbalance_factor in (None, dataset["imbalance_factor"])
    ]


def is_comparable(published: PublishedResult, recipe: Mapping[str, Any]) -> bool:
    """Whether a number compares with those under the entry `recipe` of `results.json`.

    See `differences_to`.
    """
    return not differences_to(published, recipe)


def differences_to(published: PublishedResult, recipe: Mapping[str, Any]) -> list[str]:
    """Says in what a number differs from those under an entry `recipe`.

    A recipe includes its network, so a comparison that changed it differs. The
    benchmark's numbers are of the last epoch. The best epoch on the test images is
    higher by choice, and Cui's subset holds other images than any draw of Cao's rule.
    """
    found = []
    if published.recipe != recipe["name"] or not is_unchanged(recipe):
        found.append("recipe")
    if published.subset == "Cui":
        found.append("Cui's subset")
    if published.epoch not in ("last", "validation"):
        found.append(f"{published.epoch or 'unknown'} epoch")
    if published.method == "cb" and published.beta != _BETA:
        beta = "unknown" if published.beta is None else f"{published.beta:g}"
        found.append(f"β {beta}")
    if published.sigmoid_focal:
        found.append("sigmoid focal loss")
    return found


def is_unchanged(recipe: Mapping[str, Any]) -> bool:
    """Whether the entry `recipe` of `results.json` is a recipe without changes."""
    return recipe["name"] in RECIPES and not changed_recipe_settings(recipe)


def changed_recipe_settings(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the recipe settings that a comparison changed and that affect training.

    The `recipe` is the entry of `results.json`. No setting of an unknown one counts as
    changed.
    """
    known = RECIPES.get(recipe["name"])
    if known is None:
        return {}
    changed: dict[str, Any] = {}
    if known.steps and recipe.get("steps") == known.steps:
        # The number of epochs follows from the steps and the data.
        known = known.with_settings(
            epochs=recipe["epochs"],
            steps=known.steps,
            warmup_epochs=recipe["warmup_epochs"],
            warmup_steps=known.warmup_steps,
        )
    elif recipe["epochs"] != known.epochs:
        # `with_settings` scales the warm-up and the decays too.
        changed = {"epochs": recipe["epochs"]}
        known = known.with_settings(**changed)
    settings = to_json(dataclasses.asdict(known))
    return changed | {
        name: value
        for name, value in recipe.items()
        if name not in _IMMATERIAL and settings.get(name) != value
    }
