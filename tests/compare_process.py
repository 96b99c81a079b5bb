"""The `keras-ccar` command for tests that kill it: it keeps every epoch."""

import signal
import sys
from pathlib import Path

from keras_ccar.benchmark.cli import main
from keras_ccar.benchmark.training import run_backup

if __name__ in ("__main__", "__mp_main__"):  # in this process and those it starts
    run_backup.SECONDS_BETWEEN = 0.0

COMMAND = (sys.executable, str(Path(__file__).resolve()))


def worker_ids(parent):
    """Returns the ids of the processes in which a command trains, on Linux."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            ancestor = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_text()
        except OSError:  # It has just ended.
            continue
        if ancestor == parent and "spawn_main" in command:
            found.append(int(folder.name))
    return sorted(found)


if __name__ == "__main__":
    # A shell that starts the tests in the background has SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())
