"""What the runner asks of a plan and of its runs, whatever they train."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_ccar.benchmark.comparison import METRICS, RunEntry
from keras_ccar.benchmark.spec.configurations import digest
from keras_ccar.benchmark.training.run_backup import RunBackup

# Increase when the meaning of a run file changes.
RUN_FORMAT = 2

# `on_progress(epoch, steps)`: the epoch, from 0, and the steps just done.
OnProgress = Callable[[int, int], Any]


class BaseRun:
    """One training: a method with a seed.

    Attributes:
        method: what is trained; its `name` is that of the row in tables.
        seed: decides the initial weights and the order of the batches.
        identity: everything on which the result depends, as plain JSON.
        depends_on: runs whose results decide settings of this one.
    """

    method: Any
    seed: int
    identity: dict[str, Any]
    depends_on: tuple[Any, ...]

    @property
    def id(self) -> str:
        """A digest of the identity."""
        return digest(self.identity)

    @property
    def file_name(self) -> str:
        """The name of the run's files without suffix, readable and unique."""
        method = re.sub(r"[^a-z0-9]+", "-", self.method_name).strip("-")
        return f"{method}-seed{self.seed}-{self.id}"

    @property
    def method_name(self) -> str:
        """The name of the method."""
        return str(self.method.name)

    @property
    def epochs(self) -> int:
        """The number of epochs."""
        raise NotImplementedError

    @property
    def steps_per_epoch(self) -> int:
        """The number of training steps of an epoch."""
        raise NotImplementedError

    @property
    def num_classes(self) -> int:
        """The number of classes, or of labels."""
        raise NotImplementedError

    @property
    def metric(self) -> str:
        """The column that its record must have."""
        return "balanced"

    @property
    def metrics(self) -> Mapping[str, str]:
        """Titles of the measured columns by name."""
        return METRICS

    def is_kept(self, folder: str | Path) -> bool:
        """Whether the folder has all that the run leaves beside its record."""
        return True

    def train(
        self,
        earlier: Sequence[RunEntry],
        folder: Path,
        on_progress: OnProgress,
        backup: RunBackup,
    ) -> dict[str, Any]:
        """Trains and measures, and returns what the record of the run holds.

        Args:
            earlier: the records of `depends_on`.
            folder: the folder of the comparison.
            on_progress: is called after each execution of steps.
            backup: of an unfinished training, which goes on from there.

        Raises:
            Exception: anything; it becomes the record of a failed run.
        """
        raise NotImplementedError


class BasePlan:
    """The runs of a comparison: every method with every seed.

    Attributes:
        seeds: the seeds of each method.
    """

    seeds: tuple[int, ...]

    def runs(self) -> Sequence[BaseRun]:
        """Returns the runs, seed by seed, so that all methods finish a seed early."""
        raise NotImplementedError

    def runs_with_dependencies(self) -> Sequence[BaseRun]:
        """Returns the runs and their dependencies, each once, dependencies first."""
        ordered: dict[str, BaseRun] = {}

        def add(run: BaseRun) -> None:
            for earlier in run.depends_on:
                add(earlier)
            ordered.setdefault(run.id, run)

        for run in self.runs():
            add(run)
        return list(ordered.values())

    def describe(self) -> list[str]:
        """Returns lines that say what is compared on which data."""
        raise NotImplementedError

    def entries(self) -> dict[str, Any]:
        """Returns the fields of the `Comparison` that do not come from its runs."""
        raise NotImplementedError
