"""Devices and hosts that share the batches of a comparison, as processes."""

import json
import os
import subprocess

import numpy as np
import pytest
from compare_process import COMMAND
from distribution.processes import free_port

from keras_ccar.benchmark.cli import main

# Whole batches, so that one device and two see the same images.
DIGITS = ("compare", "digits-lt", "--methods", "ccar", "ce×c", "--seeds", "1")
DIGITS += ("--epochs", "2", "--batch-size", "60", "--limit-batches", "4")


def begin(folder, *more, backend="jax"):
    return subprocess.Popen(
        [*COMMAND, *DIGITS, *more, "--output", str(folder)],
        env={**os.environ, "KERAS_BACKEND": backend, "XLA_FLAGS": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process):
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output
    return output


def runs(folder):
    return json.loads((folder / "results.json").read_text())["runs"]


def hardware(folder):
    results = json.loads((folder / "results.json").read_text())
    return results["environment"]["hardware"]


@pytest.fixture(scope="module")
def on_one_device(tmp_path_factory):
    folder = tmp_path_factory.mktemp("one") / "out"
    finish(begin(folder))
    return runs(folder)


def assert_same(actual, expected):
    for one, other in zip(actual, expected, strict=True):
        assert one["method"] == other["method"]
        for name in ("loss", "confidence", "weight", "below_pivot"):
            np.testing.assert_allclose(
                one["history"][name], other["history"][name], atol=2e-3, err_msg=name
            )
        for name in ("mean_weight", "scale"):
            assert one.get(name) == pytest.approx(other.get(name), abs=1e-3)
        # One image of 500 on the edge of two classes.
        assert one["top1"] == pytest.approx(other["top1"], abs=0.41)


@pytest.mark.slow
def test_two_devices_on_jax(on_one_device, tmp_path):
    finish(begin(tmp_path / "out", "--devices", "2"))
    shared = runs(tmp_path / "out")
    assert_same(shared, on_one_device)
    assert hardware(tmp_path / "out")["devices"] == 2
    # Its own runs, not those of one device.
    assert shared[0]["id"] != on_one_device[0]["id"]
    report = (tmp_path / "out" / "report.md").read_text()
    assert "2 devices share every batch" in report
    assert "--devices 2" in report


@pytest.mark.slow
def test_two_hosts(on_one_device, tmp_path):
    hosts = ("--hosts", f"127.0.0.1:{free_port()}", "127.0.0.1", "--host")
    folder = tmp_path / "out"
    processes = [begin(folder, *hosts, str(host)) for host in range(2)]
    first, second = map(finish, processes)
    assert_same(runs(folder), on_one_device)
    assert "Report:" in first
    assert "Report:" not in second
    assert hardware(folder)["hosts"] == 2
    report = (folder / "report.md").read_text()
    assert "2 devices share every batch, on 2 hosts" in report
    assert "127.0.0.1" not in report


@pytest.mark.slow
def test_two_devices_on_tensorflow(tmp_path):
    # Batch normalisation is by replica there, so numbers are its own.
    finish(begin(tmp_path / "out", "--devices", "2", backend="tensorflow"))
    assert hardware(tmp_path / "out")["devices"] == 2
    for run in runs(tmp_path / "out"):
        losses = run["history"]["loss"]
        assert losses[1] < losses[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--hosts", "10.0.0.1:1"], "two machines or more"),
        (["--hosts", "10.0.0.1:1", "10.0.0.2", "--host", "2"], "from 0"),
        (["--host", "1"], "from 0"),
        (["--hosts", "10.0.0.1", "10.0.0.2"], "with a port"),
        (["--hosts", "10.0.0.1:1", "10.0.0.2"], "KERAS_BACKEND=jax"),
        (["--devices", "2", "--parallel", "2"], "Leave one of them out"),
    ],
)
def test_what_cannot_be_shared(arguments, message, tmp_path, capsys):
    assert main([*DIGITS, *arguments, "--output", str(tmp_path)]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_batches_that_devices_cannot_share_alike(tmp_path):
    process = begin(tmp_path / "out", "--devices", "7")
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 2
    assert "batch_size of a recipe must be a multiple of the 7 devices" in output
