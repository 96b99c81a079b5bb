"""How many seeds and epochs fit into a given time."""

import inspect
import json
import time
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
from rich.console import Console

from keras_ccar.benchmark.own_data.planning.loss_choice import TrainedMethod
from keras_ccar.benchmark.own_data.training.muted_warnings import quiet
from keras_ccar.benchmark.own_data.training.train import Setting, describe_outcome, fit
from keras_ccar.benchmark.runner.folder_lock import on_first_host
from keras_ccar.benchmark.training.run_backup import TrainingRecorder
from keras_ccar.files import read_json, to_json, write_json
from keras_ccar.losses import BinaryLongTailedCrossentropy, LongTailedCrossentropy
from keras_ccar.posthoc.retraining.classifier_head import find_classifier_head
from keras_ccar.posthoc.retraining.head_training import HeadExamples, HeadTraining
from keras_ccar.posthoc.retraining.second_stage import retrain_classifier

BUDGET_FILE = "budget.json"
# Fewer seeds give no interval worth having, so epochs are cut before.
_FEWEST_SEEDS = 3
# Trial steps end after this time, or this share of the budget if that is less.
_SECONDS, _SHARE = 10.0, 0.05
# Enough to tell a step of the last layer from the beginning of its training.
_HEAD_STEPS = 100


class Fit(NamedTuple):
    """What fits.

    Attributes:
        seeds: number of seeds.
        epochs: number of epochs.
        note: a sentence about it, "" without a budget.
    """

    seeds: int
    epochs: int
    note: str = ""


class Speed(NamedTuple):
    """How long the parts of a run take, in seconds; `second_stage` is that of cRT."""

    begin: float
    step: float
    end: float
    second_stage: float = 0.0


def fit_budget(
    setting: Setting,
    methods: Any,
    request: Any,
    seeds: int,
    shared: dict[str, Any],
    console: Console,
) -> Fit:
    """Measures the speed of one run, and returns what fits into the budget.

    The decision is written to the folder, so that the same call goes on with the same
    plan however fast the machine is then.
    """
    path = Path(request.folder) / BUDGET_FILE
    asked = to_json(
        {
            "budget": request.budget,
            "seeds": seeds,
            "epochs": setting.epochs,
            "methods": [method.name for method in methods],
            "identity": shared,
        }
    )
    asked = json.loads(json.dumps(asked))
    try:
        decided = read_json(path)
        if decided["asked"] == asked:
            return Fit(decided["seeds"], decided["epochs"], decided["note"])
    except (FileNotFoundError, KeyError, TypeError, ValueError):
        pass
    trained = [method for method in methods if isinstance(method, TrainedMethod)]
    console.print("Measuring how long a run takes.")
    retrained = [m for m in methods if getattr(m, "stage", "") == "crt"]
    speed = measure_speed(setting, trained[0], request.budget, bool(retrained))
    chosen = choose(
        request.budget,
        speed,
        num_trained=len(trained),
        num_derived=len(methods) - len(trained),
        num_retrained=len(retrained),
        steps=setting.splits["train"].num_batches,
        seeds=seeds,
        epochs=setting.epochs,
    )
    on_first_host(write_json, path, {**chosen._asdict(), "asked": asked})
    return chosen


def choose(
    budget: float,
    speed: Speed,
    *,
    num_trained: int,
    num_derived: int,
    steps: int,
    seeds: int,
    epochs: int,
    num_retrained: int = 0,
) -> Fit:
    """Returns the seeds and epochs that fit, at least one of each.

    Args:
        budget: seconds.
        speed: of one run.
        num_trained: methods that are trained.
        num_derived: methods that take the models of others.
        steps: steps of an epoch.
        seeds: the seeds that were asked for.
        epochs: the epochs that were asked for.
        num_retrained: how many of the derived methods train the last layer anew, for
            epochs of their own.
    """
    fixed = num_trained * (speed.begin + speed.end) + num_derived * (
        speed.begin + 2 * speed.end
    )
    fixed += num_retrained * speed.second_stage
    epoch = num_trained * steps * speed.step

    def seconds(some_seeds: int, some_epochs: int) -> float:
        return some_seeds * (fixed + some_epochs * epoch)

    fitting = int(budget // seconds(1, epochs))
    some_seeds, some_epochs = min(seeds, fitting), epochs
    fewest = min(seeds, _FEWEST_SEEDS)
    if fitting < fewest:
        some_seeds = fewest
        some_epochs = int((budget / fewest - fixed) // epoch)
        while some_epochs < 1 and some_seeds > 1:
            some_seeds -= 1
            some_epochs = int((budget / some_seeds - fixed) // epoch)
        some_epochs = min(epochs, max(1, some_epochs))
    total = seconds(some_seeds, some_epochs)
    note = (
        f"Into the budget of {_words(budget)} fit {some_seeds} of {seeds} seeds with "
        f"{some_epochs} of {epochs} epochs: about {_words(total)}."
    )
    if total > budget:
        note = (
            f"The budget of {_words(budget)} is too small. The least, one seed and one "
            f"epoch of each method, takes about {_words(total)}."
        )
    return Fit(some_seeds, some_epochs, note)


def measure_speed(
    setting: Setting, method: TrainedMethod, budget: float, is_retrained: bool = False
) -> Speed:
    """Trains a few steps of one run, and measures it as at the end of a run.

    Args:
        setting: what all runs share.
        method: the method whose run is tried.
        budget: seconds.
        is_retrained: whether the last layer of its models is trained anew.
    """
    begun = time.perf_counter()
    model = setting.build(method, 0)
    clock = _Clock(min(_SECONDS, _SHARE * budget))
    epochs, setting.epochs = setting.epochs, 1
    try:
        fit(model, setting, 0, TrainingRecorder(), lambda *_: None, extra=[clock])
    finally:
        setting.epochs = epochs
    trained = time.perf_counter()
    with quiet():
        predicted = {name: setting.predict(model, name) for name in setting.measured}
        describe_outcome(setting, predicted)
    end = time.perf_counter() - trained
    step = (clock.last - clock.first) / max(1, clock.steps - 1)
    if clock.steps == 1:
        step = clock.first - clock.begun
    speed = Speed(clock.first - begun, step, end)
    if not is_retrained:
        return speed
    # The features of the training data are computed once, as those that are measured.
    measured = sum(len(setting.splits[name].labels) for name in setting.measured)
    features = end * len(setting.splits["train"].labels) / measured
    return speed._replace(second_stage=features + _time_second_stage(setting, model))


def _time_second_stage(setting: Setting, model: keras.Model) -> float:
    """Returns the seconds of the epochs of cRT, from those of two short trainings."""
    layer = find_classifier_head(model).layer
    shape = layer.input.shape[1:]
    problem = setting.problem
    loss = (
        BinaryLongTailedCrossentropy(None, from_logits=True)
        if problem.are_labels
        else LongTailedCrossentropy(None, from_logits=True)
    )
    seconds = []
    for steps in (1, 1 + _HEAD_STEPS):
        number = steps * setting.batch_size
        labels = np.arange(number) % max(2, layer.units)
        features = np.zeros((number, *shape), "float32")
        training = HeadTraining(1, setting.batch_size, None, 0, 0)
        begun = time.perf_counter()
        with quiet():
            training.train_anew(layer, HeadExamples(features, labels, None), loss)
        seconds.append(time.perf_counter() - begun)
    step = max(0.0, seconds[1] - seconds[0]) / _HEAD_STEPS
    epochs = inspect.signature(retrain_classifier).parameters["epochs"].default
    return seconds[0] + epochs * setting.splits["train"].num_batches * step


class _Clock(keras.callbacks.Callback):
    """Notes the times of the first and the last step, and ends the training early."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds
        self.begun = self.first = self.last = 0.0
        self.steps = 0

    def on_train_begin(self, logs: Any = None) -> None:
        self.begun = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.last = time.perf_counter()
        self.first = self.first or self.last
        self.steps += 1
        if self.last - self.first > self._seconds:
            self.model.stop_training = True


def _words(seconds: float) -> str:
    """Returns a time in words."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
