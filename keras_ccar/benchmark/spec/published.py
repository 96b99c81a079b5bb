"""Published top-1 accuracies of the field, and which of them ours may stand beside."""

import dataclasses
import functools
from dataclasses import dataclass
from importlib import resources

import pandas as pd

from keras_ccar.benchmark.spec.recipe_book import RECIPES
from keras_ccar.files import to_json

# What of a recipe changes its speed, or nothing, but not what is trained.
_IMMATERIAL = {
    "name",
    "source",
    "datasets",
    "steps_per_execution",
    "jit_compile",
    "dtype_policy",
}


@dataclass(frozen=True)
class PublishedResult:
    """One published number.

    Attributes:
        dataset: name of the data set, as `keras_ccar.datasets.load` calls it.
        imbalance_factor: its imbalance factor; None where the data set has but one.
        network: such as `"ResNet-32"`.
        recipe: name in `RECIPES` that trains in the same way, or `"its own"` or
            `"not stated"`.
        method: name of the same method in the benchmark; "" where it has none.
        title: what tables call the method.
        top1: top-1 accuracy in percent, as text: a number, a range, or "about".
        gain: points over the source's own baseline, as text; "" where not given.
        checked: whether it was read in the source's own files; else it is from the
            paper, and tables mark it with a dagger.
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
    checked: bool
    source: str

    @property
    def number(self):
        """The accuracy as tables show it, with gain and dagger."""
        gain = f" ({self.gain})" if self.gain else ""
        return f"{self.top1}{gain}{'' if self.checked else '†'}"


@functools.cache
def published_results():
    """Returns every published number, as a tuple of `PublishedResult`."""
    with (resources.files(__package__) / "published.csv").open(
        encoding="utf-8"
    ) as file:
        frame = pd.read_csv(file, dtype=str, keep_default_na=False)
    return tuple(
        PublishedResult(
            **{
                **row,
                "imbalance_factor": float(row["imbalance_factor"])
                if row["imbalance_factor"]
                else None,
                "checked": row["checked"] == "yes",
            }
        )
        for row in frame.to_dict("records")
    )


def published_for(dataset):
    """Returns the published numbers on the data of a comparison.

    Args:
        dataset: the part `dataset` of the dict of `results.json`.
    """
    return [
        published
        for published in published_results()
        if published.dataset == dataset["name"]
        and published.imbalance_factor in (None, dataset["imbalance_factor"])
    ]


def is_comparable(published, recipe):
    """Whether a number was published under the recipe of a comparison.

    A recipe names its network too, so what changed it is another recipe.

    Args:
        published: a `PublishedResult`.
        recipe: the part `recipe` of the dict of `results.json`.
    """
    return published.recipe == recipe["name"] and is_unchanged(recipe)


def is_unchanged(recipe):
    """Whether a comparison followed its recipe with no setting changed.

    Args:
        recipe: the part `recipe` of the dict of `results.json`.
    """
    return recipe["name"] in RECIPES and not changed_recipe_settings(recipe)


def changed_recipe_settings(recipe):
    """Returns in what a comparison departed from its recipe that is trained otherwise.

    Args:
        recipe: the part `recipe` of the dict of `results.json`.

    Returns:
        A dict from their names to what they were; empty for a recipe that is not
        known here.
    """
    known = RECIPES.get(recipe["name"])
    if known is None:
        return {}
    changed = {}
    if known.steps and recipe.get("steps") == known.steps:
        # What it is in epochs depends on the data.
        known = known.with_settings(epochs=recipe["epochs"], steps=known.steps)
    elif recipe["epochs"] != known.epochs:
        # Warm-up and decays follow.
        changed = {"epochs": recipe["epochs"]}
        known = known.with_settings(**changed)
    settings = to_json(dataclasses.asdict(known))
    return changed | {
        name: value
        for name, value in recipe.items()
        if name not in _IMMATERIAL and settings.get(name) != value
    }
