"""The comparisons that would settle whether CCAR works, and which were not run yet."""

import shlex
from collections.abc import Collection
from dataclasses import dataclass

from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.spec.loss_options import changed_loss_options
from keras_ccar.benchmark.spec.published import is_unchanged

# Balanced Softmax is logit adjustment at τ = 1. The controls that follow CCAR's mean
# weight epoch by epoch are those that count.
_MAIN = ("ce", "bs", "ccar", "ccar+la", "ce×c(t)", "la×c(t)")
_ABLATIONS = (
    "ce",
    "ccar",
    "ccar[pivot=0.5]",
    "ccar[pivot=0.9]",
    "ccar[strength=0.5]",
    "ccar[strength=2]",
    "ccar[strength=3]",
    "ccar[form=power]",
    "ccar[form=information,normalize]",
    "ccar[form=inverse,normalize]",
    "ccar[normalize]",
    "ccar[differentiate_weight]",
    "ce-tuned",
)


@dataclass(frozen=True)
class PlannedComparison:
    """A comparison at full length.

    Attributes:
        dataset: name of the data set, as `keras_ccar.datasets.load` takes it.
        imbalance_factor: its imbalance factor; None if the data set has only one.
        recipe: name of the recipe.
        network: the recipe's network, by its name in papers.
        methods: names of the methods.
        seeds: number of seeds.
        purpose: what it answers, in a few words.
        suffix: end of its folder's name, to tell apart comparisons of the same data
            and recipe.
    """

    dataset: str
    imbalance_factor: float | None
    recipe: str
    network: str
    methods: tuple[str, ...]
    seeds: int
    purpose: str
    suffix: str = ""

    @property
    def command(self) -> str:
        """The command line that runs it."""
        words = ["keras-ccar", "compare", self.dataset, "--recipe", self.recipe]
        folder = self.dataset
        if self.imbalance_factor is not None:
            words += ["--imbalance-factor", f"{self.imbalance_factor:g}"]
            folder += f"-if{self.imbalance_factor:g}"
        words += ["--seeds", str(self.seeds), "--methods", *self.methods]
        words += ["--output", f"benchmarks/results/{folder}-{self.recipe}{self.suffix}"]
        return shlex.join(words)

    def missing_methods(self, comparisons: Collection[Comparison]) -> list[str]:
        """Returns the methods without finished runs of enough seeds.

        Only runs on this data count, under this recipe, with no setting of it or of the
        losses changed.
        """
        seeds = dict.fromkeys(self.methods, 0)
        for comparison in comparisons:
            dataset, recipe = comparison.dataset, comparison.recipe
            if (
                dataset["name"] != self.dataset
                or self.imbalance_factor not in (None, dataset["imbalance_factor"])
                or recipe["name"] != self.recipe
                or not is_unchanged(recipe)
                or changed_loss_options(comparison.options)
            ):
                continue
            for method in self.methods:
                finished = len(comparison.finished_runs(method))
                seeds[method] = max(seeds[method], finished)
        return [method for method in self.methods if seeds[method] < self.seeds]


PLANNED = (
    *(
        PlannedComparison(
            "cifar100-lt", factor, recipe, "ResNet-32", _MAIN, 3, "the main claim"
        )
        for recipe in ("plain", "strong")
        for factor in (100, 200)
    ),
    PlannedComparison(
        "cifar100-lt",
        100,
        "plain",
        "ResNet-32",
        _ABLATIONS,
        3,
        "pivot, strength, form, normalisation, gradient, tuned cross-entropy",
        suffix="-ablations",
    ),
    PlannedComparison(
        "imagenet-lt",
        None,
        "imagenet-resnet10",
        "ResNet-10",
        _MAIN,
        3,
        "natural images",
    ),
    PlannedComparison(
        "imagenet-lt",
        None,
        "imagenet-resnet50",
        "ResNet-50",
        _MAIN,
        3,
        "the main claim",
    ),
    PlannedComparison(
        "inaturalist2018",
        None,
        "inaturalist-resnet50",
        "ResNet-50",
        _MAIN,
        3,
        "the main claim",
    ),
)


def not_yet_run(
    comparisons: Collection[Comparison],
) -> dict[PlannedComparison, list[str]]:
    """Returns the planned comparisons that lack runs, with their missing methods."""
    missing = {plan: plan.missing_methods(comparisons) for plan in PLANNED}
    return {plan: methods for plan, methods in missing.items() if methods}
