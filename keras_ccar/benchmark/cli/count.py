"""The command `keras-ccar count`."""

import argparse
from pathlib import Path

import numpy as np
from rich.console import Console

from keras_ccar import datasets
from keras_ccar.benchmark.cli.errors import without_traceback
from keras_ccar.benchmark.cli.own_data import folder_of, read_source_options
from keras_ccar.benchmark.report.console import say
from keras_ccar.benchmark.sources.read import count_data


def run_count(options: argparse.Namespace, console: Console) -> int:
    """Shows and draws the class counts of data, and returns the exit code."""
    folder = options.output or Path("runs") / options.dataset
    with without_traceback(ValueError, OSError, ImportError):
        if options.is_named:
            data = datasets.load(
                options.dataset,
                imbalance_factor=options.imbalance_factor,
                seed=options.data_seed,
                data_dir=options.data_dir,
            )
            counts, names, title = data.class_counts, data.class_names, data.name
        else:
            folder = folder_of(options)
            counts, names = _count_own(options, console)
            title = folder.name
    datasets.show_class_counts(counts, names, title=title, console=console)
    figure = folder / "class_counts.png"
    with without_traceback(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        datasets.plot_class_counts(counts, figure, title=title)
    say(console, f"Figure: {figure}")
    return 0


def _count_own(
    options: argparse.Namespace, console: Console
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Returns the counts of all the user's examples, and says what was found."""
    path = Path(options.dataset)
    labelled, notes = count_data(path, read_source_options(options))
    for note in notes:
        say(console, note)
    if labelled.coding.kind == "labels":
        rows, labels = labelled.labels.shape
        say(
            console,
            f"{rows:,} rows with {labels} yes-or-no labels. How many have each:",
        )
    return labelled.counts, labelled.coding.class_names
