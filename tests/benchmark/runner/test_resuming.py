"""Comparisons that are killed, interrupted, or lose a process, end as if they were not.

With real processes and real signals.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time

import keras
import pandas as pd
import pytest
from compare_process import COMMAND, worker_ids
from small_preset import write_preset

from keras_ccar import datasets
from keras_ccar.benchmark.cli import main
from keras_ccar.benchmark.spec.methods import METHODS

DIGITS = ("compare", "digits-lt", "--methods", "ce", "ce×c", "--seeds", "1")
DIGITS += ("--epochs", "30", "--batch-size", "60")
PATIENCE = 600

pytestmark = pytest.mark.slow
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def table(folder):
    """The results without what differs between two of the same."""
    rows = pd.read_csv(folder / "results.csv")
    return rows.drop(columns=["seconds", "commit"])


def runs(folder):
    differing = ("seconds", "date", "environment")
    records = json.loads((folder / "results.json").read_text())["runs"]
    return [{k: v for k, v in run.items() if k not in differing} for run in records]


def begin(arguments, folder, *more):
    with open(folder.with_suffix(".log"), "a") as log:
        return subprocess.Popen(
            [*COMMAND, *arguments, *more, "--output", str(folder)],
            stdout=log,
            stderr=log,
        )


def log_of(folder):
    return folder.with_suffix(".log").read_text()


def wait_for(condition, process, folder):
    """Waits until the condition holds; returns False if the process ended before."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if process.poll() is not None:
            return False
        assert time.monotonic() < deadline, log_of(folder)
        time.sleep(0.01)
    return True


def backups(checkpoints, runs="*"):
    """The backups of unfinished runs; their names tell the epoch."""
    try:
        return set(checkpoints.glob(f"{runs}/epoch-*.h5"))
    except FileNotFoundError:  # A run has just finished.
        return set()


def kill_until_done(arguments, folder, kills, choose, patience=PATIENCE):
    """Kills a comparison after a few epochs, a number of times; then lets it finish."""
    checkpoints = folder / "checkpoints"

    for _ in range(kills):
        process = begin(arguments, folder)
        for _ in range(choose.randint(1, 3)):
            before = backups(checkpoints)
            wait_for(
                lambda before=before: backups(checkpoints) != before, process, folder
            )
        time.sleep(choose.random() * 0.1)
        process.kill()
        process.wait()
    process = begin(arguments, folder)
    assert process.wait(patience) == 0, log_of(folder)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    assert main([*DIGITS, "--output", str(folder)]) == 0
    return folder


def test_killed_again_and_again(undisturbed, tmp_path):
    folder = tmp_path / "killed"
    kill_until_done(DIGITS, folder, kills=3, choose=random.Random(5))
    pd.testing.assert_frame_equal(table(folder), table(undisturbed))
    assert runs(folder) == runs(undisturbed)
    assert "goes on after epoch" in log_of(folder)
    names = {path.name for path in folder.rglob("*")}
    assert names == {path.name for path in undisturbed.rglob("*")}


def test_a_tuned_backbone_that_is_killed(tmp_path):
    keras.utils.set_random_seed(7)
    preset = write_preset(tmp_path / "preset", 16, 1 / 127.5, -1.0, stages=2)
    words = ("compare", "digits-lt", "--recipe", "pretrained-tune", "--seeds", "1")
    words += ("--backbone", preset, "--methods", "la", "--epochs", "12")
    words += ("--batch-size", "60", "--no-tune-learning-rate")
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    assert main([*words, "--output", str(undisturbed)]) == 0
    kill_until_done(words, killed, kills=2, choose=random.Random(7))
    assert "goes on after epoch" in log_of(killed)
    pd.testing.assert_frame_equal(table(killed), table(undisturbed))
    assert runs(killed) == runs(undisturbed)


@linux
def test_a_process_that_dies_costs_its_own_run_only(undisturbed, tmp_path):
    folder = tmp_path / "parallel"
    checkpoints = folder / "checkpoints"
    process = begin(DIGITS, folder, "--parallel", "2")
    is_kept = wait_for(lambda: backups(checkpoints, "ce-*"), process, folder)
    assert is_kept, log_of(folder)
    # The first process has the first run.
    os.kill(worker_ids(process.pid)[0], signal.SIGKILL)
    assert process.wait(PATIENCE) == 1, log_of(folder)
    ce, control = runs(folder)
    assert ce["status"] == "failed"
    assert ce["error"].startswith(
        "ChildProcessError: its process was killed by SIGKILL"
    )
    # Divided cores do not change a digit.
    assert control == runs(undisturbed)[1]

    # It goes on from its checkpoint, now in a single process.
    assert [path.name[:3] for path in checkpoints.iterdir()] == ["ce-"]
    assert main([*DIGITS, "--output", str(folder)]) == 0
    pd.testing.assert_frame_equal(table(folder), table(undisturbed))
    assert runs(folder) == runs(undisturbed)
    assert not checkpoints.exists()


@linux
@pytest.mark.parametrize(
    "end", [pytest.param(signal.SIGINT, marks=pytest.mark.long), signal.SIGKILL]
)
def test_all_processes_end_with_the_first(end, tmp_path):
    folder = tmp_path / "endless"
    process = begin(DIGITS, folder, "--parallel", "2", "--epochs", "100000")
    checkpoints = folder / "checkpoints"
    at_work = wait_for(lambda: backups(checkpoints), process, folder)
    assert at_work, log_of(folder)
    workers = worker_ids(process.pid)
    assert len(workers) == 2
    # Meanwhile nobody else may use the folder.
    assert main([*DIGITS, "--output", str(folder)]) == 2
    # To the first process alone.
    process.send_signal(end)
    code = process.wait(PATIENCE)
    if end == signal.SIGINT:
        assert code == 130, log_of(folder)
        assert not any(os.path.exists(f"/proc/{worker}") for worker in workers)
    deadline = time.monotonic() + PATIENCE
    while any(os.path.exists(f"/proc/{worker}") for worker in workers):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert "Traceback" not in log_of(folder)


@pytest.mark.long
def test_real_cifar_killed_again_and_again(tmp_path):
    try:
        datasets.load("cifar100-lt", imbalance_factor=100)
    except (FileNotFoundError, ModuleNotFoundError) as error:
        pytest.skip(f"CIFAR-100 is not prepared: {error}")
    arguments = ("compare", "cifar100-lt", "--imbalance-factor", "100", "--recipe")
    arguments += ("plain", "--model", "resnet8", "--epochs", "2", "--seeds", "1")
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    assert begin(arguments, undisturbed).wait() == 0, log_of(undisturbed)
    # Two methods compute at τ = 1 the same as others.
    assert len(runs(undisturbed)) == len(METHODS) - 2
    kill_until_done(arguments, killed, kills=4, choose=random.Random(1), patience=3600)
    pd.testing.assert_frame_equal(table(killed), table(undisturbed))
    assert runs(killed) == runs(undisturbed)
