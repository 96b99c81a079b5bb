"""Shows class counts as a table with bars, in one line, or as a figure."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_ccar.arguments import (
    MOST_CLASSES,
    argument_error,
    check_path,
    check_text,
    check_whole_number,
    optional,
)
from keras_ccar.datasets.loaders.arrays import measured_imbalance_factor
from keras_ccar.frequencies import ClassCounts, class_counts_array, describe_shot_groups
from keras_ccar.inputs.class_names import check_class_names
from keras_ccar.requirements import require

_BAR_WIDTH = 40


def show_class_counts(
    class_counts: ClassCounts,
    class_names: Sequence[str] | None = None,
    title: str | None = None,
    rows: int = 20,
    console: Any = None,
) -> None:
    """Prints class counts as a table with bars, and the imbalance factor below it.

    Args:
        class_counts: examples of each class, shape `(K,)` or a dict.
        class_names: names of the classes. Defaults to their numbers.
        title: title of the table.
        rows: most classes to show, evenly spread from the most to the least frequent.
        console: `rich` console to print to. Defaults to standard output.

    Raises:
        ValueError: if an argument is invalid, or there is not one name per class.

    Example:
    ```python
    from keras_ccar.datasets import show_class_counts

    show_class_counts([500, 50, 5], class_names=["cat", "dog", "owl"])
    ```
    """
    optional(check_text, "title", title)
    rows = check_whole_number("rows", rows, 1, MOST_CLASSES)
    if console is None:
        console = require("rich.console", "rich", "datasets").Console()
    elif not callable(getattr(console, "print", None)):
        raise argument_error("console", console, "a `rich.console.Console`")
    counts = class_counts_array(class_counts)
    names = list(map(str, range(len(counts))))
    if class_names is not None:
        names = check_class_names(class_names)
    if len(names) != len(counts):
        raise ValueError(
            f"`class_names` must name each of the {len(counts)} classes. Received "
            f"{len(names)} names."
        )
    order = np.argsort(-counts, kind="stable")
    shown = order[np.unique(np.linspace(0, len(order) - 1, rows).round().astype(int))]

    table = require("rich.table", "rich", "datasets").Table(title=title)
    table.add_column("class")
    table.add_column("examples", justify="right")
    table.add_column("share", justify="right")
    table.add_column("")
    bar = require("rich.bar", "rich", "datasets").Bar
    text = require("rich.text", "rich", "datasets").Text
    for label in shown:
        table.add_row(
            text(str(names[label])),  # as text, not as markup
            f"{counts[label]:,.10g}",
            f"{counts[label] / counts.sum():.2%}",
            bar(counts.max(), 0, counts[label], width=_BAR_WIDTH),
        )
    console.print(table)
    if len(shown) < len(order):
        console.print(f"{len(shown)} of {len(order):,} classes are shown.")
    console.print(_summary(counts), highlight=False)


def plot_class_counts(
    class_counts: ClassCounts, path: str | os.PathLike[str], title: str | None = None
) -> None:
    """Plots class counts, from the most to the least frequent class, to a file.

    Args:
        class_counts: examples of each class, shape `(K,)` or a dict.
        path: file to write; its suffix chooses the format, e.g. ".png".
        title: title of the figure.

    Raises:
        ValueError: if an argument is invalid.

    Example:
    ```python
    import tempfile
    from pathlib import Path
    from keras_ccar.datasets import plot_class_counts

    with tempfile.TemporaryDirectory() as folder:
        plot_class_counts([500, 50, 5], Path(folder) / "counts.png")
    ```
    """
    check_path("path", path)
    optional(check_text, "title", title)
    # Not pyplot, which would open the window system and keep the figure.
    matplotlib = require("matplotlib.figure", "matplotlib", "datasets")
    counts = class_counts_array(class_counts)
    ordered = np.sort(counts)[::-1]
    figure = matplotlib.Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    ranks = np.arange(len(ordered))
    axes.fill_between(ranks, ordered, step="mid", alpha=0.3)
    axes.step(ranks, ordered, where="mid")
    axes.set_yscale("log")
    axes.set_xlabel("class, from the most to the least frequent")
    axes.set_ylabel("training examples")
    for threshold in (100, 20):
        axes.axhline(threshold, color="gray", linewidth=0.8, linestyle="--")
    heading = f"{title}\n" if title else ""
    axes.set_title(heading + _summary(counts), fontsize=10)
    figure.savefig(path, dpi=150)


def _summary(counts: np.ndarray) -> str:
    """Returns one line: examples, classes, imbalance factor, shot groups."""
    empty = (counts == 0).sum()
    return (
        f"{counts.sum():,.10g} examples of {len(counts):,} classes, imbalance factor "
        f"{measured_imbalance_factor(counts):.4g} ({describe_shot_groups(counts)}"
        f"{f'; {empty} without an example' if empty else ''})."
    )
