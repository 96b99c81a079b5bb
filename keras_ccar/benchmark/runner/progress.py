"""Progress of a whole plan on the terminal."""

from collections.abc import Sequence
from typing import Self

from rich import progress
from rich.console import Console

from keras_ccar.benchmark.comparison import RunEntry, describe_column
from keras_ccar.benchmark.runner.plan_base import BaseRun


class PlanProgress:
    """One bar for the plan, with the time left, and one for each run being trained."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = progress.Progress(
            progress.SpinnerColumn(),
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.TaskProgressColumn(),
            progress.TimeElapsedColumn(),
            progress.TextColumn("left"),
            progress.TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            # Compilation at the start of each run makes the short-term speed jump.
            speed_estimate_period=600,
        )
        self._plan = progress.TaskID(0)
        self._runs: dict[str, progress.TaskID] = {}
        self._epochs_done: dict[str, int] = {}
        self._finished = 0
        self._total = 0

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bars.stop()

    def begin(self, runs: Sequence[BaseRun], epochs_done: dict[str, int]) -> None:
        """Adds the bar of a plan with these runs, of which some may be finished.

        `epochs_done` maps the id of an unfinished run to the epochs in its checkpoint.
        """
        self._total = len(runs)
        self._epochs_done = epochs_done
        self._finished = self._total - len(epochs_done)
        if self._finished:
            self._console.print(
                f"{self._finished} of {self._total} runs are finished already."
            )
        # The bar leaves out the epochs already trained, which would distort the speed.
        steps = sum(
            (run.epochs - epochs_done[run.id]) * run.steps_per_epoch
            for run in runs
            if run.id in epochs_done
        )
        self._plan = self._bars.add_task(self._plan_name(), total=steps)

    def begin_run(self, run: BaseRun) -> None:
        """Adds the bar of a run."""
        epoch = self._epochs_done[run.id]
        if epoch:
            self._say(run, f"goes on after epoch {epoch} of {run.epochs}")
        self._runs[run.id] = self._bars.add_task(
            _name(run),
            total=run.epochs * run.steps_per_epoch,
            completed=epoch * run.steps_per_epoch,
        )

    def advance(self, run: BaseRun, epoch: int, steps: int) -> None:
        """Adds steps of an epoch, counted from 0, to the bars of run and plan."""
        self._bars.update(
            self._runs[run.id],
            advance=steps,
            description=f"{_name(run)}, epoch {epoch + 1}/{run.epochs}",
        )
        self._bars.advance(self._plan, steps)

    def end_run(self, run: BaseRun, record: RunEntry) -> None:
        """Removes the bar of a run and prints its result."""
        bar = self._runs.pop(run.id)
        (task,) = (task for task in self._bars.tasks if task.id == bar)
        # A failed run leaves steps that are not going to be trained.
        self._bars.advance(self._plan, task.remaining or 0)
        self._bars.remove_task(bar)
        self._finished += 1
        self._bars.update(self._plan, description=self._plan_name())
        if record["status"] == "finished":
            self._say(run, f"{_result(run, record)}, {record['seconds']:.1f} s")
        else:
            self._say(run, f"failed: {record['error']}")

    def _plan_name(self) -> str:
        return f"plan: {self._finished} of {self._total} runs done"

    def _say(self, run: BaseRun, text: str) -> None:
        self._console.print(
            f"{_name(run)}: {text}", markup=False, highlight=False, soft_wrap=True
        )


def _result(run: BaseRun, record: RunEntry) -> str:
    """Returns the number that decides which method is best, with its name."""
    column, value = describe_column(run.metric, run.metrics), record[run.metric]
    if value is None:
        return f"{column.phrase} unknown"
    shown = f"{value:.2f} %" if column.is_percent else f"{value:.4f}"
    return f"{column.phrase} {shown}"


def _name(run: BaseRun) -> str:
    return f"{run.method_name}, seed {run.seed}"
