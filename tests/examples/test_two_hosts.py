"""The launcher for several hosts, with two processes on this machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from distribution import processes

FOLDER = Path(__file__).parents[2] / "examples" / "two_hosts"
pytestmark = [pytest.mark.slow, pytest.mark.tensorflow_only]  # once; it runs on JAX


def launch(*arguments, **settings):
    return subprocess.run(
        [sys.executable, FOLDER / "launch.py", "localhost", "localhost", *arguments],
        env={**os.environ, "XLA_FLAGS": "", **settings},
        capture_output=True,
        text=True,
        timeout=processes.TIMEOUT,
    )


def test_two_processes_train_together(tmp_path):
    port = processes.free_port()
    done = launch("--port", str(port), "--folder", tmp_path / "backup")
    assert done.returncode == 0, done.stderr
    # Of 359 images, the 5 batches of 64 that fill one.
    assert "2 hosts, 320 images seen by all of them in the last epoch" in done.stdout


def test_a_failing_host_ends_all(tmp_path):
    (tmp_path / "backup").write_text("no folder")
    port = processes.free_port()
    done = launch("--port", str(port), "--folder", tmp_path / "backup")
    assert done.returncode == 1
    assert "the same command resumes" in done.stderr
