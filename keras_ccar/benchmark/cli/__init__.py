"""The `keras-ccar` command."""

import argparse
import contextlib
import dataclasses
import logging
import shlex
import sys
from pathlib import Path

import keras
from rich.console import Console

from keras_ccar import datasets
from keras_ccar.benchmark.comparison import Comparison, comparison_folders
from keras_ccar.benchmark.report import page, training_report
from keras_ccar.benchmark.report.console import console_tables, say
from keras_ccar.benchmark.report.figures import draw_all
from keras_ccar.benchmark.report.measurements import read_measurements
from keras_ccar.benchmark.report.sections import failed_runs
from keras_ccar.benchmark.report.verdicts import verdicts
from keras_ccar.benchmark.report.write import write_report
from keras_ccar.benchmark.runner.execution import run_plan
from keras_ccar.benchmark.runner.interruption import Interruption
from keras_ccar.benchmark.runner.plan import Plan
from keras_ccar.benchmark.runner.progress import PlanProgress
from keras_ccar.benchmark.runner.records import RUNS_FOLDER
from keras_ccar.benchmark.runner.results import (
    archive_results,
    build_results,
    find_mergeable_results,
    merge_results,
    write_results,
)
from keras_ccar.benchmark.runner.storage import FolderInUseError, lock_folder
from keras_ccar.benchmark.runner.workers import allow_shared_accelerators
from keras_ccar.benchmark.spec.loss_options import LossOptions
from keras_ccar.benchmark.spec.methods import DIGITS_METHODS, METHODS, get_method
from keras_ccar.benchmark.spec.recipe_book import RECIPES, get_recipe
from keras_ccar.benchmark.spec.recipes import Recipe, format_number
from keras_ccar.benchmark.training import devices
from keras_ccar.callbacks.history_file import read_history
from keras_ccar.replicas import process_index

INTERRUPTED = 130


def main(arguments=None):
    """Runs the command and returns its exit code.

    Args:
        arguments: list of command-line arguments; None for those of the process.

    Returns:
        0 if all went well, 1 if a run failed, 2 for a request that cannot be met,
        130 after Ctrl-C.
    """
    options = _parser().parse_args(arguments)
    # Every run has a model of its own to compile, which TensorFlow warns about.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    console = Console()
    try:
        return options.command(options, console)
    except _RequestError as error:
        print(f"keras-ccar: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        # Before the first run or after the last; nothing that is finished is lost.
        print("keras-ccar: stopped.", file=sys.stderr)
        return INTERRUPTED


class _RequestError(Exception):
    """What was asked for cannot be done; the message says why."""


@contextlib.contextmanager
def _without_traceback():
    """Says in one sentence what the system refused, such as to write somewhere."""
    try:
        yield
    except OSError as error:
        raise _RequestError(str(error)) from error


def _parser():
    parser = argparse.ArgumentParser(
        prog="keras-ccar",
        description="Compares losses for long-tailed classification.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    compare = commands.add_parser(
        "compare",
        help="train methods on a data set, write a report",
        description="Trains every method with every seed under one recipe, and writes "
        "results and a report. What is finished is not trained again: after Ctrl-C, or "
        "when it was killed, the same command goes on.",
    )
    compare.set_defaults(command=_compare)
    known = sorted({name for recipe in RECIPES.values() for name in recipe.datasets})
    compare.add_argument("dataset", choices=known, help="one of: %(choices)s")
    compare.add_argument(
        "--methods",
        nargs="+",
        type=_reader(get_method),
        metavar="METHOD",
        help=f"of: {' '.join(METHODS)}; cexc is ce×c, laxc la×c. Settings may follow "
        "in brackets, so that variants can be compared: 'ccar[strength=3,normalize]' "
        f"(default: {' '.join(DIGITS_METHODS)} for digits-lt, else all)",
    )
    compare.add_argument(
        "--seeds",
        type=_positive,
        default=5,
        metavar="N",
        help="train each method with the seeds 0 to N-1 (default: %(default)s)",
    )
    _add_data_options(compare)
    compare.add_argument(
        "--recipe", choices=list(RECIPES), help="default: the first for the data set"
    )
    compare.add_argument(
        "--parallel",
        type=_positive,
        default=1,
        metavar="N",
        help="train N runs at a time, each in a process of its own; they divide the "
        "cores, or share the GPU (default: %(default)s)",
    )
    compare.add_argument(
        "--devices",
        type=_positive,
        metavar="N",
        help="share every batch among N devices of this machine: GPUs, or else parts "
        "of the processor; on TensorFlow or JAX (default: 1, with --hosts all)",
    )
    compare.add_argument(
        "--hosts",
        nargs="+",
        default=(),
        metavar="ADDRESS",
        help="share every batch among these machines, the first given with a port; "
        "start the command on each, with its --host, and an --output that all see; on "
        "JAX",
    )
    compare.add_argument(
        "--host",
        type=int,
        default=0,
        metavar="NUMBER",
        help="which of --hosts this machine is, from 0 (default: %(default)s)",
    )
    compare.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="where runs, results and report go; added to results of the same data, "
        "recipe and settings, while others that are there move to DIR/earlier "
        "(default: runs/DATASET)",
    )
    compare.add_argument(
        "--smoke",
        action="store_true",
        help="shrink the recipe to minutes, to see that everything runs: 2 epochs of 8 "
        "batches of 32, ResNet-8 for CIFAR, streamed images of 64 pixels",
    )
    _add_settings(compare.add_argument_group("instead of the recipe's own"), Recipe)
    _add_settings(compare.add_argument_group("settings of the losses"), LossOptions)

    rebuild = commands.add_parser(
        "report",
        help="write the report of finished comparisons again, or that of a training",
        description="Writes report and figures again from results.json, or those of a "
        "training from the statistics that it saved.",
    )
    rebuild.set_defaults(command=_report)
    rebuild.add_argument(
        "paths",
        nargs="+",
        type=Path,
        metavar="PATH",
        help="folder of a comparison, a folder of such folders, or a file of "
        "CCARCallback.save_history",
    )
    rebuild.add_argument(
        "--page",
        type=Path,
        metavar="FILE",
        help="also write one Markdown page of all comparisons, with the measurements "
        "(*.json) that lie beside them, and its figures to the folder figures beside "
        "FILE",
    )

    count = commands.add_parser(
        "count",
        help="show the class counts of a data set",
        description="Shows how many training examples each class has, and draws it.",
    )
    count.set_defaults(command=_count)
    count.add_argument("dataset", choices=datasets.NAMES, help="one of: %(choices)s")
    _add_data_options(count)
    count.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="where class_counts.png goes (default: runs/DATASET)",
    )
    return parser


def _positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1; received {text}")
    return value


def _reader(read):
    """Returns a function that reads an argument, and passes on what is wrong."""

    def argument(text):
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return argument


def _add_data_options(parser):
    parser.add_argument(
        "--imbalance-factor",
        type=float,
        metavar="IF",
        help="examples of the most frequent class over those of the rarest",
    )
    parser.add_argument(
        "--data-seed",
        type=int,
        default=0,
        metavar="SEED",
        help="seed that chooses the training subset (default: %(default)s)",
    )
    parser.add_argument(
        "--data-dir",
        metavar="DIR",
        help="where tensorflow-datasets keeps its data (default: its own choice, or "
        "the environment's TFDS_DATA_DIR)",
    )


def _settings(kind):
    """Returns the fields of a dataclass that the command line can set."""
    return [item for item in dataclasses.fields(kind) if "help" in item.metadata]


def _flag(name):
    return "--" + name.replace("_", "-")


def _add_settings(group, kind):
    for item in _settings(kind):
        if item.type is bool:
            how = {"action": argparse.BooleanOptionalAction}
        else:
            how = {"type": _reader(item.type), "metavar": item.type.__name__.upper()}
            if "choices" in item.metadata:
                how = {"choices": item.metadata["choices"]}
        group.add_argument(
            _flag(item.name), default=None, help=item.metadata["help"], **how
        )


def _given(options, kind):
    """Returns those settings of a dataclass that the command line gave."""
    values = {item.name: getattr(options, item.name) for item in _settings(kind)}
    return {name: value for name, value in values.items() if value is not None}


def _compare(options, console):
    folder = options.output or Path("runs") / options.dataset
    if options.parallel > 1:
        allow_shared_accelerators()
    try:
        _share_batches(options)
        plan = _plan(options)
    except (ValueError, OSError, ImportError) as error:
        raise _RequestError(str(error)) from error
    if process_index():
        console = Console(quiet=True)  # The first host speaks, and writes the report.
    say(console, plan.data.describe())
    say(
        console,
        f"Recipe {plan.recipe.name}; methods: {len(plan.methods)}, seeds: "
        f"{len(plan.seeds)}, epochs: {plan.recipe.epochs}; backend "
        f"{keras.backend.backend()}.",
    )
    records = []
    try:
        with _without_traceback():
            folder.mkdir(parents=True, exist_ok=True)
        with (
            lock_folder(folder),
            Interruption() as interruption,
            PlanProgress(console) as progress,
            contextlib.closing(
                run_plan(plan, folder, progress, interruption, options.parallel)
            ) as stages,
        ):
            earlier = _earlier(plan, folder, console)
            for records in stages:
                results = _results(plan, records, earlier, options, folder)
                write_results(results, folder)
    except FolderInUseError as error:
        raise _RequestError(str(error)) from error
    except KeyboardInterrupt:
        say(
            console,
            f"Stopped. {len(records)} of {len(plan.runs())} runs are finished and kept "
            f"in {folder / RUNS_FOLDER}. The same command goes on from there.",
        )
        return INTERRUPTED
    if not process_index():
        with _without_traceback():
            _write_report(results, folder, console)
    failed = failed_runs(build_results(plan, records))
    for method, seed, reason in failed:
        say(console, f"Failed: {method}, seed {seed}: {reason}")
    return 1 if failed else 0


def _earlier(plan, folder, console):
    """Returns results in the folder that belong with the plan's; others move away."""
    if process_index():
        return None  # The first host writes.
    earlier = find_mergeable_results(build_results(plan, []), folder)
    if earlier is None and (aside := archive_results(folder)):
        say(
            console,
            f"What {folder} held is of another comparison (data, recipe, settings, "
            f"code or versions), and is in {aside} now.",
        )
    return earlier


def _results(plan, records, earlier, options, folder):
    """Returns what the folder is to hold after some runs."""
    results = build_results(plan, records)
    if earlier is not None:
        results = merge_results(earlier, results)
    results.command = _command(results, plan, options, folder)
    return results


def _share_batches(options):
    """Heeds `--devices` and `--hosts`."""
    hosts, host = options.hosts, options.host
    if len(hosts) == 1 or not 0 <= host < max(1, len(hosts)):
        raise ValueError(
            "--hosts must name two machines or more, and --host be the number of one, "
            f"from 0; received --hosts {' '.join(hosts)} --host {host}."
        )
    if hosts and ":" not in hosts[0]:
        raise ValueError(
            "the first of --hosts must be given with a port that the others can reach, "
            f"such as 10.0.0.1:12355; received {hosts[0]}."
        )
    if options.parallel > 1 and (hosts or (options.devices or 1) > 1):
        raise ValueError(
            "--parallel trains several runs at a time, --devices and --hosts one on "
            "all devices; received both. Leave one of them out."
        )
    devices.enable_data_parallel(options.devices, hosts, host)


def _plan(options):
    recipe = get_recipe(options.dataset, options.recipe)
    if options.smoke:
        recipe = recipe.shrunk_for_smoke_test()
    given = _given(options, Recipe)
    if given.get("steps") and "epochs" in given:
        raise ValueError(
            "--steps says how long a run is, and so does --epochs; received --steps "
            f"{given['steps']} --epochs {given['epochs']}. Leave one of them out."
        )
    recipe = recipe.with_settings(**given)
    if recipe.batch_size % devices.num_devices():
        raise ValueError(
            "batch_size of a recipe must be a multiple of the "
            f"{devices.num_devices()} devices that share it; received {recipe.batch_size}."
        )
    losses = LossOptions(**_given(options, LossOptions))
    data = _load(options)
    # What steps are in epochs moves the recipe's own warm-up and decays along, but not
    # those that were asked for.
    kept = {name: given.get(name) for name in ("warmup_epochs", "decays")}
    recipe = recipe.with_epochs_for(data.class_counts.sum()).with_settings(**kept)
    names = DIGITS_METHODS if options.dataset == "digits-lt" else METHODS
    methods = options.methods or [get_method(name) for name in names]
    # A method that is named twice is still one row.
    methods = tuple({method.name: method for method in methods}.values())
    is_tuned = any(method.learning_rate_factors for method in methods)
    tuning_data = _load(options, validation=True) if is_tuned else None
    seeds = tuple(range(options.seeds))
    plan = Plan(data, recipe, methods, seeds, losses, tuning_data)
    # A setting that a loss or the network rejects shall not cost a run each.
    plan.check()
    return plan


def _load(options, validation=False):
    return datasets.load(
        options.dataset,
        imbalance_factor=options.imbalance_factor,
        seed=options.data_seed,
        data_dir=options.data_dir,
        validation=validation,
    )


def _command(results, plan, options, folder):
    """Returns the command line that makes the results again.

    It names no folder of this machine but the last part of the output folder.
    """
    words = [
        "keras-ccar",
        "compare",
        plan.data.name,
        *_data_words(plan.data, options),
        "--recipe",
        get_recipe(plan.data.name, options.recipe).name,
        *(["--smoke"] if options.smoke else []),
        "--methods",
        *(method["name"] for method in results.methods),
        "--seeds",
        str(len(results.seeds)),
    ]
    given = {**_given(options, Recipe), **_given(options, LossOptions)}
    if not plan.recipe.steps:
        given.setdefault("epochs", plan.recipe.epochs)
    for name, value in given.items():
        if isinstance(value, bool):
            words.append(_flag(name) if value else _flag(f"no-{name}"))
        else:
            words += [_flag(name), str(value)]
    if options.devices:
        words += ["--devices", str(options.devices)]
    if options.hosts:
        # Their addresses are nobody else's.
        names = [f"HOST{number}" for number in range(len(options.hosts))]
        words += ["--hosts", f"{names[0]}:PORT", *names[1:], "--host", "NUMBER"]
    words += ["--output", folder.name if folder.is_absolute() else str(folder)]
    return f"KERAS_BACKEND={keras.backend.backend()} {shlex.join(words)}"


def _data_words(data, options):
    if data.train_arrays is None:
        return []  # The tail is the data's own.
    factor = format_number(float(data.imbalance_factor))
    return ["--imbalance-factor", factor, "--data-seed", str(options.data_seed)]


def _report(options, console):
    comparisons = {}
    measurements = {}
    trainings = {}
    try:
        for path in options.paths:
            if path.is_file():
                trainings[path] = read_history(path)
                continue
            for comparison in comparison_folders(path):
                # The last part names it on the page, and where its figures go.
                name = comparison.resolve().name
                if name in comparisons:
                    raise ValueError(
                        f"{comparison} and {comparisons[name][0]} are both called "
                        f"{name!r}; expected different names. Rename one, or give "
                        "them to one command each."
                    )
                comparisons[name] = (comparison, Comparison.read(comparison))
            measurements |= read_measurements(path)
    except (ValueError, OSError) as error:
        raise _RequestError(str(error)) from error
    with _without_traceback():
        drawn = {
            name: _write_report(results, folder, console)
            for name, (folder, results) in comparisons.items()
        }
        for path, outputs in trainings.items():
            written = training_report.write_report(outputs, path, console)
            say(console, f"Report: {written}")
        if options.page:
            found = {name: results for name, (_, results) in comparisons.items()}
            page.write_page(options.page, found, drawn, measurements)
            say(console, f"Page: {options.page}")
    return 0


def _count(options, console):
    try:
        data = _load(options)
    except (ValueError, OSError, ImportError) as error:
        raise _RequestError(str(error)) from error
    datasets.show_class_counts(
        data.class_counts, data.class_names, title=data.name, console=console
    )
    folder = options.output or Path("runs") / options.dataset
    figure = folder / "class_counts.png"
    with _without_traceback():
        folder.mkdir(parents=True, exist_ok=True)
        datasets.plot_class_counts(data.class_counts, figure, title=data.name)
    say(console, f"Figure: {figure}")
    return 0


def _write_report(results, folder, console):
    """Writes a report, shows what it says, and returns its figures."""
    drawn = draw_all(results)
    path = write_report(results, drawn, folder)
    for table in console_tables(results):
        console.print(table)
    for sentence in verdicts(results):
        say(console, sentence)
    say(console, f"Report: {path}")
    return drawn
