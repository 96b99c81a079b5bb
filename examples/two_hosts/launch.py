"""Starts `train.py` on several hosts, and stops all of them if one fails.

    python launch.py localhost localhost          # two processes on this machine
    python launch.py 10.0.0.1 10.0.0.2 --folder /shared/digits

The first host coordinates, and the others must be able to reach it. Hosts other than
localhost are started over ssh; this folder, and Python with keras_ccar, must have the
same path on all of them.
"""

import argparse
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent / "train.py"


def start(host, settings):
    """Starts the script on a host; returns the process that waits for it."""
    if host == "localhost":
        return subprocess.Popen([sys.executable, SCRIPT], env=os.environ | settings)
    words = ["env", *(f"{name}={value}" for name, value in settings.items())]
    command = shlex.join([*words, sys.executable, str(SCRIPT)])
    # A terminal of its own, so that the script ends when ssh is ended.
    return subprocess.Popen(["ssh", "-tt", host, command])


def main():
    """Starts the script on all hosts, and waits for it to end."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("hosts", nargs="+", metavar="HOST")
    parser.add_argument("--port", type=int, default=12355, help="of the first host")
    parser.add_argument(
        "--folder", default="backup", help="where the backup is; all hosts must see it"
    )
    arguments = parser.parse_args()
    processes = [
        start(
            host,
            {
                "KERAS_BACKEND": "jax",
                "COORDINATOR": f"{arguments.hosts[0]}:{arguments.port}",
                "HOST_NUMBER": str(number),
                "NUM_HOSTS": str(len(arguments.hosts)),
                "BACKUP_FOLDER": str(Path(arguments.folder).absolute()),
            },
        )
        for number, host in enumerate(arguments.hosts)
    ]
    try:
        while any(process.poll() is None for process in processes):
            if any(process.poll() for process in processes):
                break
            time.sleep(0.2)
    finally:
        for process in processes:
            process.terminate()
    codes = [process.wait() for process in processes]
    if any(codes):
        parser.exit(1, f"ended with the codes {codes}; the same command resumes\n")


if __name__ == "__main__":
    main()
