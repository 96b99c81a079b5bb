"""The command `keras-ccar predict`."""

import argparse
import warnings
from pathlib import Path

import pandas as pd
from rich.console import Console

from keras_ccar.benchmark.cli.errors import without_traceback
from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.file_predictions import predict
from keras_ccar.benchmark.report.console import say
from keras_ccar.benchmark.sources.tables.table_source import SUFFIXES


def run_predict(options: argparse.Namespace, console: Console) -> int:
    """Writes what the best model of a comparison says of new data; returns 0."""
    notes: list[str] = []
    data = Path(options.dataset)
    output = options.output or Path(f"{data.stem}-predicted.csv")
    with without_traceback(ValueError, OSError, ImportError):
        _check_output(output, data)
        comparison = Comparison.read(options.folder)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", UserWarning)
            predicted = predict(comparison, data, options.threshold, notes, True)
        output.parent.mkdir(parents=True, exist_ok=True)
        if output.suffix.lower() == ".parquet":
            predicted.to_parquet(output)
        else:
            predicted.to_csv(output, index=False)
    of_users = (str(one.message) for one in told if one.category is UserWarning)
    for note in dict.fromkeys([*notes, *of_users]):
        say(console, note)
    best = comparison.best()
    say(console, f"{len(predicted):,} examples predicted by {best.title}:")
    for line in _shares(predicted):
        say(console, line)
    say(console, f"Predictions: {output}")
    return 0


def _check_output(output: Path, data: Path) -> None:
    if output.suffix.lower() not in SUFFIXES:
        raise ValueError(
            f"`--output` must be a .csv or .parquet file. Received: {output}."
        )
    if output.exists() and data.exists() and output.samefile(data):
        raise ValueError(
            f"`--output` must be another file than the data. Received: {output}."
        )


def _shares(predicted: pd.DataFrame) -> list[str]:
    """Returns a line for each class, or label: how many examples are called it."""
    if "predicted" in predicted:
        found = predicted["predicted"].value_counts().to_dict()
    else:
        prefix = "predicted_"
        found = {
            name.removeprefix(prefix): int(predicted[name].sum())
            for name in predicted.columns
            if name.startswith(prefix)
        }
    return [
        f"  {name}: {count:,} ({count / len(predicted):.1%})"
        for name, count in found.items()
    ]
