"""Comparisons on own data that are killed, or divided, end as if they were not."""

import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import own_process
import pytest
from own_data import measured

from keras_ccar.benchmark import Comparison
from keras_ccar.benchmark.training import run_backup

pytestmark = pytest.mark.slow
KILLS = 4
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


def test_a_training_goes_on_in_its_middle(undisturbed, tmp_path, monkeypatch):
    """Stopped by an error of the outside, and begun again."""
    monkeypatch.setattr(run_backup, "SECONDS_BETWEEN", 0.0)
    trained = []

    def stop_after(epochs):
        def on_train_batch_end(self, batch, logs=None):
            trained.append(self._epoch)
            if epochs is not None and self._epoch >= epochs:
                raise KeyboardInterrupt
            done = batch + 1
            self._on_progress(self._epoch, done - self._done)
            self._done = done

        return on_train_batch_end

    from keras_ccar.benchmark.training.loop import StepCounter

    with monkeypatch.context() as patched:
        patched.setattr(StepCounter, "on_train_batch_end", stop_after(30))
        with pytest.raises(KeyboardInterrupt):
            own_process.main(tmp_path)
    assert max(trained) == 30
    trained.clear()
    monkeypatch.setattr(StepCounter, "on_train_batch_end", stop_after(None))
    comparison, failed = own_process.main(tmp_path)
    assert failed == []
    assert trained[0] == 30
    assert measured(comparison) == undisturbed
