"""The plan of a comparison on the user's own data."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import keras

from keras_ccar.benchmark.own_data.after_training.derived_rows import (
    DerivedMethod,
    Method,
    find_methods,
)
from keras_ccar.benchmark.own_data.planning.identity import describe_loss
from keras_ccar.benchmark.own_data.planning.loss_choice import TrainedMethod
from keras_ccar.benchmark.own_data.planning.user_code import digest_of_code
from keras_ccar.benchmark.own_data.training.runs import DerivedRun, TrainedRun
from keras_ccar.benchmark.own_data.training.train import Setting
from keras_ccar.benchmark.own_data.training.training_parts import describe_optimizer
from keras_ccar.benchmark.runner.plan_base import BasePlan, BaseRun
from keras_ccar.benchmark.statistics.columns import METRICS_OF_KIND
from keras_ccar.files import to_json
from keras_ccar.layers.prior_warning import find_rebalancing


@dataclass(frozen=True)
class OwnPlan(BasePlan):
    """The runs of a comparison on the user's own data.

    Attributes:
        setting: what all runs share.
        methods: the methods, trained and derived, in the order of the tables.
        seeds: the seeds of each method.
        shared_identity: what all results depend on, as plain JSON.
        dataset: what results say of the data.
        recipe: what results say of the training.
        losses: the losses of the user, or None.
        note: a sentence on what the budget decided, or "".
    """

    setting: Setting
    methods: tuple[Method, ...]
    seeds: tuple[int, ...]
    shared_identity: dict[str, Any]
    dataset: dict[str, Any]
    recipe: dict[str, Any]
    losses: Mapping[str, Any] | Sequence[str] | None
    note: str = ""

    @functools.cached_property
    def _runs(self) -> list[BaseRun]:
        return [
            self._run(method, seed) for seed in self.seeds for method in self.methods
        ]

    def runs(self) -> Sequence[BaseRun]:
        """See `BasePlan`."""
        return self._runs

    def _run(self, method: Method, seed: int) -> BaseRun:
        identity = {**self.shared_identity, "method": method.name, "seed": seed}
        if isinstance(method, TrainedMethod):
            loss = method.make_loss(self.setting.problem.class_counts)
            identity |= {
                "loss": describe_loss(loss),
                "code_of_loss": digest_of_code(loss),
                "starts_at_prior": method.starts_at_prior,
                "after": [],
            }
            if method.optimizer is not None:
                identity["optimizer"] = describe_optimizer(method.optimizer)
            return TrainedRun(self.setting, method, seed, to_json(identity))
        base = self._run(method.base, seed)
        assert isinstance(base, TrainedRun)
        identity |= {
            "stage": method.stage,
            "metric": self.setting.metric,
            "after": [base.id],
        }
        return DerivedRun(self.setting, method, seed, to_json(identity), (base,))

    def describe(self) -> list[str]:
        """See `BasePlan`."""
        derived = [m for m in self.methods if isinstance(m, DerivedMethod)]
        lines = [
            self.dataset["description"],
            f"Losses: {len(self.methods) - len(derived)}, methods after training: "
            f"{len(derived)}, seeds: {len(self.seeds)}, epochs: {self.setting.epochs}; "
            f"backend {keras.backend.backend()}.",
        ]
        notes = (self.dataset[name] for name in ("shared_examples", "few_examples"))
        return [*lines, *filter(None, (*notes, self.note))]

    def entries(self) -> dict[str, Any]:
        """See `BasePlan`."""
        kind = self.setting.problem.kind
        return {
            "dataset": self.dataset,
            "recipe": self.recipe,
            "options": {},
            "methods": [self._entry(method) for method in self.methods],
            "metric": self.setting.metric,
            "metrics": METRICS_OF_KIND[kind],
            "split": self.setting.measured[-1],
            "baseline": self.methods[0].name,
        }

    def _entry(self, method: Method) -> dict[str, Any]:
        base = method if isinstance(method, TrainedMethod) else method.base
        loss = base.make_loss(self.setting.problem.class_counts)
        entry = {
            "name": method.name,
            "title": method.title,
            "source": method.source,
            "loss": describe_loss(loss),
            **({"starts_at_prior": True} if base.starts_at_prior else {}),
        }
        rebalancing = find_rebalancing(SimpleNamespace(loss=loss))
        if rebalancing is not None:
            entry["trained_prior"] = rebalancing.trained_prior
        return entry if base is method else {**entry, "derived_from": base.name}

    def __getstate__(self) -> dict[str, Any]:
        # Methods hold local functions, which cannot be pickled for other processes.
        names = [method.name for method in self.methods]
        state = {key: value for key, value in vars(self).items() if key != "_runs"}
        return {**state, "methods": names}

    def __setstate__(self, state: dict[str, Any]) -> None:
        problem = state["setting"].problem
        methods = find_methods(problem, state["losses"], state["methods"])
        self.__dict__.update({**state, "methods": tuple(methods)})
