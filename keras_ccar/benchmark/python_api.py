"""`compare`: a comparison from Python, by the same steps as `keras-ccar compare`."""

import contextlib
import functools
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console

from keras_ccar.benchmark.comparison import Comparison, RunEntry
from keras_ccar.benchmark.report.console import say
from keras_ccar.benchmark.report.sentences.facts import describe_speed
from keras_ccar.benchmark.report.sentences.wording import shorten_error
from keras_ccar.benchmark.report.write import write_and_show_report
from keras_ccar.benchmark.runner import earlier_results, results, speed_trial
from keras_ccar.benchmark.runner.execution import run_plan
from keras_ccar.benchmark.runner.folder_lock import lock_folder
from keras_ccar.benchmark.runner.interruption import Interruption
from keras_ccar.benchmark.runner.plan import Plan
from keras_ccar.benchmark.runner.plan_base import BasePlan
from keras_ccar.benchmark.runner.progress import PlanProgress
from keras_ccar.benchmark.runner.records import RUNS_FOLDER
from keras_ccar.benchmark.runner.request import CompareRequest
from keras_ccar.replicas import process_index


class Request(Protocol):
    """What `train` needs to know of a request beside its plan."""

    parallel: int

    @property
    def folder(self) -> Path:
        """The folder of the comparison."""

    def command_line(self, plan: Any, comparison: Comparison) -> str:
        """Returns what reproduces the results of a plan."""


def compare(
    dataset: str,
    methods: Sequence[str] = (),
    seeds: int = 5,
    *,
    recipe: str | None = None,
    recipe_settings: Mapping[str, Any] | None = None,
    loss_settings: Mapping[str, Any] | None = None,
    imbalance_factor: float | None = None,
    data_seed: int = 0,
    data_dir: str | None = None,
    smoke: bool = False,
    parallel: int = 1,
    fixed_speed_settings: bool = False,
    output: str | Path | None = None,
) -> Comparison:
    """Trains methods on a data set, and writes results and a report.

    It does what `keras-ccar compare` does, with progress on the terminal. Finished runs
    are kept in `output`, so after Ctrl-C the same call trains only what is missing.
    New results are added to those of the same data, recipe and settings in `output`;
    other results there move to the subfolder `earlier`. Failed runs raise no error:
    they are in `failed` of the result. To share batches among devices or hosts, use the
    command.

    Args:
        dataset: name of the data set: "digits-lt", "cifar10-lt", "cifar100-lt",
            "imagenet-lt" or "inaturalist2018".
        methods: names of methods, such as "ce" or "ccar[strength=3,normalize]", as
            listed by `keras-ccar compare --help`. Defaults to "ce", "bs", "ccar" and
            "ccar+la" for "digits-lt", else to all.
        seeds: number of seeds; each method is trained with the seeds 0 to `seeds` - 1.
        recipe: name of the recipe. Defaults to the first for the data set.
        recipe_settings: settings that replace the recipe's own, such as
            `{"epochs": 10}`: the options of the command, with underscores. With
            `{"tune_learning_rate": True}`, the learning rate of every method is chosen
            on validation images.
        loss_settings: settings of the losses, such as `{"strength": 3}`.
        imbalance_factor: examples of the most frequent class over those of the rarest.
            Defaults to that of the data set.
        data_seed: seed that chooses the training examples.
        data_dir: where tensorflow-datasets keeps its data. Defaults to the environment
            variable TFDS_DATA_DIR, or to its own choice.
        smoke: whether to shrink the recipe to minutes, to see that everything runs.
        parallel: number of runs to train at a time, each in its own process. If above
            1, a script must call `compare` below `if __name__ == "__main__":`.
        fixed_speed_settings: whether to compute runs as the recipe says. Otherwise a
            plan that seems longer than half an hour begins with up to a minute of
            measuring what trains fastest here; the choice is kept in `output`.
        output: folder for runs, results and report. Defaults to `runs/<dataset>`.

    Returns:
        The `Comparison` with all results in `output`.

    Raises:
        ValueError: if an argument is unknown or out of range.
        FileNotFoundError: if the data set is not prepared; says what to do.
        ModuleNotFoundError: if a library is missing; says which.
        FolderInUseError: if another comparison is using the folder.

    Example:
    ```python
    from keras_ccar.benchmark import compare

    comparison = compare(
        "digits-lt", ["ce", "ccar"], seeds=1, recipe_settings={"epochs": 2}
    )
    print(comparison.finished[["method", "balanced"]])
    ```
    """
    request = CompareRequest(
        dataset,
        methods,
        seeds,
        recipe,
        {} if recipe_settings is None else recipe_settings,
        {} if loss_settings is None else loss_settings,
        imbalance_factor,
        data_seed,
        data_dir,
        smoke,
        parallel,
        fixed_speed_settings=fixed_speed_settings,
        output=output,
    )
    console = Console()
    with without_compilation_warnings():
        plan = request.build_plan()
        comparison, failed = train(request, plan, console)
        write_and_show(comparison, failed, request.folder, console)
    return comparison


def train(
    request: Request, plan: BasePlan, console: Console
) -> tuple[Comparison, list[RunEntry]]:
    """Trains what is missing of a plan, and writes results after every run.

    Returns:
        All results in the folder of the request, and the runs of the plan that failed.

    Raises:
        FolderInUseError: if another comparison is using the folder.
        KeyboardInterrupt: after Ctrl-C, once the terminal says what is kept.
    """
    folder = request.folder
    if process_index():
        console = Console(quiet=True)  # Only the first host prints and writes.
    for line in plan.describe():
        say(console, line)
    records: list[RunEntry] = []
    try:
        with contextlib.ExitStack() as stack:
            stack.enter_context(lock_folder(folder))
            interruption = stack.enter_context(Interruption())
            results.remove_half_written(folder)
            plan, variables, speed = _settle_speed(
                request, plan, folder, interruption, console
            )
            earlier = _take_earlier_results(plan, folder, console)
            progress = stack.enter_context(PlanProgress(console))
            stages = run_plan(
                plan, folder, progress, interruption, request.parallel, variables
            )
            stack.enter_context(contextlib.closing(stages))
            for records in stages:
                comparison = results.build_results(plan, records)
                if earlier is not None:
                    comparison = earlier_results.merge_results(earlier, comparison)
                comparison.folder, comparison.speed = folder, speed
                comparison.command = request.command_line(plan, comparison)
                results.write_results(comparison, folder)
    except KeyboardInterrupt:
        say(
            console,
            f"Stopped. {len(records)} of {len(plan.runs())} runs are finished and kept "
            f"in {folder / RUNS_FOLDER}. The same command goes on from there.",
        )
        raise
    return comparison, results.build_results(plan, records).failed


def _settle_speed(
    request: Request,
    plan: BasePlan,
    folder: Path,
    interruption: Interruption,
    console: Console,
) -> tuple[BasePlan, dict[str, str], dict[str, Any]]:
    """Chooses how a plan is computed: the plan, environment variables, the choice.

    The choice is empty if nothing was chosen, as for plans on the user's own data.
    """
    if not isinstance(request, CompareRequest) or not isinstance(plan, Plan):
        return plan, {}, {}
    choice = speed_trial.choose_speed_settings(
        request, plan, folder, interruption, functools.partial(say, console)
    )
    if choice is None:
        return plan, {}, {}
    say(console, describe_speed(choice))
    return *speed_trial.apply_choice(request, plan, choice), choice


def write_and_show(
    comparison: Comparison, failed: list[RunEntry], folder: Path, console: Console
) -> None:
    """Writes the report, and shows it and the runs that failed on the terminal."""
    if process_index():
        return
    write_and_show_report(comparison, folder, console)
    for run in failed:
        error = shorten_error(run["error"])
        say(console, f"Failed: {run['method']}, seed {run['seed']}: {error}")


def _take_earlier_results(
    plan: BasePlan, folder: Path, console: Console
) -> Comparison | None:
    """Returns results in the folder that can be merged; archives any others."""
    if process_index():
        return None
    new = results.build_results(plan, [])
    earlier = earlier_results.find_mergeable_results(new, folder)
    if earlier is None and (archive := earlier_results.archive_results(folder)):
        said = (
            f"What {folder} held is of another comparison (data, recipe, settings, "
            f"code or versions), and is in {archive} now."
        )
        if "kind" in new.dataset:
            said += (
                " These are numbers and reports alone, which cannot predict: use "
                "another folder for each comparison whose model you want to keep."
            )
        say(console, said)
    return earlier


@contextlib.contextmanager
def without_compilation_warnings() -> Iterator[None]:
    """Mutes TensorFlow's warning that every run has its own model to compile."""
    logger = logging.getLogger("tensorflow")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
