"""What the measurements share: a process for each backend, and the file of results."""

import json
import os
import subprocess
import sys


def in_process_of(backend, script, arguments, settings=()):
    """Runs a script in a process of its own, and returns what it printed last as JSON.

    Args:
        backend: the Keras backend of the process.
        script: path of the script.
        arguments: list of its command-line arguments.
        settings: dict of further environment variables.
    """
    answer = subprocess.run(
        [sys.executable, script, *arguments],
        env={
            **os.environ,
            **dict(settings),
            "KERAS_BACKEND": backend,
            "TF_CPP_MIN_LOG_LEVEL": "2",
        },
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(answer.stdout.splitlines()[-1])


def write(path, command, environment, rows):
    """Writes a measurement as JSON and shows its rows.

    Args:
        path: where to write.
        command: the command line that makes it again.
        environment: of `keras_ccar.benchmark.runner.environment.environment`.
        rows: list of dicts with the same keys.
    """
    import rich.console
    import rich.table

    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"command": command, "environment": environment, "rows": rows}
    path.write_text(json.dumps(document, indent=1) + "\n")
    table = rich.table.Table(*rows[0].keys())
    for row in rows:
        table.add_row(*map(str, row.values()))
    rich.console.Console().print(table)
