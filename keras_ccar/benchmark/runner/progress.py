"""Progress of a whole plan on the terminal."""

from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class PlanProgress:
    """One bar for the plan, with the time left, and one for each run under way.

    Args:
        console: the `rich.console.Console` to draw on.
    """

    def __init__(self, console):
        self._console = console
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            # Compilation at the start of each run makes short-term speed jump.
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            speed_estimate_period=600,
        )
        self._plan = None
        self._runs = {}
        self._epochs_done = {}
        self._finished = 0
        self._total = 0

    def __enter__(self):
        self._bars.start()
        return self

    def __exit__(self, *exception):
        self._bars.stop()

    def begin(self, runs, epochs_done):
        """Begins the plan.

        Args:
            runs: all of its `keras_ccar.benchmark.runner.plan.Run`s.
            epochs_done: by the id of every run that is not finished, how many of its
                epochs need not be trained again.
        """
        self._total = len(runs)
        self._epochs_done = epochs_done
        self._finished = self._total - len(epochs_done)
        if self._finished:
            self._console.print(
                f"{self._finished} of {self._total} runs are finished already."
            )
        steps = sum(
            (run.recipe.epochs - epochs_done[run.id]) * run.steps_per_epoch
            for run in runs
            if run.id in epochs_done
        )
        # Only what is left to do tells the speed.
        self._plan = self._bars.add_task(self._plan_name(), total=steps)

    def begin_run(self, run):
        """Begins a run.

        Args:
            run: the `keras_ccar.benchmark.runner.plan.Run`.
        """
        epoch = self._epochs_done[run.id]
        if epoch:
            self._say(run, f"goes on after epoch {epoch} of {run.recipe.epochs}")
        self._runs[run.id] = self._bars.add_task(
            _name(run),
            total=run.recipe.epochs * run.steps_per_epoch,
            completed=epoch * run.steps_per_epoch,
        )

    def advance(self, run, epoch, steps):
        """Adds steps to a run.

        Args:
            run: the `keras_ccar.benchmark.runner.plan.Run`.
            epoch: epoch of the steps, counted from 0.
            steps: number of steps done since the last call.
        """
        self._bars.update(
            self._runs[run.id],
            advance=steps,
            description=f"{_name(run)}, epoch {epoch + 1}/{run.recipe.epochs}",
        )
        self._bars.advance(self._plan, steps)

    def end_run(self, run, record):
        """Ends a run and prints what it reached.

        Args:
            run: the `keras_ccar.benchmark.runner.plan.Run`.
            record: its record, as on disk.
        """
        bar = self._runs.pop(run.id)
        (task,) = (task for task in self._bars.tasks if task.id == bar)
        # A failed run leaves steps undone that nobody waits for any more.
        self._bars.advance(self._plan, task.remaining)
        self._bars.remove_task(bar)
        self._finished += 1
        self._bars.update(self._plan, description=self._plan_name())
        if record["status"] == "finished":
            self._say(
                run,
                f"balanced accuracy {record['balanced']:.2f} %, "
                f"{record['seconds']:.1f} s",
            )
        else:
            self._say(run, f"failed: {record['error']}")

    def _plan_name(self):
        return f"plan: {self._finished} of {self._total} runs done"

    def _say(self, run, text):
        self._console.print(
            f"{_name(run)}: {text}", markup=False, highlight=False, soft_wrap=True
        )


def _name(run):
    return f"{run.method.name}, seed {run.seed}"
