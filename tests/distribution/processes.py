"""Starts the scripts beside this file as processes of their own."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import keras

FOLDER = Path(__file__).parent
TIMEOUT = 600  # seconds; a process that takes longer hangs
# XLA gives a processor one thread for each device at least, and a sum over devices
# blocks one thread for each: on few cores, any other work may then wait for the sum,
# and the sum for it, until XLA ends the process.
THREADS_OF_A_DEVICE = 4


def start(script, options, path, devices=1, **environment):
    """Starts `python script options path` and returns the `Popen`."""
    arguments = [sys.executable, str(FOLDER / script), json.dumps(options), str(path)]
    return subprocess.Popen(
        arguments,
        env={
            **os.environ,
            "KERAS_BACKEND": keras.backend.backend(),
            "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
            "NPROC": str(THREADS_OF_A_DEVICE * devices),
            "PYTHONPATH": os.pathsep.join([str(FOLDER.parents[1]), str(FOLDER.parent)]),
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process, path, timeout=TIMEOUT):
    """Waits for a process to end well, and returns the outcome that it wrote."""
    try:
        output, _ = process.communicate(timeout=timeout)
    finally:
        process.kill()
    assert process.returncode == 0, output
    return json.loads(Path(path).read_text())


def run(script, options, path, **arguments):
    """Starts a script, waits for it and returns its outcome."""
    return finish(start(script, options, path, **arguments), path)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
