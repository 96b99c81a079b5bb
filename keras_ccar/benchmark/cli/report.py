"""The command `keras-ccar report`."""

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console

from keras_ccar.benchmark.cli.errors import without_traceback
from keras_ccar.benchmark.comparison import Comparison, comparison_folders
from keras_ccar.benchmark.report import page, training_report
from keras_ccar.benchmark.report.console import say
from keras_ccar.benchmark.report.measurements import read_measurements
from keras_ccar.benchmark.report.write import write_and_show_report
from keras_ccar.callbacks.history_file import read_history


def run_report(options: argparse.Namespace, console: Console) -> int:
    """Writes the reports of comparisons and trainings, and returns the exit code."""
    folders: dict[str, Path] = {}
    comparisons: dict[str, Comparison] = {}
    measurements: dict[str, Any] = {}
    trainings: dict[Path, Any] = {}
    with without_traceback(ValueError, OSError):
        for path in options.paths:
            if path.is_file():
                trainings[path] = read_history(path)
                continue
            for folder in comparison_folders(path):
                # The page gives the comparison and its folder of figures this name.
                name = folder.resolve().name
                if name in folders:
                    raise ValueError(
                        f"{folder} and {folders[name]} are both called {name!r}; "
                        "expected different names. Rename one, or give them to one "
                        "command each."
                    )
                folders[name] = folder
                comparisons[name] = Comparison.read(folder)
            measurements |= read_measurements(path)
    with without_traceback(OSError):
        drawn = {
            name: write_and_show_report(comparison, folders[name], console)
            for name, comparison in comparisons.items()
        }
        for path, outputs in trainings.items():
            written = training_report.write_report(outputs, path, console)
            say(console, f"Report: {written}")
        if options.page:
            page.write_page(options.page, comparisons, drawn, measurements)
            say(console, f"Page: {options.page}")
    return 0
