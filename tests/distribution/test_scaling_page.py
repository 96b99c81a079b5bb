"""The code of docs/scaling.md runs, on the backend that it names."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest
from code_blocks import code_blocks
from distribution import processes

PAGE = Path(__file__).parents[2] / "docs" / "scaling.md"
BACKEND = keras.backend.backend()
BLOCKS = [
    block
    for block in code_blocks(PAGE.read_text("utf-8"))
    if BACKEND in block.splitlines()[0]
]


def test_blocks_are_found():
    assert len(BLOCKS) == {"tensorflow": 2, "jax": 4, "torch": 0}[BACKEND]


@pytest.mark.slow
@pytest.mark.parametrize("index", range(len(BLOCKS)))
def test_block_runs(index, tmp_path):
    block = BLOCKS[index]
    number = 2 if "on every host" in block.splitlines()[0] else 1
    port = processes.free_port()
    started = [
        subprocess.Popen(
            [sys.executable, "-c", block],
            cwd=tmp_path,
            env={
                **os.environ,
                "KERAS_BACKEND": BACKEND,
                "XLA_FLAGS": f"--xla_force_host_platform_device_count={3 - number}",
                "COORDINATOR": f"127.0.0.1:{port}",
                "PROCESS": str(process),
                "PROCESSES": str(number),
                "PYTHONPATH": str(Path.cwd()),
            },
            stderr=subprocess.PIPE,
            text=True,
        )
        for process in range(number)
    ]
    for process in started:
        _, errors = process.communicate(timeout=processes.TIMEOUT)
        assert process.returncode == 0, errors
