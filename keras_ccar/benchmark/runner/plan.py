"""The plan of a comparison: its runs, and what identifies each of them."""

import dataclasses
import functools
from dataclasses import dataclass
from typing import Any

import keras

from keras_ccar.benchmark.runner import environment
from keras_ccar.benchmark.runner.plan_base import RUN_FORMAT, BasePlan
from keras_ccar.benchmark.runner.planned_run import Run
from keras_ccar.benchmark.spec.configurations import digest
from keras_ccar.benchmark.spec.controls import learning_rate_factors, tuning_runs
from keras_ccar.benchmark.spec.loss_options import LossOptions, shown_loss_options
from keras_ccar.benchmark.spec.methods import Method, get_method
from keras_ccar.benchmark.spec.recipes import Recipe
from keras_ccar.benchmark.training.networks import build_network
from keras_ccar.benchmark.training.setup import image_shape
from keras_ccar.datasets import LongTailedData, subset_digest
from keras_ccar.files import to_json


@dataclass(frozen=True)
class Plan(BasePlan):
    """The runs of a comparison: every method with every seed, under one recipe.

    Attributes:
        tuning_data: the data with validation images in place of the test set, on which
            methods with a tuned learning rate choose it; None if there are none.
    """

    data: LongTailedData
    recipe: Recipe
    methods: tuple[Method, ...]
    seeds: tuple[int, ...]
    options: LossOptions
    tuning_data: LongTailedData | None = None

    @functools.cached_property
    def test_digest(self) -> str | None:
        """A digest of the test set; None if it is streamed.

        A streamed test set is a whole split, which the name of the data set identifies.
        """
        arrays = self.data.test_arrays
        return subset_digest(*arrays) if arrays else None

    @functools.cached_property
    def _tuning_plan(self) -> "Plan | None":
        """The plan whose runs choose learning rates; None without `tuning_data`."""
        if self.tuning_data is None:
            return None
        # Fewer images make shorter epochs, so the same number of steps takes more.
        recipe = self.recipe.with_epochs_for(self.tuning_data.class_counts.sum())
        return dataclasses.replace(
            self, data=self.tuning_data, recipe=recipe, tuning_data=None
        )

    def runs(self) -> list[Run]:
        """Returns the runs, seed by seed, so that all methods finish a seed early.

        Methods that compute the same have one run a seed, that of the first of them.
        """
        return [
            self._run(group[0], seed)
            for seed in self.seeds
            for group in self.equal_methods()
        ]

    def equal_methods(self) -> list[list[Method]]:
        """Returns the methods in groups that compute the same, mostly of one each."""
        groups: dict[str, list[Method]] = {}
        for method in self.methods:
            groups.setdefault(self.configuration(method), []).append(method)
        return list(groups.values())

    def configuration(self, method: Method) -> str:
        """Returns a digest of everything that a method computes, whatever its name."""
        other = method.scaled_by and self.configuration(get_method(method.scaled_by))
        rates = learning_rate_factors(method, self.recipe)
        return digest(to_json([self._method_identity(method), other, rates]))

    def _method_identity(self, method: Method) -> dict[str, Any]:
        return method.to_identity(self.data.class_counts.tolist(), self.options)

    def describe(self) -> list[str]:
        """See `BasePlan`."""
        return [
            self.data.describe(),
            f"Recipe {self.recipe.name}; methods: {len(self.methods)}, seeds: "
            f"{len(self.seeds)}, epochs: {self.recipe.epochs}; backend "
            f"{keras.backend.backend()}.",
        ]

    def entries(self) -> dict[str, Any]:
        """See `BasePlan`."""
        data = self.data
        dataset = {
            "name": data.name,
            "imbalance_factor": data.imbalance_factor,
            "seed": data.seed,
            "digest": data.digest,
            "test_digest": self.test_digest,
            "description": data.describe(),
            "class_names": list(data.class_names),
            "class_counts": data.class_counts,
        }
        methods = [
            {
                **_names_of(method),
                **method.to_config(data.class_counts.tolist(), self.options),
                "configuration": self.configuration(method),
                "equal_methods": [_names_of(other) for other in others],
            }
            for method, *others in self.equal_methods()
        ]
        return {
            "dataset": dataset,
            "recipe": dataclasses.asdict(self.recipe),
            "options": shown_loss_options(self.options),
            "methods": methods,
        }

    def __getstate__(self) -> dict[str, Any]:
        # Methods hold local functions, which cannot be pickled for other processes.
        state = {**self.__dict__, "methods": [method.name for method in self.methods]}
        state.pop("_known_runs", None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        methods = tuple(get_method(name) for name in state["methods"])
        self.__dict__.update({**state, "methods": methods})

    def check(self) -> None:
        """Builds the network and the losses once, so that bad settings fail early.

        Raises:
            ValueError: if a loss or the network rejects a setting.
        """
        shape = image_shape(self.data, self.recipe)
        build_network(self.recipe, shape, len(self.data.class_counts))
        self.runs()

    def _dependencies(
        self, method: Method, seed: int, recipe: Recipe
    ) -> tuple[Run, ...]:
        """Returns the run that scales a method, if any, and those that tune it."""
        scaling: tuple[Run, ...] = ()
        if method.scaled_by:
            scaling = (self._run(get_method(method.scaled_by), seed, recipe),)
        if not learning_rate_factors(method, recipe):
            return scaling
        plan = self._tuning_plan
        if plan is None:
            raise ValueError(
                f"method {method.name!r} needs tuning_data to choose its learning rate "
                "on. Received: tuning_data=None."
            )
        tried = tuning_runs(method, plan.recipe)
        return scaling + tuple(
            plan._run(method, tuning_seed, recipe)
            for recipe, method, tuning_seed in tried
        )

    @functools.cached_property
    def _known_runs(self) -> dict[tuple[str, int, Recipe], Run]:
        """The runs so far by what they were asked for: the same may serve many."""
        return {}

    def _run(self, method: Method, seed: int, recipe: Recipe | None = None) -> Run:
        recipe = recipe or self.recipe
        key = (method.name, seed, recipe)
        if key not in self._known_runs:
            self._known_runs[key] = self._build_run(method, seed, recipe)
        return self._known_runs[key]

    def _build_run(self, method: Method, seed: int, recipe: Recipe) -> Run:
        data = self.data
        depends_on = self._dependencies(method, seed, recipe)
        settings = dataclasses.asdict(recipe)
        identity = {
            "format": RUN_FORMAT,
            "dataset": data.name,
            "imbalance_factor": data.imbalance_factor,
            "digest": data.digest,
            "test_digest": self.test_digest,
            "recipe": settings,
            # Every setting of this method's loss, and none of other methods. No name:
            # two names of the same are one run.
            **self._method_identity(method),
            "after": [run.id for run in depends_on],
            "seed": seed,
            **environment.comparability_key(
                environment.current_environment(), settings
            ),
        }
        return Run(
            method, seed, data, recipe, self.options, to_json(identity), depends_on
        )


def _names_of(method: Method) -> dict[str, str]:
    return {"name": method.name, "title": method.title, "source": method.source}
