"""The runs of a comparison on the user's own data."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from keras_ccar.benchmark.comparison import RunEntry
from keras_ccar.benchmark.own_data.after_training.derived_rows import (
    STAGES,
    DerivedMethod,
)
from keras_ccar.benchmark.own_data.planning.loss_choice import TrainedMethod
from keras_ccar.benchmark.own_data.training.muted_warnings import quiet
from keras_ccar.benchmark.own_data.training.saved_models import model_path, save_model
from keras_ccar.benchmark.own_data.training.train import (
    Setting,
    describe_outcome,
    train_run,
)
from keras_ccar.benchmark.runner.plan_base import BaseRun, OnProgress
from keras_ccar.benchmark.statistics.columns import METRICS_OF_KIND
from keras_ccar.benchmark.training.run_backup import RunBackup


class OwnRun(BaseRun):
    """A run of a comparison on the user's own data.

    Attributes:
        setting: what all runs of the comparison share.
    """

    setting: Setting

    @property
    def num_classes(self) -> int:
        """See `BaseRun`."""
        return len(self.setting.problem.class_names)

    @property
    def metric(self) -> str:
        """See `BaseRun`."""
        return self.setting.metric

    @property
    def metrics(self) -> Mapping[str, str]:
        """See `BaseRun`."""
        return METRICS_OF_KIND[self.setting.problem.kind]


@dataclass(frozen=True)
class TrainedRun(OwnRun):
    """A training of the user's model with one loss and one seed."""

    setting: Setting
    method: TrainedMethod
    seed: int
    identity: dict[str, Any]
    depends_on: tuple[BaseRun, ...] = ()

    @property
    def epochs(self) -> int:
        """See `BaseRun`."""
        return self.setting.epochs

    @property
    def steps_per_epoch(self) -> int:
        """See `BaseRun`."""
        return self.setting.splits["train"].num_batches

    def is_kept(self, folder: str | Path) -> bool:
        """See `BaseRun`."""
        return (Path(folder) / model_path(self.file_name)).exists()

    def train(
        self,
        earlier: Sequence[RunEntry],
        folder: Path,
        on_progress: OnProgress,
        backup: RunBackup,
    ) -> dict[str, Any]:
        """See `BaseRun`."""
        return train_run(
            self.setting,
            self.method,
            self.seed,
            folder,
            self.file_name,
            on_progress,
            backup,
        )

    def load(self, folder: Path) -> keras.Model:
        """Returns the model of the finished run, compiled as in training."""
        model = self.setting.build(self.method, self.seed)
        with quiet():  # The optimizer was not kept.
            model.load_weights(folder / model_path(self.file_name))
        return model


@dataclass(frozen=True)
class DerivedRun(OwnRun):
    """What is done with the model of a run that was trained anyway."""

    setting: Setting
    method: DerivedMethod
    seed: int
    identity: dict[str, Any]
    depends_on: tuple[TrainedRun]

    # It takes seconds, and counts as one step.
    epochs = 1
    steps_per_epoch = 1

    def is_kept(self, folder: str | Path) -> bool:
        """See `BaseRun`."""
        path = Path(folder) / model_path(self.file_name)
        return self.method.stage == "thresholds" or path.exists()

    def train(
        self,
        earlier: Sequence[RunEntry],
        folder: Path,
        on_progress: OnProgress,
        backup: RunBackup,
    ) -> dict[str, Any]:
        """See `BaseRun`."""
        (base,), (record,) = self.depends_on, earlier
        if record["status"] != "finished":
            raise RuntimeError(
                f"{self.method.name} needs a finished run of {base.method.name}, seed "
                f"{self.seed}, which failed: {record['error']}"
            )
        begun = time.perf_counter()
        model = base.load(folder)
        stage = STAGES[self.method.stage]
        result = stage.apply(self.setting, model, self.seed)
        outcome = describe_outcome(
            self.setting, result.predictions, result.answers, result.chosen
        )
        name = record["model"]
        if result.model is not None:
            name = save_model(result.model, folder, self.file_name)
        on_progress(0, 1)
        seconds = round(time.perf_counter() - begun, 2)
        return {**outcome, "model": name, "seconds": seconds}
