"""The plan of a comparison, and how it is carried out, stopped and resumed."""

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

import keras

from keras_ccar.benchmark import provenance
from keras_ccar.benchmark.methods import LossOptions, Method
from keras_ccar.benchmark.models import build_model
from keras_ccar.benchmark.recipes import Recipe
from keras_ccar.benchmark.storage import plain, read_json, write_json
from keras_ccar.benchmark.training import train_and_evaluate
from keras_ccar.datasets import subset_digest

# To be raised when a run file changes its meaning.
RUN_FORMAT = 1
RUNS_FOLDER = "runs"


@dataclass(frozen=True)
class Run:
    """One training: a method under a recipe with a seed.

    Attributes:
        method: the `Method`.
        seed: its seed.
        loss: the loss that the method trains with.
        identity: everything that the result depends on, as plain JSON.
    """

    method: Method
    seed: int
    loss: keras.losses.Loss
    identity: dict

    @property
    def id(self):
        """A digest of the identity."""
        text = json.dumps(self.identity, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def file_name(self):
        """Name of the file that keeps the run, readable and without clashes."""
        method = re.sub(r"[^a-z0-9]+", "-", self.method.name)
        return f"{method}-seed{self.seed}-{self.id}.json"


@dataclass(frozen=True)
class Plan:
    """What a comparison trains.

    Attributes:
        data: a `keras_ccar.datasets.LongTailedData`.
        recipe: the `Recipe` of all runs.
        methods: the `Method`s.
        seeds: the seeds.
        options: the `LossOptions`.
    """

    data: Any
    recipe: Recipe
    methods: tuple[Method, ...]
    seeds: tuple[int, ...]
    options: LossOptions

    @functools.cached_property
    def test_digest(self):
        """Names the test set, as the data's digest names the training set."""
        return subset_digest(*self.data.test_arrays)

    def runs(self):
        """Returns the runs, seed by seed, so that whole rows are done early."""
        return [
            self._run(method, seed) for seed in self.seeds for method in self.methods
        ]

    @property
    def steps_per_run(self):
        """Number of training steps of one run."""
        examples = len(self.data.train_arrays[1])
        return -(-examples // self.recipe.batch_size) * self.recipe.epochs

    def check(self):
        """Builds the network and the losses once, so that bad settings fail early.

        Raises:
            ValueError: if a setting is one that a loss or the network rejects.
        """
        build_model(
            self.recipe.model,
            self.data.train_arrays[0].shape[1:],
            len(self.data.class_counts),
        )
        self.runs()

    def _run(self, method, seed):
        loss = method.build_loss(self.data.class_counts.tolist(), self.options)
        environment = provenance.environment()
        backend = environment["backend"]
        identity = {
            "format": RUN_FORMAT,
            "dataset": self.data.name,
            "imbalance_factor": self.data.imbalance_factor,
            "digest": self.data.digest,
            "test_digest": self.test_digest,
            "recipe": dataclasses.asdict(self.recipe),
            "method": method.name,
            # Holds every setting of the loss, and nothing of other methods.
            "loss": keras.saving.serialize_keras_object(loss),
            "seed": seed,
            # Numbers differ a little between backends and versions, and more than
            # that when the code changed. Hardware is recorded, but a plan may be
            # finished on another machine.
            "backend": backend,
            "versions": {
                package: environment["versions"][package]
                for package in ("keras_ccar", "keras", "numpy", backend)
            },
            "code": environment["code"],
        }
        return Run(method, seed, loss, plain(identity))


def load_run(run, folder):
    """Returns the record of a run that is on disk, None if it has to be trained.

    Args:
        run: the `Run`.
        folder: the folder of the comparison.
    """
    try:
        record = read_json(Path(folder) / RUNS_FOLDER / run.file_name)
    except (FileNotFoundError, ValueError):
        return None
    is_this_run = isinstance(record, dict) and record.get("identity") == run.identity
    return record if is_this_run and record.get("status") == "finished" else None


def carry_out(plan, folder, progress, interruption):
    """Trains the runs of a plan that are not on disk yet.

    Every finished run is on disk before the next one begins. A run that fails is
    recorded with its error, and tried again when the plan is carried out again.

    Args:
        plan: the `Plan`.
        folder: the folder of the comparison.
        progress: a `keras_ccar.benchmark.progress.PlanProgress`.
        interruption: a `keras_ccar.benchmark.interruption.Interruption`.

    Yields:
        The records of all runs, in the order of the plan, as they are done.

    Raises:
        KeyboardInterrupt: after Ctrl-C, between two steps.
    """
    folder = Path(folder)
    runs = plan.runs()
    records = {run.id: load_run(run, folder) for run in runs}
    progress.begin(
        total=len(runs), waiting=sum(record is None for record in records.values())
    )
    for run in runs:
        record = records[run.id]
        if record is None:
            interruption.check()
            progress.begin_run(run)

            def on_progress(epoch, steps):
                interruption.check()
                progress.advance(epoch, steps)

            record = _train(run, plan, on_progress)
            write_json(folder / RUNS_FOLDER / run.file_name, record)
            progress.end_run(record)
        yield record


def _train(run, plan, on_progress):
    record = {
        "id": run.id,
        "method": run.method.name,
        "seed": run.seed,
        "identity": run.identity,
        "environment": provenance.environment(),
    }
    try:
        outcome = train_and_evaluate(
            plan.data, plan.recipe, run.loss, run.seed, on_progress
        )
    except Exception as error:  # One bad run must not cost the others.
        outcome = {
            "status": "failed",
            "error": f"{type(error).__name__}: {error}",
            "traceback": traceback.format_exc(),
        }
    else:
        outcome = {"status": "finished", **outcome}
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return plain({**record, **outcome, "date": now})
