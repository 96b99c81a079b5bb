"""The files in which the trials say what they tried, and what was lost."""

import platform
import shlex
import sys

import keras

from keras_ccar.benchmark.runner.environment import current_environment
from keras_ccar.files import write_json


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
    result = {
        "command": f"KERAS_BACKEND={keras.backend.backend()} python "
        f"{shlex.join(sys.argv)}",
        "configuration": configuration,
        "seed": seed,
        "platform": platform.platform(),
        "environment": current_environment(),
        "seconds": round(seconds, 1),
        "totals": dict(totals),
        "rows": list(rows),
    }
    if path is not None:
        write_json(path, result)
    return result
