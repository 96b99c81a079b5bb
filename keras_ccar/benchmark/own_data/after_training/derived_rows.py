"""The rows of a comparison that take the models of another row."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from keras_ccar.benchmark.own_data.after_training.stages import (
    StageResult,
    correct,
    decide_by_thresholds,
    has_dense_head,
    normalise,
    retrain,
)
from keras_ccar.benchmark.own_data.planning.columns import LABELS
from keras_ccar.benchmark.own_data.planning.loss_choice import (
    TrainedMethod,
    default_methods,
    named_methods,
)
from keras_ccar.benchmark.own_data.planning.problem import Problem
from keras_ccar.benchmark.own_data.training.train import Setting

_ADJUSTMENT_PAPER = "Menon et al. 2021, arXiv 2007.07314"
_DECOUPLING_PAPER = "Kang et al. 2020, arXiv 1910.09217"


@dataclass(frozen=True)
class DerivedMethod:
    """A row of the comparison that takes the models of another row.

    Attributes:
        base: the method whose models it takes.
        stage: what is done with them: a key of `STAGES`.
    """

    base: TrainedMethod
    stage: str

    @property
    def name(self) -> str:
        """The name of the row."""
        return f"{self.base.name}+{self.stage}"

    @property
    def title(self) -> str:
        """What tables and sentences call it."""
        return f"{self.base.title}, then {STAGES[self.stage].words}"

    @property
    def source(self) -> str:
        """Where it comes from."""
        return STAGES[self.stage].source


@dataclass(frozen=True)
class Stage:
    """What is done after training: a function, words and a source."""

    apply: Callable[[Setting, keras.Model, int], StageResult]
    words: str
    source: str


STAGES = {
    "tau": Stage(correct, "a correction with chosen τ", _ADJUSTMENT_PAPER),
    "tau-norm": Stage(normalise, "τ-normalisation", _DECOUPLING_PAPER),
    "crt": Stage(retrain, "the last layer trained anew (cRT)", _DECOUPLING_PAPER),
    "thresholds": Stage(
        decide_by_thresholds, "chosen thresholds", "Lipton et al. 2014, arXiv 1402.1892"
    ),
}


Method = TrainedMethod | DerivedMethod
Losses = Mapping[str, Any] | Sequence[str] | None


def choose_methods(
    problem: Problem, losses: Losses, model: keras.Model
) -> list[Method]:
    """Returns the methods of a comparison: trained ones, then derived ones.

    The derived ones take the models of the first loss.

    Args:
        problem: what is trained for.
        losses: those of the user, names of some of a sensible set, or None for all of
            these.
        model: a new model, which tells what can be done with it.
    """
    head = has_dense_head(model)
    trained = all_trained(problem, losses)
    if losses is None and (head is None or not head.layer.use_bias):
        trained = [method for method in trained if not method.starts_at_prior]
    stages = ["thresholds"] if problem.are_labels else ["tau"]
    if head is not None and problem.kind != LABELS:
        stages += ["crt"] if problem.are_labels else ["tau-norm", "crt"]
    return [*trained, *(DerivedMethod(trained[0], stage) for stage in stages)]


def all_trained(problem: Problem, losses: Losses) -> list[TrainedMethod]:
    """Returns the methods that are trained, also those that do not fit the model."""
    if isinstance(losses, Mapping):
        return named_methods(losses)
    known = {method.name: method for method in default_methods(problem)}
    return [known[name] for name in (known if losses is None else losses)]


def find_methods(problem: Problem, losses: Losses, names: list[str]) -> list[Method]:
    """Returns the methods of these names, in another process."""
    trained = all_trained(problem, losses)
    found: dict[str, Method] = {method.name: method for method in trained}
    for stage in STAGES:
        method = DerivedMethod(trained[0], stage)
        found.setdefault(method.name, method)
    return [found[name] for name in names]
