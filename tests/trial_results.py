"""The files in which the trials say what they tried, and what was lost."""

import platform
import shlex
import sys
from pathlib import Path

import keras

from keras_ccar.benchmark.runner.environment import current_environment
from keras_ccar.files import write_json

ROOT = Path(__file__).parent.parent


def save_result(path, configuration, seed, seconds, totals, rows=()):
    """Returns the result of a trial as plain JSON, and writes it if there is a path.

    Args:
        path: the file, or None.
        configuration: the options of the trial.
        seed: its seed.
        seconds: how long it took.
        totals: what was tried, and what became of it, as counts by name.
        rows: the same by kind, as dicts with the same keys.
    """
    script = Path(sys.argv[0]).resolve()
    if script.is_relative_to(ROOT):  # As it is called in the root of the repository.
        script = script.relative_to(ROOT)
    result = {
        "command": f"KERAS_BACKEND={keras.backend.backend()} python "
        f"{shlex.join([script.as_posix(), *sys.argv[1:]])}",
        "configuration": configuration,
        "seed": seed,
        "platform": " ".join(
            (platform.system(), platform.machine(), *platform.libc_ver())
        ),
        "environment": current_environment(),
        "seconds": round(seconds, 1),
        "totals": dict(totals),
        "rows": list(rows),
    }
    if path is not None:
        write_json(path, result)
    return result
