"""The command `keras-ccar count`."""

import argparse
from pathlib import Path

from rich.console import Console

from keras_ccar import datasets
from keras_ccar.benchmark.cli.errors import without_traceback
from keras_ccar.benchmark.report.console import say


def run_count(options: argparse.Namespace, console: Console) -> int:
    """Shows and draws the class counts of a data set, and returns the exit code."""
    with without_traceback(ValueError, OSError, ImportError):
        data = datasets.load(
            options.dataset,
            imbalance_factor=options.imbalance_factor,
            seed=options.data_seed,
            data_dir=options.data_dir,
        )
    datasets.show_class_counts(
        data.class_counts, data.class_names, title=data.name, console=console
    )
    folder = options.output or Path("runs") / options.dataset
    figure = folder / "class_counts.png"
    with without_traceback(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        datasets.plot_class_counts(data.class_counts, figure, title=data.name)
    say(console, f"Figure: {figure}")
    return 0
