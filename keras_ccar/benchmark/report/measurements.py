"""Measurements of speed: JSON files with a command, an environment and numbers."""

from pathlib import Path

import pandas as pd

from keras_ccar.callbacks.history_file import is_history
from keras_ccar.files import read_json

# A table with more rows than this is summed up by its columns of text.
_MOST_ROWS = 20
# What the numbers of a file mean, where their names do not say it.
MEANINGS = {
    "count_speed.json": "Seconds to count the classes of the 50,000 training images of "
    "CIFAR-100, over 3 rounds.",
    "digits_learning_rate.json": "Balanced accuracy of cross-entropy on validation "
    "images at the learning rates that were tried for digits, percent, mean over "
    "seeds; the best is the recipe's.",
    "loss_speed.json": "Forward pass and gradient, compiled by XLA on TensorFlow and "
    "JAX, eager on torch. Ratio: time over that of Keras's own cross-entropy for the "
    "same labels in the same run. A setting is a number of examples and classes.",
    "step_speed.json": "A training step of a whole network through `fit`: Keras's "
    "cross-entropy, CCAR, and CCAR with the callback's statistics, on the same images "
    "in memory. Ratios are of times: 1.02 is 2 % longer. Times are medians over "
    "rounds, ratios medians over those of each round, which a machine that changes its "
    "speed meets alike.",
    "training_speed.json": "Images per second of `keras-ccar compare`, of a plain "
    "`fit` on a tf.data pipeline of the same augmentation, and of the network's "
    "forward and backward pass alone, on one batch in memory. Ratios are of speeds, "
    "medians over those of each round.",
}


def measurement_rows(measurement):
    """Returns a measurement as a table of text.

    Args:
        measurement: the content of its file. `rows` is a list of dicts; a file
            without it holds `seconds`, a dict of lists, the same work done in
            several ways.

    Returns:
        A list of rows, the header first. Where there are many rows, one for each
        combination of their texts, with the least and the greatest of each number.
    """
    if "rows" not in measurement:
        header = ["way", "seconds, least", "seconds, greatest"]
        ways = measurement["seconds"].items()
        return [header, *([way, _text(min(s)), _text(max(s))] for way, s in ways)]
    frame = pd.DataFrame(measurement["rows"]).dropna(axis="columns", how="all")
    texts = list(frame.select_dtypes(exclude="number"))
    if len(frame) > _MOST_ROWS and texts:
        return _summed_up(frame, texts)
    return [
        [_heading(name) for name in frame.columns],
        *([_text(value) for value in row] for row in frame.itertuples(index=False)),
    ]


def _summed_up(frame, texts):
    numbers = list(frame.select_dtypes("number"))
    # Where ratios were taken, they are what compares across sizes.
    numbers = [name for name in numbers if name.endswith("ratio")] or numbers
    rows = [[*(_heading(name) for name in texts), "settings", *map(_heading, numbers)]]
    for key, group in frame.groupby(texts, sort=False, dropna=False):
        ranges = [
            f"{_text(group[name].min())} to {_text(group[name].max())}"
            for name in numbers
        ]
        rows.append([*map(_text, key), str(len(group)), *ranges])
    return rows


def _heading(name):
    return name.replace("_", " ")


def _text(value):
    if isinstance(value, str):
        return value
    if pd.isna(value):
        return "–"
    if isinstance(value, bool) or float(value).is_integer():
        return str(value) if isinstance(value, bool) else str(int(value))
    return f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.3g}"


def read_measurements(folder):
    """Returns the measurements of speed that lie beside comparisons, by file name.

    The statistics of a training, which may lie there too, are none.

    Args:
        folder: a folder of folders of comparisons.

    Raises:
        ValueError: if a file is none.
    """
    found = {}
    for path in sorted(Path(folder).glob("*.json")):
        if path.name == "results.json":
            continue
        try:
            content = read_json(path)
        except ValueError as error:
            raise ValueError(f"{path} is not JSON: {error}.") from None
        if is_history(content):
            continue
        parts = set(content) if isinstance(content, dict) else set()
        if not {"command", "environment"} <= parts or not {"rows", "seconds"} & parts:
            raise ValueError(
                f"{path} is no measurement: it lacks command, environment, or rows or "
                "seconds; see benchmarks/. Move it elsewhere."
            )
        found[path.name] = content
    return found
