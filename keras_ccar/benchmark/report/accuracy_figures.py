"""Figures of accuracy by class and by group of classes."""

import textwrap

import numpy as np
from matplotlib.lines import Line2D

from keras_ccar.benchmark.report.figure_style import (
    GREY,
    GROUP_NAMES,
    INK,
    MANY_CLASSES,
    MANY_METHODS,
    legend_above,
    method_styles,
    nan_if_none,
    png_figure,
    set_log_scale,
    truncate,
    wrap_title,
)
from keras_ccar.benchmark.report.statistics import mean_and_deviation
from keras_ccar.frequencies import shot_groups


@png_figure
def accuracy_by_class(comparison, figure):
    """Draws the class counts above the accuracy of each class under each method.

    Where the methods are many, each has axes of its own, with cross-entropy for
    comparison.
    """
    counts = np.array(comparison.dataset["class_counts"])
    order = np.argsort(-counts, kind="stable")
    styles = [
        (method, style)
        for method, style in method_styles(comparison.methods)
        if comparison.finished_runs(method["name"])
    ]
    if len(styles) > MANY_METHODS:
        _accuracy_panels(comparison, figure, counts, order, styles)
        return
    figure.set_size_inches(8, 5.4)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1, 2.6))
    above.bar(np.arange(len(counts)), counts[order], color="#C3C8D0", width=0.8)
    above.set_ylabel("training\nexamples")
    if counts.max() > 50 * max(counts.min(), 1):
        set_log_scale(above)
    for method, style in styles:
        _accuracy_line(below, comparison, method, style, order)
    below.set_ylabel("accuracy, %")
    below.set_ylim(top=min(102, below.get_ylim()[1] + 4))
    if len(counts) > MANY_CLASSES:
        below.set_xlabel(
            f"classes, most frequent first; line: mean of {_window(counts)} "
            "neighbours, dots: classes"
        )
    else:
        names = [truncate(comparison.dataset["class_names"][at]) for at in order]
        turned = max(map(len, names)) > 6
        below.set_xticks(
            np.arange(len(counts)),
            names,
            rotation=40 if turned else 0,
            ha="right" if turned else "center",
        )
        below.set_xlabel("class, most frequent first")
    legend_above(figure, below)


def _accuracy_panels(comparison, figure, counts, order, styles):
    plain = [pair for pair in styles if pair[0]["name"] == "ce"]
    others = [pair for pair in styles if pair[0]["name"] != "ce"]
    columns = 4
    rows = -(-len(others) // columns)
    figure.set_size_inches(8, 2.1 * rows + 0.5)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, pair in zip(grid.flat, others, strict=False):
        for method, style in (*plain, pair):
            _accuracy_line(axes, comparison, method, {**style, "markersize": 3}, order)
        axes.set_title(textwrap.fill(pair[0]["title"], 22), fontsize=9)
        axes.set_xticks([])
    for axes in list(grid.flat)[len(others) :]:
        axes.remove()
    for axes in grid[:, 0]:
        axes.set_ylabel("accuracy, %")
    smooth = (
        f"; line: mean of {_window(counts)} neighbours, dots: classes"
        if len(counts) > MANY_CLASSES
        else ""
    )
    figure.supxlabel(
        f"classes, from {counts.max()} to {counts.min()} training examples{smooth}",
        fontsize=10,
        color=INK,
    )
    if plain:
        line = Line2D([], [], color=GREY, linewidth=1.8, label=plain[0][0]["title"])
        figure.legend(handles=[line], loc="outside upper center")


def _accuracy_line(axes, comparison, method, style, order):
    runs = comparison.finished_runs(method["name"])
    accuracy = np.array([run["per_class_accuracy"] for run in runs], dtype=float)
    mean = accuracy.mean(axis=0)[order]
    position = np.arange(len(order))
    if len(order) <= MANY_CLASSES:
        axes.plot(position, mean, **style)
        return
    # The mean of a window that is whole: no padding invents an accuracy.
    window = _window(order)
    kernel = np.ones(window) / window
    middle = np.convolve(position, kernel, mode="valid")
    smooth = np.convolve(mean, kernel, mode="valid")
    axes.plot(middle, smooth, **{**style, "marker": ""})
    size = style["markersize"] * 0.8
    axes.plot(position, mean, ".", color=style["color"], alpha=0.25, markersize=size)


def _window(classes):
    return len(classes) // 10


@png_figure
def accuracy_by_group(comparison, figure):
    """Draws the accuracy over many-, medium- and few-shot classes and over all."""
    counts = comparison.dataset["class_counts"]
    sizes = {name: int(of.sum()) for name, of in shot_groups(counts).items()}
    sizes["balanced"] = len(counts)
    groups = [name for name in GROUP_NAMES if sizes[name]]
    styles = method_styles(comparison.methods)
    place = np.arange(len(styles))
    figure.set_size_inches(8, 1.2 + 0.32 * len(styles))
    grid = figure.subplots(1, len(groups), sharey=True, squeeze=False)[0]
    for axes, group in zip(grid, groups, strict=True):
        values = [
            mean_and_deviation(
                [
                    nan_if_none(run[group])
                    for run in comparison.finished_runs(method["name"])
                ]
            )
            for method, _ in styles
        ]
        means, deviations = np.array(values).T
        axes.barh(
            place,
            means,
            0.7,
            xerr=np.nan_to_num(deviations),
            color=[style["color"] for _, style in styles],
            error_kw={"ecolor": INK, "elinewidth": 1, "capsize": 2},
        )
        plural = "class" if sizes[group] == 1 else "classes"
        axes.set_title(f"{GROUP_NAMES[group]}\n{sizes[group]} {plural}", fontsize=9)
        axes.grid(axis="x")
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        axes.set_xlim(left=0)
    grid[0].set_yticks(place, [wrap_title(method["title"]) for method, _ in styles])
    grid[0].invert_yaxis()
    figure.supxlabel("accuracy, %", fontsize=10, color=INK)
