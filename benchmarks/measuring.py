"""Shared by the measurements: a process for each backend, and the file of results."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any


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
