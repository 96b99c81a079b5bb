"""Shows class counts to a person: table, bars, figure."""

import numpy as np

from keras_ccar.frequencies import class_counts_array, shot_groups
from keras_ccar.requirements import require

_BAR_WIDTH = 40


def show_class_counts(
    class_counts, class_names=None, title=None, rows=20, console=None
):
    """Prints class counts as a table with bars, and the imbalance factor below.

    Args:
        class_counts: examples of each class, shape `(K,)` or a dict.
        class_names: names of the classes. Defaults to their numbers.
        title: title of the table.
        rows: at most this many classes, evenly taken from the most to the least
            frequent.
        console: `rich` console to print to. Defaults to standard output.

    Raises:
        ValueError: if the counts are not such, or the names are not as many.

    Example:
    ```python
    from keras_ccar.datasets import show_class_counts

    show_class_counts([500, 50, 5], class_names=["cat", "dog", "owl"])
    ```
    """
    console = console or require("rich.console", "rich").Console()
    counts, names = _counts_and_names(class_counts, class_names)
    order = np.argsort(-counts, kind="stable")
    shown = order[np.unique(np.linspace(0, len(order) - 1, rows).round().astype(int))]

    table = require("rich.table", "rich").Table(title=title)
    table.add_column("class")
    table.add_column("examples", justify="right")
    table.add_column("share", justify="right")
    table.add_column("")
    bar, text = require("rich.bar", "rich").Bar, require("rich.text", "rich").Text
    for label in shown:
        table.add_row(
            text(names[label]),  # a name is no markup
            f"{counts[label]:,.10g}",
            f"{counts[label] / counts.sum():.2%}",
            bar(counts.max(), 0, counts[label], width=_BAR_WIDTH),
        )
    console.print(table)
    if len(shown) < len(order):
        console.print(f"{len(shown)} of {len(order):,} classes are shown.")
    console.print(summarize_counts(counts), highlight=False)


def plot_class_counts(class_counts, path, title=None):
    """Draws class counts, from the most to the least frequent class, into a file.

    Args:
        class_counts: examples of each class, shape `(K,)` or a dict.
        path: file to write; its ending chooses the format, e.g. ".png".
        title: title of the figure.

    Raises:
        ValueError: if the counts are not such.

    Example:
    ```python
    import tempfile
    from pathlib import Path
    from keras_ccar.datasets import plot_class_counts

    with tempfile.TemporaryDirectory() as folder:
        plot_class_counts([500, 50, 5], Path(folder) / "counts.png")
    ```
    """
    # Not pyplot: it would open the window system and keep the figure.
    figure_class = require("matplotlib.figure", "matplotlib").Figure
    counts = class_counts_array(class_counts)
    ordered = np.sort(counts)[::-1]
    figure = figure_class(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    axes.fill_between(np.arange(len(ordered)), ordered, step="mid", alpha=0.3)
    axes.step(np.arange(len(ordered)), ordered, where="mid")
    axes.set_yscale("log")
    axes.set_xlabel("class, from the most to the least frequent")
    axes.set_ylabel("training examples")
    for threshold in (100, 20):
        axes.axhline(threshold, color="gray", linewidth=0.8, linestyle="--")
    axes.set_title(
        "\n".join(filter(None, (title, summarize_counts(counts)))), fontsize=10
    )
    figure.savefig(path, dpi=150)


def summarize_counts(class_counts):
    """Returns one line: examples, classes, imbalance factor, groups.

    Args:
        class_counts: examples of each class, shape `(K,)`.
    """
    counts = class_counts_array(class_counts)
    present = counts[counts > 0]
    empty = len(counts) - len(present)
    groups = ", ".join(
        f"{classes.sum()} {name}-shot" for name, classes in shot_groups(counts).items()
    )
    return (
        f"{counts.sum():,.10g} examples of {len(counts):,} classes, imbalance factor "
        f"{present.max() / present.min():.4g} ({groups}"
        f"{f'; {empty} without an example' if empty else ''})."
    )


def _counts_and_names(class_counts, class_names):
    counts = class_counts_array(class_counts)
    if class_names is None:
        class_names = range(len(counts))
    names = [str(name) for name in class_names]
    if len(names) != len(counts):
        raise ValueError(
            f"`class_names` must name each of the {len(counts)} classes. Received "
            f"{len(names)} names."
        )
    return counts, names
