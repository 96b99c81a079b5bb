"""The file of a finished or failed run, and the backup of an unfinished one."""

import datetime
from pathlib import Path
from typing import Any

from keras_ccar.benchmark.comparison import RunEntry
from keras_ccar.benchmark.results_checks import check_run
from keras_ccar.benchmark.runner.environment import current_environment
from keras_ccar.benchmark.runner.plan import Run
from keras_ccar.benchmark.training.run_backup import RunBackup, remove_backup
from keras_ccar.files import read_json, to_json
from keras_ccar.json_checks import check_fields

RUNS_FOLDER = "runs"
CHECKPOINTS_FOLDER = "checkpoints"


class DamagedRunError(ValueError):
    """The file of a finished run lacks what a comparison needs, or holds it wrongly."""


def load_run(run: Run, folder: str | Path) -> RunEntry | None:
    """Returns the record of a finished run on disk, None if it has to be trained.

    Raises:
        DamagedRunError: if the record of this run, finished, is not complete.
    """
    path = record_path(run, folder)
    try:
        record = read_json(path)
    except (FileNotFoundError, ValueError):
        return None
    is_this_run = isinstance(record, dict) and record.get("identity") == run.identity
    if not is_this_run or record.get("status") != "finished":
        return None
    try:
        check_run(path, record, len(run.data.class_counts), run.recipe.epochs)
        check_fields(path, record, {"environment": {}})
    except ValueError as error:
        raise DamagedRunError(
            f"{error} Delete the file, and the run is trained again."
        ) from None
    return record


def make_record(run: Run, **outcome: Any) -> RunEntry:
    """Returns what the file of a run holds, as plain JSON."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    record: RunEntry = to_json(
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
    return record


def record_path(run: Run, folder: str | Path) -> Path:
    """Returns where the record of a run is, in the folder of its comparison."""
    return Path(folder) / RUNS_FOLDER / f"{run.file_name}.json"


def backup_of(run: Run, folder: str | Path) -> RunBackup:
    """Returns the backup of a run, in the folder of its comparison."""
    return RunBackup(_backup_directory(run, folder), run.identity)


def remove_backup_of(run: Run, folder: str | Path) -> None:
    """Deletes the backup of a run, without reading it as `backup_of` does."""
    remove_backup(_backup_directory(run, folder))


def _backup_directory(run: Run, folder: str | Path) -> Path:
    return Path(folder) / CHECKPOINTS_FOLDER / run.file_name
