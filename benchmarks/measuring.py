"""Shared by the measurements: a process for each backend, and the file of results.

Figures of speed belong to a kind of processor, so each kind has a folder of its own in
`benchmarks/results/speed`, and the same command writes into the folder of the processor
that it runs on.
"""

import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SPEED = Path(__file__).parent / "results" / "speed"
_CPU_INFO = Path("/proc/cpuinfo")
# Instructions on which the speed of networks depends, the newest of each line first.
_INSTRUCTIONS = (("avx512f", "avx2", "asimd"), ("amx_bf16", "avx512_bf16", "bf16"))


def speed_folder(cpu_info: str | None = None) -> Path:
    """Returns where the figures of speed of this kind of processor belong.

    Its name is that of the processor, and of its instructions for vectors and bfloat16:
    virtual machines often have the same name on different processors.

    Args:
        cpu_info: text of `/proc/cpuinfo`; None for that of this machine.
    """
    if cpu_info is None:
        cpu_info = _CPU_INFO.read_text() if _CPU_INFO.exists() else ""
    found = dict(re.findall(r"^([\w ]+?)\s*: (.*)$", cpu_info, re.M))
    has = found.get("flags", found.get("Features", "")).split()
    name = found.get("model name") or platform.machine()
    words = [name, *(next((x for x in of if x in has), "") for of in _INSTRUCTIONS)]
    return SPEED / re.sub(r"[^a-z0-9]+", "-", " ".join(words).lower()).strip("-")


def run_on_backend(
    backend: str,
    script: str,
    arguments: list[str],
    settings: Mapping[str, str] | None = None,
) -> Any:
    """Runs a script in a process of its own, and returns the JSON that it printed last.

    Args:
        backend: the Keras backend of the process.
        script: path of the script.
        arguments: its command-line arguments.
        settings: further environment variables.
    """
    answer = subprocess.run(
        [sys.executable, script, *arguments],
        env={
            **os.environ,
            **(settings or {}),
            "KERAS_BACKEND": backend,
            "TF_CPP_MIN_LOG_LEVEL": "2",
        },
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(answer.stdout.splitlines()[-1])


def write_measurement(
    path: Path, command: str, environment: dict[str, Any], rows: list[dict[str, Any]]
) -> None:
    """Writes a measurement as JSON and prints its rows.

    Args:
        path: where to write.
        command: the command line that measures again.
        environment: from `keras_ccar.benchmark.runner.environment.current_environment`.
        rows: dicts with the same keys.
    """
    # Keras is not imported before all is measured.
    import rich.console
    import rich.table

    from keras_ccar.files import write_json

    write_json(path, {"command": command, "environment": environment, "rows": rows})
    table = rich.table.Table(*rows[0].keys())
    for row in rows:
        table.add_row(*map(str, row.values()))
    rich.console.Console().print(table)
