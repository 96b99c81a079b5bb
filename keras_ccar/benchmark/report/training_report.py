"""The page of one training: what `CCARCallback` saw of every class."""

from pathlib import Path

import numpy as np
from rich import box
from rich.table import Table

from keras_ccar.benchmark.report import html_page
from keras_ccar.benchmark.report.figure_style import (
    class_curves,
    png_figure,
    rare_to_frequent_legend,
)
from keras_ccar.files import write_atomic
from keras_ccar.frequencies import shot_groups

_NOTE = (
    "Last epoch, means over the samples that training saw. Many, medium, few: classes "
    "of more than 100, of 20 to 100 and of fewer than 20 training examples. Confidence "
    "is the probability that the loss sees: where logits are adjusted, after that."
)
_CAPTIONS = {
    "mean_confidence": "Mean confidence in the true class, one line a class.",
    "mean_weight": "Mean weight of the training examples of each class.",
    "below_pivot": "Share of training examples whose confidence is below the pivot.",
}
_AXES = {
    "mean_confidence": "mean confidence",
    "mean_weight": "mean weight",
    "below_pivot": "share below the pivot",
}


def write_report(outputs, path, console):
    """Writes a page with tables and figures next to the statistics of a training.

    Args:
        outputs: from `keras_ccar.callbacks.history_file.read_history`.
        path: the file that they were read from.
        console: `rich.console.Console` for the table of the last epoch.

    Returns:
        The path of the HTML page.
    """
    page = Path(path).with_suffix(".html")
    sections = []
    for output in outputs:
        rows = group_rows(output)
        console.print(_console_table(heading(output), rows))
        sections.append(
            {
                "heading": heading(output),
                "groups": rows,
                "figures": _figures(output),
                "classes": class_rows(output),
            }
        )
    title = f"Training with {', '.join(o['loss'] for o in outputs)}"
    content = html_page.render(
        "training.html", title=title, sections=sections, note=_NOTE
    )
    write_atomic(page, content)
    return page


def heading(output):
    """Returns what a loss's section of the page is called.

    Args:
        output: an entry of `read_history`.
    """
    of = f"Output {output['name']}: " if output["name"] else ""
    count = len(output["epochs"])
    return f"{of}{output['loss']}, {count} epoch{'s' if count > 1 else ''}"


def group_rows(output):
    """Returns the last epoch by group of classes as text, the header first.

    Args:
        output: an entry of `read_history`.
    """
    last = output["epochs"][-1]
    groups = shot_groups(output["class_counts"])
    everything = np.ones(len(last["count"]), dtype=bool)
    rows = [["", "classes", "samples", "confidence", "weight", "below pivot"]]
    for name, members in {"all": everything, **groups}.items():
        if members.any():
            rows.append([name, str(members.sum()), *_cells(last, members)])
    return rows


def class_rows(output):
    """Returns the last epoch by class as text, the header first.

    Args:
        output: an entry of `read_history`.
    """
    last = output["epochs"][-1]
    counts = output["class_counts"]
    names = output["class_names"] or range(len(counts))
    header = ["class", "training examples", "samples", "confidence", "weight"]
    rows = [[*header, "below pivot"]]
    for label, (name, count) in enumerate(zip(names, counts, strict=True)):
        members = np.arange(len(counts)) == label
        rows.append([str(name), f"{count:g}", *_cells(last, members)])
    return rows


def _cells(statistics, members):
    """Means over the samples of some classes, as the callback logs them."""
    count = statistics["count"][members]
    seen = count > 0
    cells = [f"{count.sum():g}"]
    for name in _CAPTIONS:
        values = statistics[name][members][seen]
        mean = np.average(values, weights=count[seen]) if seen.any() else None
        cells.append("–" if mean is None else f"{mean:.3f}")
    return cells


def _figures(output):
    return [
        html_page.embed_png(_curves(output, name), caption)
        for name, caption in _CAPTIONS.items()
    ]


@png_figure
def _curves(output, quantity, figure):
    """Draws a quantity of each class over the epochs, shaded by class count."""
    counts = np.array(output["class_counts"], dtype=float)
    values = np.array([epoch[quantity] for epoch in output["epochs"]])
    figure.set_size_inches(8, 3.4)
    axes = figure.subplots()
    class_curves(axes, values, counts)
    if quantity != "mean_weight":
        axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel("epoch")
    axes.set_ylabel(_AXES[quantity])
    rare_to_frequent_legend(figure, counts)


def _console_table(title, rows):
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for index, name in enumerate(rows[0]):
        table.add_column(name, justify="right" if index else "left")
    for row in rows[1:]:
        table.add_row(*row)
    return table
