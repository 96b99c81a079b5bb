"""Comparisons on own data that are killed, or divided, end as if they were not."""

import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import own_process
import pytest
from own_data import classes, compare, measured

from keras_ccar.benchmark import Comparison
from keras_ccar.benchmark.training import run_backup
from keras_ccar.benchmark.training.loop import StepCounter

pytestmark = pytest.mark.slow
KILLS = 2
PATIENCE = 600


def begin(folder, parallel=1):
    path = pathlib.Path(own_process.__file__)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with open(folder.with_suffix(".log"), "a") as log:
        return subprocess.Popen(
            [sys.executable, str(path), str(folder), str(parallel)],
            env=environment,
            stdout=log,
            stderr=log,
        )


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    comparison, failed = own_process.main(tmp_path_factory.mktemp("undisturbed"))
    assert failed == []
    return measured(comparison)


def test_killed_again_and_again(undisturbed, tmp_path):
    folder = tmp_path / "killed"
    rng = random.Random(0)
    killed = 0
    while killed < KILLS:
        before = len(list(folder.glob("runs/*.json")))
        process = begin(folder)
        deadline = time.monotonic() + PATIENCE
        # Each one comes a little further than the one before.
        while len(list(folder.glob("runs/*.json"))) <= before:
            if process.poll() is not None or time.monotonic() > deadline:
                break
            time.sleep(0.05)
        time.sleep(3 * rng.random())
        if process.poll() is not None:
            break
        process.send_signal(signal.SIGKILL)
        process.wait()
        killed += 1
    assert killed
    assert begin(folder).wait(PATIENCE) == 0
    assert measured(Comparison.read(folder)) == undisturbed


def test_processes_side_by_side_give_the_same_numbers(undisturbed, tmp_path):
    folder = tmp_path / "parallel"
    assert begin(folder, parallel=2).wait(PATIENCE) == 0
    assert measured(Comparison.read(folder)) == undisturbed


def stop_in(monkeypatch, epoch):
    """Stops the training in an epoch, None for never; notes the epochs trained."""
    trained = []
    report = StepCounter.on_train_batch_end

    def on_train_batch_end(self, batch, logs=None):
        trained.append(self._epoch)
        if epoch is not None and self._epoch >= epoch:
            raise KeyboardInterrupt
        report(self, batch, logs)

    monkeypatch.setattr(StepCounter, "on_train_batch_end", on_train_batch_end)
    return trained


def test_a_training_goes_on_in_its_middle(undisturbed, tmp_path, monkeypatch):
    """Stopped by an error of the outside, and begun again."""
    monkeypatch.setattr(run_backup, "SECONDS_BETWEEN", 0.0)
    with monkeypatch.context() as patched:
        trained = stop_in(patched, 30)
        with pytest.raises(KeyboardInterrupt):
            own_process.main(tmp_path)
    assert max(trained) == 30
    trained = stop_in(monkeypatch, None)
    comparison, failed = own_process.main(tmp_path)
    assert failed == []
    assert trained[0] == 30
    assert measured(comparison) == undisturbed


class Shuffled(keras.utils.PyDataset):
    """Batches that a state of their own shuffles after each epoch."""

    def __init__(self, seed):
        super().__init__()
        self.x, self.y = classes()
        self.random = np.random.default_rng(seed)
        self.on_epoch_end()

    @property
    def num_batches(self):
        return 7

    def __getitem__(self, index):
        part = self.order[10 * index : 10 * index + 10]
        return self.x[part], self.y[part]

    def on_epoch_end(self):
        self.order = self.random.permutation(len(self.y))


def new_callbacks():
    return [keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)]


@pytest.mark.parametrize(
    "changes",
    [{"train": lambda seed: Shuffled(seed)}, {"callbacks": new_callbacks}],
    ids=["batches", "callbacks"],
)
def test_what_cannot_go_on_begins_again(changes, tmp_path, monkeypatch):
    """Of batches and callbacks, a run that was under way does; finished ones stay."""
    monkeypatch.setattr(run_backup, "SECONDS_BETWEEN", 0.0)
    arguments = {"epochs": 5, "seeds": 1, **changes}
    expected, _ = compare(tmp_path / "undisturbed", **arguments)
    with monkeypatch.context() as patched:
        stop_in(patched, 3)
        with pytest.raises(KeyboardInterrupt):
            compare(tmp_path / "stopped", **arguments)
    trained = stop_in(monkeypatch, None)
    comparison, failed = compare(tmp_path / "stopped", **arguments)
    assert failed == []
    assert trained[0] == 0
    assert measured(comparison) == measured(expected)
