"""Carries out a plan: trains the runs that are not on disk yet."""

import contextlib
import functools
import traceback
from pathlib import Path

from keras_ccar.benchmark.runner.records import (
    CHECKPOINTS_FOLDER,
    checkpoint_of,
    load_run,
    make_record,
    record_path,
)
from keras_ccar.benchmark.runner.workers import Workers
from keras_ccar.benchmark.spec.controls import resolve_settings
from keras_ccar.benchmark.training.loop import train_and_evaluate
from keras_ccar.files import remove_file, write_json
from keras_ccar.replicas import process_count

# In which Ctrl-C is noticed while nothing happens.
_SECONDS_TO_WAIT = 0.2


def run_plan(plan, folder, progress, interruption, parallel=1):
    """Trains the runs of a plan that are not on disk yet.

    A run is on disk as soon as it is finished, and its state after some epochs before
    that: a plan that was killed goes on from there. A run that fails is recorded with
    its error, and tried again when the plan is carried out again.

    Args:
        plan: the `Plan`.
        folder: the folder of the comparison.
        progress: a `keras_ccar.benchmark.runner.progress.PlanProgress`.
        interruption: a `keras_ccar.benchmark.runner.interruption.Interruption`.
        parallel: how many runs are trained at a time, each in a process of its own if
            more than one.

    Yields:
        The records of all runs that are done, in the order of the plan: at first those
        on disk, and again whenever a run is done.

    Raises:
        KeyboardInterrupt: after Ctrl-C, between two steps.
    """
    folder = Path(folder)
    runs = plan.runs_with_dependencies()
    records, epochs_done = {}, {}
    for run in runs:
        checkpoint = checkpoint_of(run, folder)
        record = load_run(run, folder)
        if record is not None:
            records[run.id] = record
            checkpoint.remove()
        else:
            # A failed one, or one that was killed before it took its place.
            remove_file(record_path(run, folder))
            epochs_done[run.id] = checkpoint.epoch()
    waiting = [run for run in runs if run.id not in records]
    progress.begin(runs, epochs_done)

    def done():
        return [records[run.id] for run in plan.runs() if run.id in records]

    if records:
        yield done()
    # A process takes time to start; no more of them than there is work for.
    parallel = min(parallel, len(waiting))
    train = (
        functools.partial(_run_in_workers, parallel)
        if parallel > 1
        else _run_in_process
    )
    for run, record in train(plan, folder, waiting, records, progress, interruption):
        write_json(record_path(run, folder), record)
        if record["status"] == "finished":
            checkpoint_of(run, folder).remove()
        records[run.id] = record
        progress.end_run(run, record)
        yield done()
    with contextlib.suppress(OSError):  # There is none, or it is not empty.
        (folder / CHECKPOINTS_FOLDER).rmdir()


def train_run(run, after, folder, on_progress):
    """Trains a run, and keeps checkpoints of it.

    Args:
        run: the `Run`.
        after: the records of the runs that it comes after.
        folder: the folder of the comparison.
        on_progress: see `train_and_evaluate`.

    Returns:
        Its record as plain JSON, also if it failed.
    """
    try:
        recipe, options, settled = resolve_settings(run, after)
        outcome = train_and_evaluate(
            run.data,
            recipe,
            run.method,
            options,
            run.seed,
            on_progress,
            checkpoint_of(run, folder),
        )
        outcome.update(settled)
    except Exception as error:  # One bad run must not cost the others.
        if process_count() > 1 and not isinstance(error, FloatingPointError):
            raise  # The other hosts may still be in this run: it ends for all.
        return make_record(
            run,
            status="failed",
            error=f"{type(error).__name__}: {error}",
            traceback=traceback.format_exc(),
        )
    return make_record(run, status="finished", **outcome)


def _run_in_process(plan, folder, runs, records, progress, interruption):
    """Trains runs in this process; yields each with its record."""
    for run in runs:
        interruption.raise_if_requested()
        progress.begin_run(run)

        def on_progress(epoch, steps, run=run):
            interruption.raise_if_requested()
            progress.advance(run, epoch, steps)

        after = [records[other.id] for other in run.depends_on]
        yield run, train_run(run, after, folder, on_progress)


def _run_in_workers(count, plan, folder, runs, records, progress, interruption):
    """Trains runs in a number of processes; yields each with its record, once done."""
    waiting, busy = list(runs), {}
    with Workers(count, functools.partial(_train_in_worker, plan, folder)) as workers:
        while waiting or busy:
            interruption.check()
            for run in _ready(waiting, records)[: workers.idle]:
                waiting.remove(run)
                busy[run.id] = run
                progress.begin_run(run)
                after = [records[other.id] for other in run.depends_on]
                workers.submit(run.id, (run.id, after))
            for key, kind, value in workers.poll(_SECONDS_TO_WAIT):
                if kind == "progress":
                    progress.advance(busy[key], *value)
                elif kind == "result":
                    yield busy.pop(key), value
                else:
                    error = f"ChildProcessError: {value}."
                    run = busy.pop(key)
                    yield run, make_record(run, status="failed", error=error)


def _ready(runs, records):
    """Returns those runs that need not wait for another."""
    return [run for run in runs if all(other.id in records for other in run.depends_on)]


def _train_in_worker(plan, folder, task, on_progress):
    """Does `train_run` in a process that knows the plan."""
    run_id, after = task
    runs = {run.id: run for run in plan.runs_with_dependencies()}
    if run_id not in runs:
        raise RuntimeError("keras_ccar was changed while it ran; start again.")
    return train_run(runs[run_id], after, folder, on_progress)
