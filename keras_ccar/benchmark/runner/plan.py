"""The plan of a comparison: its runs, and what identifies each of them."""

import dataclasses
import functools
import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from keras_ccar.benchmark.runner.environment import (
    comparability_key,
    current_environment,
)
from keras_ccar.benchmark.spec.controls import tuning_runs
from keras_ccar.benchmark.spec.loss_options import LossOptions
from keras_ccar.benchmark.spec.methods import Method, get_method
from keras_ccar.benchmark.spec.recipes import Recipe
from keras_ccar.benchmark.training.models import build_model
from keras_ccar.benchmark.training.setup import image_shape
from keras_ccar.datasets import subset_digest
from keras_ccar.files import to_json

# To be raised when a run file changes its meaning.
RUN_FORMAT = 1


@dataclass(frozen=True)
class Run:
    """One training: a method under a recipe with a seed.

    Attributes:
        method: the `Method`.
        seed: its seed.
        data: the `LongTailedData` it is trained and evaluated on.
        recipe: the `Recipe`.
        options: the `LossOptions`.
        identity: everything that the result depends on, as plain JSON.
        after: runs whose results decide settings of this one.
    """

    method: Method
    seed: int
    data: Any
    recipe: Recipe
    options: LossOptions
    identity: dict
    depends_on: tuple["Run", ...] = ()

    @property
    def id(self):
        """A digest of the identity."""
        text = json.dumps(self.identity, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def file_name(self):
        """Name of the files that keep the run, readable and without clashes."""
        method = re.sub(r"[^a-z0-9]+", "-", self.method.name)
        return f"{method}-seed{self.seed}-{self.id}"

    @property
    def steps_per_epoch(self):
        """Number of training steps of an epoch."""
        return self.recipe.steps_per_epoch(int(self.data.class_counts.sum()))


@dataclass(frozen=True)
class Plan:
    """What a comparison trains.

    Attributes:
        data: a `keras_ccar.datasets.LongTailedData`.
        recipe: the `Recipe` of all runs.
        methods: the `Method`s.
        seeds: the seeds.
        options: the `LossOptions`.
        tuning_data: the data with validation images in place of the test set, on
            which methods with a tuned learning rate choose it. None where no method
            does.
    """

    data: Any
    recipe: Recipe
    methods: tuple[Method, ...]
    seeds: tuple[int, ...]
    options: LossOptions
    tuning_data: Any = None

    @functools.cached_property
    def test_digest(self):
        """Names the test set, as the data's digest names the training set."""
        return _test_digest(self.data)

    @functools.cached_property
    def _tuning_digest(self):
        return _test_digest(self.tuning_data)

    def runs(self):
        """Returns the runs, seed by seed, so that whole rows are done early."""
        return [
            self._run(method, seed) for seed in self.seeds for method in self.methods
        ]

    def runs_with_dependencies(self):
        """Returns the runs and those that they come after, each once, these first."""
        ordered = {}
        for run in self.runs():
            for each in (*run.depends_on, run):
                ordered.setdefault(each.id, each)
        return list(ordered.values())

    def __getstate__(self):
        # For other processes. Methods hold functions, which do not travel.
        return {**self.__dict__, "methods": [method.name for method in self.methods]}

    def __setstate__(self, state):
        methods = tuple(get_method(name) for name in state["methods"])
        self.__dict__.update({**state, "methods": methods})

    def check(self):
        """Builds the network and the losses once, so that bad settings fail early.

        Raises:
            ValueError: if a setting is one that a loss or the network rejects.
        """
        build_model(
            self.recipe.model,
            image_shape(self.data, self.recipe),
            len(self.data.class_counts),
        )
        self.runs()

    def _run(self, method, seed):
        after = self._dependencies(method, seed)
        return self._run_on(
            self.data, self.test_digest, self.recipe, method, seed, after
        )

    def _dependencies(self, method, seed):
        if method.scaled_by:
            return (self._run(get_method(method.scaled_by), seed),)
        if not method.learning_rate_factors:
            return ()
        if self.tuning_data is None:
            raise ValueError(
                f"method {method.name!r} needs tuning_data to choose its learning rate "
                "on; received None."
            )
        # The same number of steps, which take more epochs of fewer images.
        recipe = self.recipe.with_epochs_for(self.tuning_data.class_counts.sum())
        return tuple(
            self._run_on(self.tuning_data, self._tuning_digest, *settings)
            for settings in tuning_runs(method, recipe)
        )

    def _run_on(self, data, test_digest, recipe, method, seed, after=()):
        class_counts = data.class_counts.tolist()
        settings = dataclasses.asdict(recipe)
        identity = {
            "format": RUN_FORMAT,
            "dataset": data.name,
            "imbalance_factor": data.imbalance_factor,
            "digest": data.digest,
            "test_digest": test_digest,
            "recipe": settings,
            "method": method.name,
            # Holds every setting of the loss, and nothing of other methods.
            **method.to_config(class_counts, self.options),
            "after": [run.id for run in after],
            "seed": seed,
            **comparability_key(current_environment(), settings),
        }
        return Run(method, seed, data, recipe, self.options, to_json(identity), after)


def _test_digest(data):
    # A streamed test set is a whole split of the data set that is named.
    return data.test_arrays and subset_digest(*data.test_arrays)
