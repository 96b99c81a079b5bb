"""One run of a comparison on a data set of the package."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_ccar.benchmark.comparison import RunEntry
from keras_ccar.benchmark.runner.plan_base import BaseRun, OnProgress
from keras_ccar.benchmark.spec.controls import resolve_settings
from keras_ccar.benchmark.spec.loss_options import LossOptions
from keras_ccar.benchmark.spec.methods import Method
from keras_ccar.benchmark.spec.recipes import Recipe
from keras_ccar.benchmark.training.loop import train_and_evaluate
from keras_ccar.benchmark.training.run_backup import RunBackup
from keras_ccar.datasets import LongTailedData


@dataclass(frozen=True)
class Run(BaseRun):
    """One training: a method under a recipe with a seed.

    Attributes:
        identity: everything on which the result depends, as plain JSON.
        depends_on: runs whose results decide settings of this one.
    """

    method: Method
    seed: int
    data: LongTailedData
    recipe: Recipe
    options: LossOptions
    identity: dict[str, Any]
    depends_on: tuple["Run", ...] = ()

    @property
    def epochs(self) -> int:
        """See `BaseRun`."""
        return self.recipe.epochs

    @property
    def steps_per_epoch(self) -> int:
        """See `BaseRun`."""
        return self.recipe.steps_per_epoch(int(self.data.class_counts.sum()))

    @property
    def num_classes(self) -> int:
        """See `BaseRun`."""
        return len(self.data.class_counts)

    def train(
        self,
        earlier: Sequence[RunEntry],
        folder: Path,
        on_progress: OnProgress,
        backup: RunBackup,
    ) -> dict[str, Any]:
        """See `BaseRun`."""
        recipe, options, resolved = resolve_settings(self, earlier)
        outcome = train_and_evaluate(
            self.data, recipe, self.method, options, self.seed, on_progress, backup
        )
        return outcome | resolved
