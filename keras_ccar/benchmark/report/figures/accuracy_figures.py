"""Figures of accuracy by class and by group of classes."""

import textwrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.report.figures import figure_style as style
from keras_ccar.benchmark.report.shown_classes import describe_drawn, drawn_places
from keras_ccar.benchmark.statistics.paired import mean_and_deviation
from keras_ccar.frequencies import reported_groups


@style.png_figure
def accuracy_by_class(comparison: Comparison, figure: Figure) -> bool:
    """Draws the class counts above the accuracy of each class under each method.

    Each of many methods has axes of its own, with cross-entropy for comparison.
    """
    looks = style.method_styles(comparison.methods)
    looks = {name: looks[name] for name in looks if comparison.finished_runs(name)}
    if len(looks) > style.MANY_METHODS:
        _accuracy_panels(comparison, figure, looks)
        return True
    counts = np.array(comparison.dataset["class_counts"])
    order = np.argsort(-counts, kind="stable")
    figure.set_size_inches(8, 5.4)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1, 2.6))
    _count_bars(above, counts[order])
    above.set_ylabel("training\nexamples")
    if counts.max() > 50 * max(counts.min(), 1):
        style.set_log_scale(above)
    for name, look in looks.items():
        _accuracy_line(below, comparison, name, look, order)
    below.set_ylabel("accuracy, %")
    below.set_ylim(top=min(102, below.get_ylim()[1] + 4))
    if len(counts) > style.MANY_CLASSES:
        below.set_xlabel(f"classes, most frequent first{_describe_smoothing(counts)}")
    else:
        names = [comparison.dataset["class_names"][label] for label in order]
        names = [name if len(name) <= 18 else f"{name[:17]}…" for name in names]
        turned = {"rotation": 40, "ha": "right"} if max(map(len, names)) > 6 else {}
        below.set_xticks(np.arange(len(counts)), names, **turned)
        below.set_xlabel("class, most frequent first")
    style.legend_above(figure, below)
    return True


def _count_bars(axes: Axes, counts: np.ndarray) -> None:
    """Draws a bar for each class; those of very many classes are one outline."""
    if len(drawn_places(len(counts))) == len(counts):
        axes.bar(np.arange(len(counts)), counts, color="#C3C8D0", width=0.8)
    else:
        edges = np.arange(len(counts) + 1) - 0.5
        axes.stairs(counts, edges, fill=True, color="#C3C8D0")


def _accuracy_panels(
    comparison: Comparison, figure: Figure, looks: dict[str, style.Look]
) -> None:
    counts = np.array(comparison.dataset["class_counts"])
    order = np.argsort(-counts, kind="stable")
    looks = {name: {**look, "markersize": 3} for name, look in looks.items()}
    plain = looks.pop(comparison.baseline, None)
    panels = style.panels(figure, len(looks), (2.1, 0.5), "accuracy, %")
    for axes, (name, look) in zip(panels, looks.items(), strict=True):
        if plain:
            _accuracy_line(axes, comparison, comparison.baseline, plain, order)
        _accuracy_line(axes, comparison, name, look, order)
        axes.set_title(textwrap.fill(look["label"], 22), fontsize=9)
        axes.set_xticks([])
    style.label_below(
        figure,
        f"classes, from {counts.max()} to {counts.min()} training examples"
        f"{_describe_smoothing(counts)}",
    )
    if plain:
        line = Line2D([], [], color=style.GREY, label=plain["label"])
        figure.legend(handles=[line], loc="outside upper center")


def _accuracy_line(
    axes: Axes, comparison: Comparison, name: str, look: style.Look, order: np.ndarray
) -> None:
    runs = comparison.finished_runs(name)
    accuracy = np.array([run["per_class_accuracy"] for run in runs], dtype=float)
    mean = accuracy.mean(axis=0)[order]
    position = np.arange(len(order))
    if len(order) <= style.MANY_CLASSES:
        axes.plot(position, mean, **look)
        return
    # Whole windows only: padding would invent accuracies.
    window = _window(order)
    kernel = np.ones(window) / window
    middle = np.convolve(position, kernel, mode="valid")
    smooth = np.convolve(mean, kernel, mode="valid")
    axes.plot(middle, smooth, **{**look, "marker": ""})
    size = look["markersize"] * 0.8
    dots = drawn_places(len(order))
    axes.plot(dots, mean[dots], ".", color=look["color"], alpha=0.25, markersize=size)


def _window(classes: np.ndarray) -> int:
    return len(classes) // 10


def _describe_smoothing(counts: np.ndarray) -> str:
    if len(counts) <= style.MANY_CLASSES:
        return ""
    dots = describe_drawn(len(counts))
    return f"; line: mean of {_window(counts)} neighbours, dots: {dots}"


@style.png_figure
def accuracy_by_group(comparison: Comparison, figure: Figure) -> bool:
    """Draws the accuracy over many-, medium- and few-shot classes and over all."""
    if not {"many", "medium", "few"} <= comparison.metrics.keys():
        return False
    groups = reported_groups(comparison.dataset["class_counts"])
    sizes = {name: members.sum() for name, members in groups.items() if members.any()}
    looks = style.method_styles(comparison.methods)
    looks = {name: looks[name] for name in looks if comparison.finished_runs(name)}
    if not looks:
        return False
    figure.set_size_inches(8, 1.2 + 0.32 * len(looks))
    grid = figure.subplots(1, len(sizes), sharey=True, squeeze=False)[0]
    for axes, (group, size) in zip(grid, sizes.items(), strict=True):
        metric = style.group_metric(group)
        scores = [
            mean_and_deviation(comparison.by_seed(name, metric)) for name in looks
        ]
        means, deviations = np.array(scores).T
        axes.barh(
            np.arange(len(looks)),
            means,
            0.7,
            xerr=np.nan_to_num(deviations),
            color=[look["color"] for look in looks.values()],
            error_kw={"ecolor": style.INK, "elinewidth": 1, "capsize": 2},
        )
        plural = "class" if size == 1 else "classes"
        axes.set_title(f"{style.GROUP_TITLES[group]}\n{size} {plural}", fontsize=9)
        axes.set_xlim(left=0)
        style.horizontal_rows(axes, [look["label"] for look in looks.values()])
    grid[0].invert_yaxis()
    style.label_below(figure, "accuracy, %")
    return True
