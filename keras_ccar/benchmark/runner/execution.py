"""Executes a plan: trains the runs that are not on disk yet."""

import contextlib
import functools
import traceback
import warnings
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path

from keras_ccar.benchmark.comparison import RunEntry
from keras_ccar.benchmark.runner.folder_lock import on_first_host
from keras_ccar.benchmark.runner.interruption import Interruption
from keras_ccar.benchmark.runner.plan_base import BasePlan, BaseRun
from keras_ccar.benchmark.runner.progress import PlanProgress
from keras_ccar.benchmark.runner.records import (
    CHECKPOINTS_FOLDER,
    backup_of,
    load_run,
    make_record,
    record_path,
    remove_backup_of,
    save_run,
)
from keras_ccar.benchmark.runner.workers import OnProgress, Workers
from keras_ccar.files import remove_file
from keras_ccar.replicas import process_count

# Workers that report nothing delay Ctrl-C by this much.
_SECONDS_TO_WAIT = 0.2


def run_plan(
    plan: BasePlan,
    folder: str | Path,
    progress: PlanProgress,
    interruption: Interruption,
    parallel: int = 1,
    variables: Mapping[str, str] | None = None,
) -> Generator[list[RunEntry], None, None]:
    """Trains the runs of a plan that are not on disk yet.

    Every run is written to disk when it finishes, and its checkpoints before that, so a
    plan that was killed resumes from there. A failed run is recorded with its error,
    and trained again by the next call. With `parallel` above 1, that many runs are
    trained at a time, each in its own process; with `variables` of the environment, a
    run that is trained alone has one too, as a process reads them once.

    Yields:
        The records of all runs done so far, in the order of the plan: first those on
        disk, then again after each run.

    Raises:
        KeyboardInterrupt: after Ctrl-C, between two steps.
    """
    folder = Path(folder)
    runs = plan.runs_with_dependencies()
    records: dict[str, RunEntry] = {}
    epochs_done: dict[str, int] = {}
    for run in runs:
        record = load_run(run, folder)
        if record is not None:
            records[run.id] = record
            remove_backup_of(run, folder)
        else:
            # The run failed, or was killed while its record was written.
            on_first_host(remove_file, record_path(run, folder))
            epochs_done[run.id] = backup_of(run, folder).epoch
    waiting = [run for run in runs if run.id not in records]
    progress.begin(runs, epochs_done)

    def done() -> list[RunEntry]:
        # A record may bear another name of a method that computes the same.
        return [
            {**records[run.id], "method": run.method_name}
            for run in plan.runs()
            if run.id in records
        ]

    if records:
        yield done()
    # Starting a process takes time, so there are no more of them than runs.
    parallel = min(parallel, len(waiting))
    if parallel > 1 or (variables and waiting):
        work = functools.partial(_train_in_worker, plan, folder)
        train = functools.partial(_run_in_workers, Workers(parallel, work, variables))
    else:
        train = functools.partial(_run_in_process, folder)
    for run, record in train(waiting, records, progress, interruption):
        on_first_host(save_run, run, folder, record)
        if record["status"] == "finished":
            remove_backup_of(run, folder)
        records[run.id] = record
        progress.end_run(run, record)
        yield done()
    with contextlib.suppress(OSError):  # It does not exist, or is not empty.
        (folder / CHECKPOINTS_FOLDER).rmdir()


def train_run(
    run: BaseRun, earlier: list[RunEntry], folder: str | Path, on_progress: OnProgress
) -> RunEntry:
    """Trains a run with checkpoints, and returns its record, also if it failed.

    `earlier` holds the records of `run.depends_on`.
    """
    try:
        backup = backup_of(run, folder)
        with warnings.catch_warnings():
            # JAX, from 0.11 on, at each run: Keras declares int64 labels to it, whose
            # values were checked, and which JAX cuts to 32 bits.
            message = "Explicitly requested dtype .* requested in ShapeDtypeStruct"
            warnings.filterwarnings("ignore", message, UserWarning)
            outcome = run.train(earlier, Path(folder), on_progress, backup)
    except Exception as error:  # One bad run must not cost the others.
        if process_count() > 1 and not isinstance(error, FloatingPointError):
            raise  # The other hosts may still be training this run: end it for all.
        message = f"{type(error).__name__}: {error}"
        trace = traceback.format_exc()
        return make_record(run, status="failed", error=message, traceback=trace)
    return make_record(run, status="finished", **outcome)


def _run_in_process(
    folder: Path,
    runs: list[BaseRun],
    records: dict[str, RunEntry],
    progress: PlanProgress,
    interruption: Interruption,
) -> Iterator[tuple[BaseRun, RunEntry]]:
    """Trains runs one by one in this process; yields each with its record."""
    for run in runs:
        interruption.raise_if_requested()
        progress.begin_run(run)

        def on_progress(epoch: int, steps: int, run: BaseRun = run) -> None:
            interruption.raise_if_requested()
            progress.advance(run, epoch, steps)

        earlier = [records[other.id] for other in run.depends_on]
        yield run, train_run(run, earlier, folder, on_progress)


def _run_in_workers(
    workers: Workers,
    runs: list[BaseRun],
    records: dict[str, RunEntry],
    progress: PlanProgress,
    interruption: Interruption,
) -> Iterator[tuple[BaseRun, RunEntry]]:
    """Trains runs in worker processes; yields each with its record once it is done."""
    waiting = list(runs)
    busy: dict[str, BaseRun] = {}
    with workers:
        while waiting or busy:
            interruption.raise_if_requested()
            for run in _ready(waiting, records)[: workers.idle]:
                waiting.remove(run)
                busy[run.id] = run
                progress.begin_run(run)
                earlier = [records[other.id] for other in run.depends_on]
                workers.submit(run.id, (run.id, earlier))
            for key, kind, value in workers.poll(_SECONDS_TO_WAIT):
                if kind == "progress":
                    progress.advance(busy[key], *value)
                elif kind == "result":
                    yield busy.pop(key), value
                else:
                    run, error = busy.pop(key), f"ChildProcessError: {value}."
                    yield run, make_record(run, status="failed", error=error)


def _ready(runs: list[BaseRun], records: dict[str, RunEntry]) -> list[BaseRun]:
    """Returns the runs whose dependencies are done."""
    return [run for run in runs if all(other.id in records for other in run.depends_on)]


def _train_in_worker(
    plan: BasePlan,
    folder: Path,
    task: tuple[str, list[RunEntry]],
    on_progress: OnProgress,
) -> RunEntry:
    """Calls `train_run` in a worker process, which has its own copy of the plan."""
    run_id, earlier = task
    runs = {run.id: run for run in plan.runs_with_dependencies()}
    if run_id not in runs:
        raise RuntimeError("keras_ccar was changed while it ran; start again.")
    return train_run(runs[run_id], earlier, folder, on_progress)
