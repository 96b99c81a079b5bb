"""The file of a finished or failed run."""

import datetime
from pathlib import Path

from keras_ccar.benchmark.runner.checkpoint import Checkpoint
from keras_ccar.benchmark.runner.environment import current_environment
from keras_ccar.files import read_json, to_json

RUNS_FOLDER = "runs"
CHECKPOINTS_FOLDER = "checkpoints"


def load_run(run, folder):
    """Returns the record of a run that is on disk, None if it has to be trained.

    Args:
        run: the `Run`.
        folder: the folder of the comparison.
    """
    try:
        record = read_json(record_path(run, folder))
    except (FileNotFoundError, ValueError):
        return None
    is_this_run = isinstance(record, dict) and record.get("identity") == run.identity
    return record if is_this_run and record.get("status") == "finished" else None


def make_record(run, **outcome):
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return to_json(
        {
            "id": run.id,
            "method": run.method.name,
            "seed": run.seed,
            "identity": run.identity,
            "environment": current_environment(),
            **outcome,
            "date": now,
        }
    )


def record_path(run, folder):
    return Path(folder) / RUNS_FOLDER / f"{run.file_name}.json"


def checkpoint_of(run, folder):
    path = Path(folder) / CHECKPOINTS_FOLDER / f"{run.file_name}.npz"
    return Checkpoint(path, run.identity)
