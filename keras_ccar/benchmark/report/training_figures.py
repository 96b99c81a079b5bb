"""Figures of the course of training, and of the weights."""

import textwrap
import warnings

import numpy as np
from keras import ops

from keras_ccar.benchmark.report.curves import accuracy_curve, mean_over_examples
from keras_ccar.benchmark.report.figure_style import (
    GREY,
    GROUP_NAMES,
    INK,
    MANY_METHODS,
    PRINCIPAL_METHODS,
    class_curves,
    groups_with_examples,
    legend_above,
    method_styles,
    png_figure,
    rare_to_frequent_legend,
    set_log_scale,
)
from keras_ccar.frequencies import class_prior
from keras_ccar.weightings import ccar_weight


@png_figure
def training_curves(comparison, figure):
    """Draws the mean training confidence over the epochs, of all and by group."""
    counts = np.array(comparison.dataset["class_counts"])
    groups = groups_with_examples(counts)

    def curve(run, group):
        confidence = mean_over_examples(
            run["history"]["confidence"], counts * groups[group]
        )
        return np.arange(1, len(confidence) + 1), confidence

    if not _curves_by_group(comparison, figure, groups, curve):
        return False
    figure.axes[0].set_ylabel("mean confidence\nin the true class")
    figure.axes[0].set_ylim(0, 1.02)


@png_figure
def test_curves(comparison, figure):
    """Draws test accuracy in the course of the training, of all and by group."""
    epochs = comparison.recipe["epochs"]
    groups = groups_with_examples(np.array(comparison.dataset["class_counts"]))

    def curve(run, group):
        return accuracy_curve(run, group, epochs)

    if not _curves_by_group(comparison, figure, groups, curve):
        return False
    figure.axes[0].set_ylabel("test accuracy (%)")


def _curves_by_group(comparison, figure, groups, curve):
    """Draws the principal methods' mean over seeds of a curve, side by side."""
    styles = _principal_styles(comparison)
    if not styles:
        return False
    figure.set_size_inches(8, 3.2)
    grid = figure.subplots(1, len(groups), sharey=True, squeeze=False)[0]
    for axes, name in zip(grid, groups, strict=True):
        for method, style in styles:
            runs = comparison.finished_runs(method["name"])
            curves = [curve(run, name) for run in runs]
            epochs = curves[0][0]
            axes.plot(
                epochs,
                np.mean([values for _, values in curves], axis=0),
                **{**style, "markevery": max(1, len(epochs) // 6), "markersize": 4},
            )
        axes.set_title(GROUP_NAMES[name], fontsize=9)
        axes.xaxis.get_major_locator().set_params(integer=True)
    figure.supxlabel("epoch", fontsize=10, color=INK)
    legend_above(figure, grid[0])
    return True


def _principal_styles(comparison):
    """Pairs methods that finished with their styles, the principal ones of many."""
    shown = [
        method
        for method in comparison.methods
        if comparison.finished_runs(method["name"])
    ]
    if len(shown) > MANY_METHODS:
        shown = [method for method in shown if method["name"] in PRINCIPAL_METHODS]
    return method_styles(shown)


@png_figure
def confidence_by_class(comparison, figure):
    """Draws the mean training confidence of each class over the epochs."""
    counts = np.array(comparison.dataset["class_counts"])
    shown = [
        (method, comparison.finished_runs(method["name"]))
        for method, _ in _principal_styles(comparison)
    ]
    if not shown:
        return False
    columns = min(len(shown), 4)
    rows = -(-len(shown) // columns)
    figure.set_size_inches(8, 2.7 * rows + 0.4)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, (method, runs) in zip(grid.flat, shown, strict=False):
        curves = np.array([run["history"]["confidence"] for run in runs], dtype=float)
        with warnings.catch_warnings():
            # A class that no batch held in an epoch has no confidence there.
            warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
            mean = np.nanmean(curves, axis=0)
        class_curves(axes, mean, counts)
        axes.set_title(textwrap.fill(method["title"], 18))
        axes.set_ylim(0, 1.02)
    for axes in list(grid.flat)[len(shown) :]:
        axes.remove()
    for axes in grid[:, 0]:
        axes.set_ylabel("mean confidence\nin the true class")
    figure.supxlabel("epoch", fontsize=10, color=INK)
    rare_to_frequent_legend(figure, counts)


@png_figure
def weight_by_confidence(comparison, figure):
    """Draws Ω over confidence for the rarest and the most frequent class."""
    configs = [
        method["loss"]["config"]
        for method in comparison.methods
        if method["loss"]["class_name"] == "CCARLoss"
    ]
    if not configs:
        return False
    config = configs[0]
    counts = np.array(comparison.dataset["class_counts"], dtype=float)
    prior = class_prior(counts)
    figure.set_size_inches(8, 3.6)
    axes = figure.subplots()
    # The pivot itself is a point of the curve: there every weight is 1.
    confidence = np.union1d(np.linspace(0, 1, 401), config["pivot"])
    rarest = np.flatnonzero(counts == counts[counts > 0].min())[-1]
    for label, colour, name in (
        (rarest, "#D55E00", "rarest"),
        (counts.argmax(), "#0072B2", "most frequent"),
    ):
        weight = ccar_weight(
            confidence.astype("float32"),
            np.float32(prior.frequency[label]),
            pivot=config["pivot"],
            strength=config["strength"],
            form=config["form"],
            num_classes=len(counts),
            num_examples=prior.num_examples,
        )
        axes.plot(
            confidence,
            ops.convert_to_numpy(weight),
            color=colour,
            linewidth=2,
            label=f"{name} class: {counts[label]:.0f} examples, "
            f"f = {prior.frequency[label]:.4f}",
        )
    axes.axhline(1, color=GREY, linewidth=1, linestyle=(0, (4, 3)))
    if config["form"] != "inverse":
        axes.axvline(config["pivot"], color=GREY, linewidth=1, linestyle=(0, (4, 3)))
        axes.annotate(
            f"pivot ω = {config['pivot']:g}",
            (config["pivot"], 1),
            xytext=(6, 6),
            textcoords="offset points",
            color="#50555E",
        )
    if axes.get_ylim()[1] > 10:
        set_log_scale(axes)
    axes.set_xlim(0, 1)
    axes.set_xlabel("confidence in the true class")
    axes.set_ylabel("weight Ω")
    legend_above(figure, axes)
