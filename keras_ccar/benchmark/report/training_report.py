"""The page of one training: what `CCARCallback` saw of every class."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from keras_ccar.benchmark.report import html_page
from keras_ccar.benchmark.report.console import console_table
from keras_ccar.benchmark.report.figures import figure_style as style
from keras_ccar.benchmark.report.shown_classes import listed_classes
from keras_ccar.files import write_atomic
from keras_ccar.frequencies import reported_groups

_NOTE = (
    "Last epoch, means over the samples that training saw. Many, medium, few: classes "
    "of more than 100, of 20 to 100 and of fewer than 20 training examples. Confidence "
    "is the probability that the loss sees: where logits are adjusted, after that."
)
# Quantity: the label of its axis, and the caption of its figure.
_FIGURES = {
    "mean_confidence": (
        "mean confidence",
        "Mean confidence in the true class, one line a class.",
    ),
    "mean_weight": (
        "mean weight",
        "Mean weight of the training examples of each class.",
    ),
    "below_pivot": (
        "share below the pivot",
        "Share of training examples whose confidence is below the pivot.",
    ),
}
_QUANTITIES = ["samples", "confidence", "weight", "below pivot"]


def write_report(
    outputs: list[dict[str, Any]], path: str | Path, console: Console
) -> Path:
    """Writes the page next to the file of statistics, and returns its path.

    `outputs` are those that `read_history` returned for `path`. Also prints the table
    of the last epoch.
    """
    page = Path(path).with_suffix(".html")
    sections = []
    for output in outputs:
        heading, groups = _heading(output), _group_rows(output)
        console.print(console_table(heading, groups))
        listed, labels = listed_classes(output["class_counts"], Path(path).name)
        sections.append(
            {
                "heading": heading,
                "groups": groups,
                "listed": listed,
                "classes": _class_rows(output, labels),
                "figures": _figures(output),
            }
        )
    title = f"Training with {', '.join(output['loss'] for output in outputs)}"
    html = html_page.render("training.html", title=title, sections=sections, note=_NOTE)
    write_atomic(page, html)
    return page


def _heading(output: dict[str, Any]) -> str:
    """Returns the heading for an entry of `read_history`: output, loss, epochs."""
    name = f"Output {output['name']}: " if output["name"] else ""
    count = len(output["epochs"])
    return f"{name}{output['loss']}, {count} epoch{'s' if count > 1 else ''}"


def _group_rows(output: dict[str, Any]) -> list[list[str]]:
    """Returns the last epoch by group of classes as text, the header first."""
    last = output["epochs"][-1]
    groups = reported_groups(output["class_counts"])
    rows = [
        [name, str(members.sum()), *_means(last, members)]
        for name, members in groups.items()
        if members.any()
    ]
    return [["", "classes", *_QUANTITIES], *rows]


def _class_rows(output: dict[str, Any], labels: Iterable[int]) -> list[list[str]]:
    """Returns the last epoch of some classes as text, the header first."""
    last = output["epochs"][-1]
    counts = output["class_counts"]
    names = output["class_names"] or range(len(counts))
    rows = [["class", "training examples", *_QUANTITIES]]
    for label in labels:
        cells = [str(names[label]), f"{counts[label]:g}"]
        rows.append([*cells, *_means(last, [label])])
    return rows


def _means(statistics: dict[str, np.ndarray], members: Any) -> list[str]:
    """Returns number of samples, and means over them, of some of the classes."""
    count = statistics["count"][members]
    seen = count > 0
    cells = [f"{count.sum():g}"]
    for name in _FIGURES:
        values = statistics[name][members][seen]
        mean = np.average(values, weights=count[seen]) if seen.any() else None
        cells.append("–" if mean is None else f"{mean:.3f}")
    return cells


def _figures(output: dict[str, Any]) -> list[dict[str, str]]:
    return [
        html_page.embed_png(png, caption)
        for quantity, (_, caption) in _FIGURES.items()
        if (png := _curves(output, quantity)) is not None
    ]


@style.png_figure
def _curves(output: dict[str, Any], quantity: str, figure: Any) -> bool:
    """Draws a quantity of each class over the epochs, shaded by class count."""
    counts = np.array(output["class_counts"], dtype=float)
    values = np.array([epoch[quantity] for epoch in output["epochs"]])
    figure.set_size_inches(8, 3.4)
    axes = figure.subplots()
    style.class_curves(axes, values, counts)
    if quantity != "mean_weight":
        axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel(style.epochs_label(counts))
    axes.set_ylabel(_FIGURES[quantity][0])
    style.rare_to_frequent_legend(figure, counts)
    return True
