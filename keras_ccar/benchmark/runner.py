"""The plan of a comparison, and how it is carried out, stopped and resumed."""

import contextlib
import dataclasses
import datetime
import functools
import hashlib
import json
import re
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_ccar.benchmark import provenance
from keras_ccar.benchmark.checkpoint import Checkpoint
from keras_ccar.benchmark.controls import settle, tuning_settings
from keras_ccar.benchmark.methods import LossOptions, Method, get_method
from keras_ccar.benchmark.models import build_model
from keras_ccar.benchmark.recipes import Recipe
from keras_ccar.benchmark.storage import plain, read_json, remove_file, write_json
from keras_ccar.benchmark.training import image_shape, train_and_evaluate
from keras_ccar.benchmark.workers import Workers
from keras_ccar.datasets import subset_digest
from keras_ccar.replicas import process_count

# To be raised when a run file changes its meaning.
RUN_FORMAT = 1
RUNS_FOLDER = "runs"
CHECKPOINTS_FOLDER = "checkpoints"
# In which Ctrl-C is noticed while nothing happens.
_SECONDS_TO_WAIT = 0.2


@dataclass(frozen=True)
class Run:
    """One training: a method under a recipe with a seed.

    Attributes:
        method: the `Method`.
        seed: its seed.
        data: the `LongTailedData` it is trained and evaluated on.
        recipe: the `Recipe`.
        options: the `LossOptions`.
        identity: everything that the result depends on, as plain JSON.
        after: runs whose results decide settings of this one.
    """

    method: Method
    seed: int
    data: Any
    recipe: Recipe
    options: LossOptions
    identity: dict
    after: tuple["Run", ...] = ()

    @property
    def id(self):
        """A digest of the identity."""
        text = json.dumps(self.identity, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def file_name(self):
        """Name of the files that keep the run, readable and without clashes."""
        method = re.sub(r"[^a-z0-9]+", "-", self.method.name)
        return f"{method}-seed{self.seed}-{self.id}"

    @property
    def steps_per_epoch(self):
        """Number of training steps of an epoch."""
        return self.recipe.steps_per_epoch(int(self.data.class_counts.sum()))


@dataclass(frozen=True)
class Plan:
    """What a comparison trains.

    Attributes:
        data: a `keras_ccar.datasets.LongTailedData`.
        recipe: the `Recipe` of all runs.
        methods: the `Method`s.
        seeds: the seeds.
        options: the `LossOptions`.
        tuning_data: the data with validation images in place of the test set, on
            which methods with a tuned learning rate choose it. None where no method
            does.
    """

    data: Any
    recipe: Recipe
    methods: tuple[Method, ...]
    seeds: tuple[int, ...]
    options: LossOptions
    tuning_data: Any = None

    @functools.cached_property
    def test_digest(self):
        """Names the test set, as the data's digest names the training set."""
        return _test_digest(self.data)

    @functools.cached_property
    def _tuning_digest(self):
        return _test_digest(self.tuning_data)

    def runs(self):
        """Returns the runs, seed by seed, so that whole rows are done early."""
        return [
            self._run(method, seed) for seed in self.seeds for method in self.methods
        ]

    def training_order(self):
        """Returns the runs and those that they come after, each once, these first."""
        ordered = {}
        for run in self.runs():
            for each in (*run.after, run):
                ordered.setdefault(each.id, each)
        return list(ordered.values())

    def __getstate__(self):
        # For other processes. Methods hold functions, which do not travel.
        return {**self.__dict__, "methods": [method.name for method in self.methods]}

    def __setstate__(self, state):
        methods = tuple(get_method(name) for name in state["methods"])
        self.__dict__.update({**state, "methods": methods})

    def check(self):
        """Builds the network and the losses once, so that bad settings fail early.

        Raises:
            ValueError: if a setting is one that a loss or the network rejects.
        """
        build_model(
            self.recipe.model,
            image_shape(self.data, self.recipe),
            len(self.data.class_counts),
        )
        self.runs()

    def _run(self, method, seed):
        after = self._after(method, seed)
        return self._run_on(
            self.data, self.test_digest, self.recipe, method, seed, after
        )

    def _after(self, method, seed):
        if method.scaled_by:
            return (self._run(get_method(method.scaled_by), seed),)
        if not method.learning_rate_factors:
            return ()
        if self.tuning_data is None:
            raise ValueError(
                f"method {method.name!r} needs tuning_data to choose its learning rate "
                "on; received None."
            )
        # The same number of steps, which take more epochs of fewer images.
        recipe = self.recipe.for_examples(self.tuning_data.class_counts.sum())
        return tuple(
            self._run_on(self.tuning_data, self._tuning_digest, *settings)
            for settings in tuning_settings(method, recipe)
        )

    def _run_on(self, data, test_digest, recipe, method, seed, after=()):
        class_counts = data.class_counts.tolist()
        settings = dataclasses.asdict(recipe)
        identity = {
            "format": RUN_FORMAT,
            "dataset": data.name,
            "imbalance_factor": data.imbalance_factor,
            "digest": data.digest,
            "test_digest": test_digest,
            "recipe": settings,
            "method": method.name,
            # Holds every setting of the loss, and nothing of other methods.
            **method.configuration(class_counts, self.options),
            "after": [run.id for run in after],
            "seed": seed,
            **provenance.decisive(provenance.environment(), settings),
        }
        return Run(method, seed, data, recipe, self.options, plain(identity), after)


def _test_digest(data):
    # A streamed test set is a whole split of the data set that is named.
    return data.test_arrays and subset_digest(*data.test_arrays)


def load_run(run, folder):
    """Returns the record of a run that is on disk, None if it has to be trained.

    Args:
        run: the `Run`.
        folder: the folder of the comparison.
    """
    try:
        record = read_json(_record_path(run, folder))
    except (FileNotFoundError, ValueError):
        return None
    is_this_run = isinstance(record, dict) and record.get("identity") == run.identity
    return record if is_this_run and record.get("status") == "finished" else None


def carry_out(plan, folder, progress, interruption, parallel=1):
    """Trains the runs of a plan that are not on disk yet.

    A run is on disk as soon as it is finished, and its state after some epochs before
    that: a plan that was killed goes on from there. A run that fails is recorded with
    its error, and tried again when the plan is carried out again.

    Args:
        plan: the `Plan`.
        folder: the folder of the comparison.
        progress: a `keras_ccar.benchmark.progress.PlanProgress`.
        interruption: a `keras_ccar.benchmark.interruption.Interruption`.
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


def _record(run, **outcome):
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return plain(
        {
            "id": run.id,
            "method": run.method.name,
            "seed": run.seed,
            "identity": run.identity,
            "environment": provenance.environment(),
            **outcome,
            "date": now,
        }
    )


def _record_path(run, folder):
    return Path(folder) / RUNS_FOLDER / f"{run.file_name}.json"


def _checkpoint(run, folder):
    path = Path(folder) / CHECKPOINTS_FOLDER / f"{run.file_name}.npz"
    return Checkpoint(path, run.identity)
