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
    """One bar for the plan, with the time left, and one for the run under way.

    Args:
        console: the `rich.console.Console` to draw on.
        steps_per_run: training steps of one run.
        epochs: epochs of one run.
    """

    def __init__(self, console, steps_per_run, epochs):
        self._console = console
        self._steps_per_run = steps_per_run
        self._epochs = epochs
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
        self._run = None
        self._number = 0
        self._total = 0
        self._name = ""

    def __enter__(self):
        self._bars.start()
        return self

    def __exit__(self, *exception):
        self._bars.stop()

    def begin(self, total, waiting):
        """Begins the plan.

        Args:
            total: number of runs in the plan.
            waiting: number of those that have to be trained.
        """
        self._total = total
        self._number = total - waiting
        if waiting < total:
            self._console.print(
                f"{total - waiting} of {total} runs are finished already."
            )
        self._plan = self._bars.add_task("plan", total=waiting * self._steps_per_run)

    def begin_run(self, run):
        """Begins a run.

        Args:
            run: the `keras_ccar.benchmark.runner.Run`.
        """
        self._number += 1
        self._name = f"{run.method.name}, seed {run.seed}"
        self._bars.update(
            self._plan, description=f"plan: run {self._number} of {self._total}"
        )
        self._run = self._bars.add_task(self._name, total=self._steps_per_run)

    def advance(self, epoch, steps):
        """Adds steps to the run under way.

        Args:
            epoch: epoch of the steps, counted from 0.
            steps: number of steps done since the last call.
        """
        self._bars.update(
            self._run,
            advance=steps,
            description=f"{self._name}, epoch {epoch + 1}/{self._epochs}",
        )
        self._bars.advance(self._plan, steps)

    def end_run(self, record):
        """Ends a run and prints what it reached.

        Args:
            record: the run's record, as on disk.
        """
        # A failed run leaves steps undone that nobody waits for any more.
        missing = self._steps_per_run - self._bars.tasks[-1].completed
        self._bars.advance(self._plan, missing)
        self._bars.remove_task(self._run)
        if record["status"] == "finished":
            outcome = (
                f"balanced accuracy {record['balanced']:.2f} %, "
                f"{record['seconds']:.1f} s"
            )
        else:
            outcome = f"failed: {record['error']}"
        self._console.print(
            f"{self._name}: {outcome}", markup=False, highlight=False, soft_wrap=True
        )
