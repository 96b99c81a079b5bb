"""The command `keras-ccar report`."""

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console

from keras_ccar.benchmark.cli.errors import RequestError, without_traceback
from keras_ccar.benchmark.comparison import Comparison, comparison_folders
from keras_ccar.benchmark.report import page, training_report
from keras_ccar.benchmark.report.console import say
from keras_ccar.benchmark.report.figures.all_figures import draw_all
from keras_ccar.benchmark.report.measurements import read_measurements
from keras_ccar.benchmark.report.write import show_report, write_report
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
    drawn: dict[str, dict[str, bytes]] = {}
    unwritten: list[str] = []

    @contextlib.contextmanager
    def going_on() -> Iterator[None]:
        """Lets a folder that cannot be written to cost nothing but its own files."""
        try:
            with without_traceback(OSError):
                yield
        except RequestError as error:
            unwritten.append(str(error))

    for name, comparison in comparisons.items():
        show_report(comparison, console)
        drawn[name] = draw_all(comparison)
        with going_on():
            write_report(comparison, folders[name], drawn[name])
            say(console, f"Report: {folders[name] / 'report.html'}")
    for path, outputs in trainings.items():
        with going_on():
            written = training_report.write_report(outputs, path, console)
            say(console, f"Report: {written}")
    if options.page:
        with going_on():
            page.write_page(options.page, comparisons, drawn, measurements)
            say(console, f"Page: {options.page}")
    if unwritten:
        raise RequestError(f"not all files could be written. {' '.join(unwritten)}")
    return 0
