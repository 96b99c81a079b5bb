"""What a comparison on the user's own data was asked for, and how it is done."""

import contextlib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
from rich.console import Console

from keras_ccar.arguments import (
    argument_error,
    check_boolean,
    check_function,
    check_number,
    check_path,
    check_text,
    check_whole_number,
    optional,
)
from keras_ccar.benchmark.comparison import Comparison, RunEntry
from keras_ccar.benchmark.own_data.planning.columns import check_metric
from keras_ccar.benchmark.own_data.planning.loss_choice import check_losses
from keras_ccar.benchmark.own_data.planning.make_plan import build_plan
from keras_ccar.benchmark.own_data.planning.plan import OwnPlan
from keras_ccar.benchmark.own_data.training.training_parts import (
    check_callbacks,
    check_metrics,
    check_optimizer,
)
from keras_ccar.benchmark.own_data.unknown_labels import UnknownLabels
from keras_ccar.benchmark.python_api import (
    train,
    without_compilation_warnings,
    write_and_show,
)
from keras_ccar.benchmark.runner.workers import allow_shared_accelerators
from keras_ccar.inputs.class_names import check_class_names

_MOST_RUNS = 1_000_000
_SECONDS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600}
_BUDGET = "seconds above 0, or a text such as '90s', '10m' or '2h'"


@dataclass
class OwnRequest:
    """A comparison on the user's own data, from Python or from the command line.

    Attributes:
        build_model: returns a new uncompiled `keras.Model`; or takes a loss and returns
            a compiled one.
        train, validation, test: arrays `(x, y)`, a `tf.data.Dataset`, a torch
            `DataLoader` or a `keras.utils.PyDataset` of batches, or a function that
            returns one of them.
        losses: names to losses, or to functions from class counts to losses; None for a
            set that suits the output of the model.
        class_counts: examples of each class in `train`; None to count them.
        class_names: a name for each class; None for their numbers.
        ignore_class: the label of examples that do not count, or None.
        ignore_value: what stands for an unknown answer to a yes-or-no label, or None.
        seeds: number of seeds, which are 0 to `seeds` - 1.
        epochs, batch_size: of each training; data in batches keep theirs.
        optimizer: a Keras optimizer, its name, or a function that returns one.
        metrics: Keras metrics that are reported too.
        callbacks: Keras callbacks, or a function that returns a list of them.
        metric: what decides which method is best.
        output: the folder of the comparison.
        budget: seconds, or a text such as "10m"; None for no limit.
        name: what reports call the data.
        command: the command line that makes the results again; None if there is none.
        smoke: whether to train one epoch with one seed, to see that everything runs.
        parallel: number of runs trained at a time, each in its own process.

    Raises:
        ValueError: if arguments are out of range.
    """

    build_model: Callable[..., Any]
    train: Any
    validation: Any
    test: Any = None
    losses: Mapping[str, Any] | Sequence[str] | None = None
    class_counts: Any = None
    class_names: Sequence[str] | None = None
    seeds: int = 5
    epochs: int = 20
    batch_size: int = 32
    optimizer: Any = None
    metrics: Sequence[Any] = ()
    callbacks: Any = None
    metric: str = "balanced_accuracy"
    output: str | Path = "runs/mine"
    budget: float | str | None = None
    name: str = "your data"
    command: str | None = None
    smoke: bool = False
    parallel: int = 1
    ignore_class: int | None = None
    ignore_value: float | None = None

    def __post_init__(self) -> None:
        expected = "a function that returns a new `keras.Model`"
        if isinstance(self.build_model, keras.Model):
            advice = "Put the lines that make it into a function, which is called anew."
            raise argument_error("build_model", self.build_model, expected, advice)
        check_function("build_model", self.build_model, expected)
        for name in ("train", "validation"):
            if getattr(self, name) is None:
                raise argument_error(name, None, "data: `(x, y)`, or batches of these")
        self.losses = check_losses(self.losses)
        if self.class_names is not None:
            self.class_names = check_class_names(self.class_names)
        UnknownLabels(self.ignore_class, self.ignore_value)
        self.seeds = check_whole_number("seeds", self.seeds, 1, _MOST_RUNS)
        self.epochs = check_whole_number("epochs", self.epochs, 1, _MOST_RUNS)
        self.batch_size = check_whole_number("batch_size", self.batch_size, 1)
        check_optimizer(self.optimizer)
        self.metrics = check_metrics(self.metrics)
        check_callbacks(self.callbacks)
        check_metric(self.metric)
        self.output = Path(check_path("output", self.output))
        self.budget = _read_budget(self.budget)
        self.name = check_text("name", self.name)
        optional(check_text, "command", self.command)
        self.smoke = check_boolean("smoke", self.smoke)
        self.parallel = check_whole_number("parallel", self.parallel, 1, _MOST_RUNS)

    @property
    def folder(self) -> Path:
        """The folder of the comparison."""
        return Path(self.output)

    def build_plan(self, console: Console) -> OwnPlan:
        """Reads the data, builds the model once, and returns the plan.

        Raises:
            ValueError: if model, data and losses do not fit each other.
        """
        if self.parallel > 1:
            allow_shared_accelerators()
        return build_plan(self, console)

    def command_line(self, plan: Any, comparison: Comparison) -> str:
        """Returns what reproduces the results: the command, or none."""
        return self.command or ""


def run_own(request: OwnRequest, console: Console) -> tuple[Comparison, list[RunEntry]]:
    """Trains what is missing in the folder, and writes results and report.

    Returns:
        All results in the folder, and the runs that failed.

    Raises:
        ValueError: if model, data and losses do not fit each other.
        FolderInUseError: if another comparison is using the folder.
        KeyboardInterrupt: after Ctrl-C, once the terminal says what is kept.
    """
    with without_compilation_warnings():
        plan = request.build_plan(console)
        comparison, failed = train(request, plan, console)
        write_and_show(comparison, failed, request.folder, console)
    return comparison, failed


def _read_budget(budget: Any) -> float | None:
    """Returns a time as seconds."""
    if budget is None:
        return None
    seconds = math.nan
    if isinstance(budget, str):
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|m|min|h|)\s*", budget)
        seconds = float(match[1]) * _SECONDS[match[2]] if match else math.nan
    else:
        with contextlib.suppress(ValueError):
            seconds = check_number("budget", budget)
    if not 0 < seconds < math.inf:
        raise argument_error("budget", budget, _BUDGET)
    return seconds
