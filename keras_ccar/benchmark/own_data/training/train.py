"""Trains the user's model with one loss and one seed, and measures it."""

import dataclasses
from collections.abc import Container
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_ccar.benchmark.own_data.after_training.temperature import calibration_of
from keras_ccar.benchmark.own_data.data import OwnData
from keras_ccar.benchmark.own_data.planning.loss_choice import TrainedMethod
from keras_ccar.benchmark.own_data.planning.problem import Problem
from keras_ccar.benchmark.own_data.training.measurement import measure
from keras_ccar.benchmark.own_data.training.model_building import ModelBuilder
from keras_ccar.benchmark.own_data.training.saved_models import save_model
from keras_ccar.benchmark.own_data.training.seeded_arrays import SeededArrays
from keras_ccar.benchmark.own_data.training.training_parts import new_callbacks
from keras_ccar.benchmark.runner.plan_base import OnProgress
from keras_ccar.benchmark.training.evaluation import DECIMALS
from keras_ccar.benchmark.training.loop import (
    StepCounter,
    StopAtBadLoss,
    check_converged,
)
from keras_ccar.benchmark.training.run_backup import RunBackup, TrainingRecorder
from keras_ccar.initializers import PriorBias
from keras_ccar.posthoc.data.predictions import Predictions, predict
from keras_ccar.posthoc.retraining.classifier_head import find_classifier_head

# Columns of a comparison beside those that are measured.
_OTHER_NUMBERS = ("mean_weight", "method", "seconds", "seed")


class Setting:
    """What all runs of a comparison share.

    Attributes:
        builder: makes the models.
        problem: what they are trained for.
        splits: the data by name: "train", "validation" and perhaps "test".
        metric: the column that decides which method is best.
        epochs, batch_size: of each training.
        callbacks: of each training, as the user gave them.
    """

    def __init__(
        self,
        builder: ModelBuilder,
        problem: Problem,
        splits: dict[str, OwnData],
        metric: str,
        epochs: int,
        batch_size: int,
        callbacks: Any,
    ) -> None:
        self.builder = builder
        self.problem = problem
        self.splits = splits
        self.metric = metric
        self.epochs = epochs
        self.batch_size = batch_size
        self.callbacks = callbacks

    @property
    def measured(self) -> list[str]:
        """The names of the splits that are measured."""
        return [name for name in ("validation", "test") if name in self.splits]

    @property
    def can_resume(self) -> bool:
        """Whether a training may go on in its middle, and end with the same numbers.

        Callbacks have a state of their own, and batches from outside an order.
        """
        return self.splits["train"].is_in_memory and self.callbacks is None

    def build(self, method: TrainedMethod, seed: int) -> keras.Model:
        """Returns a new compiled model."""
        problem = self.problem
        loss = method.make_loss(problem.class_counts)
        builder = self.builder
        if method.optimizer is not None:
            builder = dataclasses.replace(builder, optimizer=method.optimizer)
        model = builder.build(loss, seed, self.splits["train"].first_inputs)
        if method.starts_at_prior:
            bias = find_classifier_head(model).layer.bias
            bias.assign(PriorBias(problem.class_counts)(bias.shape))
        return model

    def predict(self, model: keras.Model, split: str) -> Predictions:
        """Returns the predictions for a split, and its labels."""
        data, problem = self.splits[split], self.problem
        return predict(
            model,
            data.open(),
            problem.counts,
            name=split,
            from_logits=problem.from_logits,
            **problem.ignoring,
            batch_size=self.batch_size if data.is_in_memory else None,
        )


def train_run(
    setting: Setting,
    method: TrainedMethod,
    seed: int,
    folder: Path,
    file_name: str,
    on_progress: OnProgress,
    backup: RunBackup,
) -> dict[str, Any]:
    """Trains a model, keeps it, and returns what the record of the run holds.

    Raises:
        FloatingPointError: if the loss or a weight became infinite or NaN.
    """
    model = setting.build(method, seed)
    recorder = TrainingRecorder()
    fit(model, setting, seed, recorder, on_progress, backup)
    check_converged(model, recorder.losses, _hint(setting.problem))
    predictions = {name: setting.predict(model, name) for name in setting.measured}
    outcome = describe_outcome(setting, predictions)
    for name in setting.measured:
        measured = user_metrics(model, setting, name, outcome["splits"][name])
        if measured:
            outcome["splits"][name]["user_metrics"] = measured
            outcome["user_metrics"] = measured
    return {
        **outcome,
        "model": save_model(model, folder, file_name),
        "seconds": round(recorder.seconds, 2),
        "history": {"loss": np.round(recorder.losses, DECIMALS).tolist()},
    }


def _hint(problem: Problem) -> str:
    """Returns what else than its learning rate may have made a loss NaN, or ""."""
    value = problem.unknown.ignore_value
    if value is not None and value != value:
        return "leave the unknown labels, which are NaN, out of the loss, or "
    return ""


def fit(
    model: keras.Model,
    setting: Setting,
    seed: int,
    recorder: TrainingRecorder,
    on_progress: OnProgress,
    backup: RunBackup | None = None,
    extra: list[keras.callbacks.Callback] | None = None,
) -> None:
    """Fits a compiled model to the training data; the arguments are of `train_run`."""
    batches = setting.splits["train"].batches(seed)
    callbacks: list[keras.callbacks.Callback] = [StopAtBadLoss()]
    if isinstance(batches, SeededArrays):
        ordered = batches  # for the type of the name within the function

        def begin_epoch(epoch: int, logs: Any) -> None:
            ordered.begin_epoch(epoch)

        callbacks.append(keras.callbacks.LambdaCallback(on_epoch_begin=begin_epoch))
    own = new_callbacks(setting.callbacks)
    if backup is not None and setting.can_resume:
        backup.recorder = recorder
        callbacks.append(backup)
    held_out = None
    if own:
        # They may watch it; nothing else needs it while training.
        held_out = setting.splits["validation"].open()
    model.fit(
        batches,
        epochs=setting.epochs,
        shuffle=False,
        verbose=0,
        validation_data=held_out,
        callbacks=[
            *callbacks,
            recorder,
            *own,
            StepCounter(on_progress),
            *(extra or []),
        ],
    )


def describe_outcome(
    setting: Setting,
    predictions: dict[str, Predictions],
    answers: dict[str, np.ndarray] | None = None,
    chosen: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Returns the measurements of a run.

    Args:
        setting: of the comparison.
        predictions: for each split that is measured.
        answers: decisions for each of them; see `measure`.
        chosen: what was chosen on the validation data.
    """
    splits = {}
    for name, predicted in predictions.items():
        decided = None if answers is None else answers[name]
        splits[name], recalls = measure(predicted, setting.problem, decided)
    top = splits[setting.measured[-1]]
    return {
        **top,
        "per_class_accuracy": recalls,
        "splits": splits,
        "chosen": {
            **(chosen or {}),
            **calibration_of(predictions["validation"], setting.problem),
        },
    }


def user_metrics(
    model: keras.Model, setting: Setting, split: str, measured: Container[str]
) -> dict[str, float]:
    """Returns the user's own metrics on a split.

    Those with the name of another number of the run, as `measured` has them, get
    `user_` before it: `ShotAccuracy` may have other limits than the benchmark.
    """
    if not setting.builder.metrics:
        return {}
    data = setting.splits[split]
    opened = data.open()
    if data.is_in_memory:
        x, y, *weights = opened
        found = model.evaluate(
            x,
            y,
            batch_size=setting.batch_size,
            sample_weight=weights[0] if weights else None,
            verbose=0,
            return_dict=True,
        )
    else:
        found = model.evaluate(opened, verbose=0, return_dict=True)
    return {
        f"user_{name}" if name in measured or name in _OTHER_NUMBERS else name: round(
            float(value), DECIMALS
        )
        for name, value in found.items()
        if name != "loss" and np.ndim(value) == 0
    }
