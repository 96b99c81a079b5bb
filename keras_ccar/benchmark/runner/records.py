"""The file of a finished or failed run, and the backup of an unfinished one."""

import datetime
import warnings
from pathlib import Path
from typing import Any

from keras_ccar.benchmark.comparison import RunEntry
from keras_ccar.benchmark.results_checks import check_run
from keras_ccar.benchmark.runner.environment import current_environment
from keras_ccar.benchmark.runner.plan_base import BasePlan, BaseRun
from keras_ccar.benchmark.training.run_backup import RunBackup, remove_backup
from keras_ccar.files import add_checksum, read_checked_json, to_json, write_json
from keras_ccar.json_checks import check_fields

RUNS_FOLDER = "runs"
CHECKPOINTS_FOLDER = "checkpoints"


def load_run(run: BaseRun, folder: str | Path) -> RunEntry | None:
    """Returns the record of a finished run on disk, None if it has to be trained.

    That includes a run whose record is damaged, with a warning that names the file.
    """
    path = record_path(run, folder)
    try:
        record = read_checked_json(path)
        is_this_run = (
            isinstance(record, dict) and record.get("identity") == run.identity
        )
        if not is_this_run or record.get("status") != "finished":
            return None
        if not run.is_kept(folder):
            return None
        check_run(
            path,
            record,
            run.num_classes,
            run.epochs,
            metric=run.metric,
            metrics=run.metrics,
        )
        check_fields(path, record, {"environment": {}})
    except FileNotFoundError:
        return None
    except ValueError as error:
        warnings.warn(f"The run is trained again: {error}", stacklevel=2)
        return None
    return record


def save_run(run: BaseRun, folder: str | Path, record: RunEntry) -> None:
    """Writes the record of a run, with a checksum."""
    write_json(record_path(run, folder), add_checksum(record))


def make_record(run: BaseRun, **outcome: Any) -> RunEntry:
    """Returns what the file of a run holds, as plain JSON."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    record: RunEntry = to_json(
        {
            "id": run.id,
            "method": run.method_name,
            "seed": run.seed,
            "identity": run.identity,
            "environment": current_environment(),
            **outcome,
            "date": now,
        }
    )
    return record


def record_path(run: BaseRun, folder: str | Path) -> Path:
    """Returns where the record of a run is, in the folder of its comparison."""
    return _path_of(run, Path(folder) / RUNS_FOLDER, ".json")


def has_begun(plan: BasePlan, folder: str | Path) -> bool:
    """Whether a folder has a record or a backup of a run of a plan."""
    return any(
        record_path(run, folder).exists() or _backup_directory(run, folder).exists()
        for run in plan.runs_with_dependencies()
    )


def backup_of(run: BaseRun, folder: str | Path) -> RunBackup:
    """Returns the backup of a run, in the folder of its comparison."""
    return RunBackup(_backup_directory(run, folder), run.identity)


def remove_backup_of(run: BaseRun, folder: str | Path) -> None:
    """Deletes the backup of a run, without reading it as `backup_of` does."""
    remove_backup(_backup_directory(run, folder))


def _backup_directory(run: BaseRun, folder: str | Path) -> Path:
    return _path_of(run, Path(folder) / CHECKPOINTS_FOLDER)


def _path_of(run: BaseRun, folder: Path, suffix: str = "") -> Path:
    """Returns the path of a run, which may be there under another name of its method.

    The identity, which ends the name of the file, knows no name of a method.
    """
    path = folder / f"{run.file_name}{suffix}"
    others = () if path.exists() else folder.glob(f"*-{run.id}{suffix}")
    return min(others, default=path)
