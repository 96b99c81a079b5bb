"""Carries out a plan: trains the runs that are not on disk yet."""

import contextlib
import functools
import traceback
from pathlib import Path

from keras_ccar.benchmark.runner.records import (
    CHECKPOINTS_FOLDER,
    _checkpoint,
    _record,
    _record_path,
    load_run,
)
from keras_ccar.benchmark.runner.workers import Workers
from keras_ccar.benchmark.spec.controls import settle
from keras_ccar.benchmark.training.loop import train_and_evaluate
from keras_ccar.files import remove_file, write_json
from keras_ccar.replicas import process_count

# In which Ctrl-C is noticed while nothing happens.
_SECONDS_TO_WAIT = 0.2


def carry_out(plan, folder, progress, interruption, parallel=1):
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
    runs = plan.training_order()
    records, epochs_done = {}, {}
    for run in runs:
        checkpoint = _checkpoint(run, folder)
        record = load_run(run, folder)
        if record is not None:
            records[run.id] = record
            checkpoint.remove()
        else:
            # A failed one, or one that was killed before it took its place.
            remove_file(_record_path(run, folder))
            epochs_done[run.id] = checkpoint.epoch()
    waiting = [run for run in runs if run.id not in records]
    progress.begin(runs, epochs_done)

    def done():
        return [records[run.id] for run in plan.runs() if run.id in records]

    if records:
        yield done()
    # A process takes time to start; no more of them than there is work for.
    parallel = min(parallel, len(waiting))
    train = functools.partial(_beside, parallel) if parallel > 1 else _one_by_one
    for run, record in train(plan, folder, waiting, records, progress, interruption):
        write_json(_record_path(run, folder), record)
        if record["status"] == "finished":
            _checkpoint(run, folder).remove()
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
        recipe, options, settled = settle(run, after)
        outcome = train_and_evaluate(
            run.data,
            recipe,
            run.method,
            options,
            run.seed,
            on_progress,
            _checkpoint(run, folder),
        )
        outcome.update(settled)
    except Exception as error:  # One bad run must not cost the others.
        if process_count() > 1 and not isinstance(error, FloatingPointError):
            raise  # The other hosts may still be in this run: it ends for all.
        return _record(
            run,
            status="failed",
            error=f"{type(error).__name__}: {error}",
            traceback=traceback.format_exc(),
        )
    return _record(run, status="finished", **outcome)


def _one_by_one(plan, folder, runs, records, progress, interruption):
    """Trains runs in this process; yields each with its record."""
    for run in runs:
        interruption.check()
        progress.begin_run(run)

        def on_progress(epoch, steps, run=run):
            interruption.check()
            progress.advance(run, epoch, steps)

        after = [records[other.id] for other in run.after]
        yield run, train_run(run, after, folder, on_progress)


def _beside(count, plan, folder, runs, records, progress, interruption):
    """Trains runs in a number of processes; yields each with its record, once done."""
    waiting, busy = list(runs), {}
    with Workers(count, functools.partial(_train_elsewhere, plan, folder)) as workers:
        while waiting or busy:
            interruption.check()
            for run in _ready(waiting, records)[: workers.idle]:
                waiting.remove(run)
                busy[run.id] = run
                progress.begin_run(run)
                after = [records[other.id] for other in run.after]
                workers.begin(run.id, (run.id, after))
            for key, kind, value in workers.events(_SECONDS_TO_WAIT):
                if kind == "progress":
                    progress.advance(busy[key], *value)
                elif kind == "result":
                    yield busy.pop(key), value
                else:
                    error = f"ChildProcessError: {value}."
                    run = busy.pop(key)
                    yield run, _record(run, status="failed", error=error)


def _ready(runs, records):
    """Returns those runs that need not wait for another."""
    return [run for run in runs if all(other.id in records for other in run.after)]


def _train_elsewhere(plan, folder, task, on_progress):
    """Does `train_run` in a process that knows the plan."""
    run_id, after = task
    runs = {run.id: run for run in plan.training_order()}
    if run_id not in runs:
        raise RuntimeError("keras_ccar was changed while it ran; start again.")
    return train_run(runs[run_id], after, folder, on_progress)
