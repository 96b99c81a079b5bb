"""Folders, tables and arrays: the same digits by command, in Python, side by side."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from own_data import compare_as_command
from PIL import Image

from keras_ccar.benchmark import Comparison
from keras_ccar.benchmark.cli import main
from keras_ccar.benchmark.sources.options import SourceOptions
from keras_ccar.benchmark.sources.read import read_data

pytestmark = pytest.mark.slow
COUNTS = {"ant": 24, "bee": 12, "owl": 6}
LABELS = np.repeat(list(COUNTS), list(COUNTS.values()))
PATIENCE = 600


def write_folder(folder):
    rng = np.random.default_rng(0)
    for number, (name, count) in enumerate(COUNTS.items()):
        (folder / "photos" / name).mkdir(parents=True)
        for place in range(count):
            pixels = rng.integers(0, 128, (12, 10, 3)) + 60 * number
            image = Image.fromarray(pixels.astype("uint8"))
            image.save(folder / "photos" / name / f"{place}.png")
    return folder / "photos", [], {}


def write_table(folder):
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"a": rng.normal(size=42), "b": rng.normal(size=42)})
    rows["b"] += LABELS == "owl"
    rows["size"] = np.where(LABELS == "ant", "small", "large")
    rows["kind"] = LABELS
    rows.to_csv(folder / "insects.csv", index=False)
    return folder / "insects.csv", ["--label", "kind"], {"label": ("kind",)}


def write_arrays(folder):
    x = np.random.default_rng(0).normal(size=(42, 5)) + (LABELS == "owl")[:, None]
    np.savez(folder / "insects.npz", x=x, y=LABELS)
    return folder / "insects.npz", [], {}


KINDS = {"folder": write_folder, "table": write_table, "arrays": write_arrays}


def command(path, options, output, epochs=2):
    short = ["--losses", "ce", "la", "--seeds", "1", "--epochs", str(epochs)]
    words = [*options, *short, "--batch-size", "8", "--output", str(output)]
    return ["compare", str(path), *words]


def figures(folder):
    """What was measured, without what differs between two of the same."""
    columns = ("id", "method", "seed", "status", "splits", "history", "chosen")
    return [
        [run.get(column) for column in columns]
        for run in Comparison.read(folder).run_entries
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_by_command_in_python_and_side_by_side(kind, tmp_path):
    path, options, given = KINDS[kind](tmp_path)
    assert main(command(path, options, tmp_path / "command")) == 0
    expected = figures(tmp_path / "command")
    assert len(expected) == 5
    data = read_data(path, SourceOptions(**given))
    compare_as_command(data, ["ce", "la"], 8, tmp_path / "python")
    assert figures(tmp_path / "python") == expected
    parallel = [*command(path, options, tmp_path / "parallel"), "--parallel", "2"]
    assert main(parallel) == 0
    assert figures(tmp_path / "parallel") == expected


def test_killed_and_begun_again(tmp_path):
    """Killed after the first run, which is kept, in the middle of the second."""
    path, options, _ = write_table(tmp_path)
    assert main(command(path, options, tmp_path / "undisturbed", 40)) == 0
    output = tmp_path / "killed"
    words = command(path, options, output, 40)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with open(tmp_path / "log", "w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "keras_ccar_command", *words],
            env=environment,
            stdout=log,
            stderr=log,
        )
        deadline = time.monotonic() + PATIENCE
        while not list(output.glob("runs/*.json")) and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
    kept = {
        record: record.stat().st_mtime_ns for record in output.glob("runs/ce-seed0*")
    }
    assert kept, (tmp_path / "log").read_text("utf-8")
    assert len(list(output.glob("runs/*.json"))) < 5
    assert main(words) == 0
    assert kept == {record: record.stat().st_mtime_ns for record in kept}
    assert figures(output) == figures(tmp_path / "undisturbed")
