"""Figures of the course of training, and of the weights."""

import textwrap
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops
from matplotlib.figure import Figure

from keras_ccar.benchmark.comparison import Comparison, RunEntry
from keras_ccar.benchmark.report.figures import figure_style as style
from keras_ccar.benchmark.report.figures.curves import (
    accuracy_curve,
    mean_over_examples,
    runs_with_confidence,
)
from keras_ccar.frequencies import class_prior, reported_groups
from keras_ccar.weightings import ccar_weight

# The methods to draw where all are too many: those that the verdicts are about.
_PRINCIPAL_METHODS = ("ce", "ce×c", "bs", "la", "la×c", "ccar", "ccar+la")
_CONFIDENCE_LABEL = "mean confidence\nin the true class"
_RunsOf = Callable[[Comparison, str], list[RunEntry]]


@style.png_figure
def training_curves(comparison: Comparison, figure: Figure) -> bool:
    """Draws the mean training confidence over the epochs, of all and by group."""

    def curve(run: RunEntry, counts: np.ndarray, _: str) -> Any:
        confidence = mean_over_examples(run["history"]["confidence"], counts)
        return np.arange(1, len(confidence) + 1), confidence

    return _curves_by_group(
        comparison, figure, curve, runs_with_confidence, _CONFIDENCE_LABEL, (0, 1.02)
    )


@style.png_figure
def test_curves(comparison: Comparison, figure: Figure) -> bool:
    """Draws test accuracy in the course of the training, of all and by group."""

    def curve(run: RunEntry, _: np.ndarray, group: str) -> Any:
        epochs = comparison.recipe["epochs"]
        return accuracy_curve(run, style.group_metric(group), epochs)

    return _curves_by_group(
        comparison, figure, curve, _runs_with_curve, "test accuracy (%)"
    )


def _curves_by_group(
    comparison: Comparison,
    figure: Figure,
    curve: Callable[[RunEntry, np.ndarray, str], Any],
    runs_of: _RunsOf,
    ylabel: str,
    ylim: tuple[float, float] | None = None,
) -> bool:
    """Draws the mean over seeds of a curve, the groups of classes side by side.

    `curve` returns epochs and values of a run, given the class counts of a group, zero
    outside it, and its name; `runs_of` the runs of a method that have one.
    """
    looks = _principal_methods(comparison, runs_of)
    if not looks:
        return False
    counts = np.array(comparison.dataset["class_counts"])
    groups = reported_groups(counts)
    groups = {name: groups[name] for name in groups if counts[groups[name]].any()}
    figure.set_size_inches(8, 3.2)
    grid = figure.subplots(1, len(groups), sharey=True, squeeze=False)[0]
    for axes, (group, members) in zip(grid, groups.items(), strict=True):
        for name, look in looks.items():
            runs = runs_of(comparison, name)
            curves = [curve(run, counts * members, group) for run in runs]
            epochs = curves[0][0]
            mean = np.mean([values for _, values in curves], axis=0)
            every = max(1, len(epochs) // 6)
            axes.plot(epochs, mean, **{**look, "markevery": every, "markersize": 4})
        axes.set_title(style.GROUP_TITLES[group], fontsize=9)
        axes.locator_params(axis="x", integer=True)
    grid[0].set_ylabel(ylabel)
    if ylim:
        grid[0].set_ylim(ylim)
    style.label_below(figure, "epoch")
    style.legend_above(figure, grid[0])
    return True


def _runs_with_curve(comparison: Comparison, method: str) -> list[RunEntry]:
    """Returns the finished runs of a method that were measured while they trained."""
    runs = comparison.finished_runs(method)
    return [run for run in runs if "test" in run.get("history", {})]


def _principal_methods(
    comparison: Comparison, runs_of: _RunsOf
) -> dict[str, style.Look]:
    """Returns the methods with such runs, only the principal ones of many."""
    methods = [m for m in comparison.methods if runs_of(comparison, m["name"])]
    if len(methods) > style.MANY_METHODS:
        methods = [m for m in methods if m["name"] in _PRINCIPAL_METHODS]
    return style.method_styles(methods)


@style.png_figure
def confidence_by_class(comparison: Comparison, figure: Figure) -> bool:
    """Draws the mean training confidence of each class over the epochs."""
    counts = np.array(comparison.dataset["class_counts"])
    looks = _principal_methods(comparison, runs_with_confidence)
    if not looks:
        return False
    panels = style.panels(figure, len(looks), (2.7, 0.4), _CONFIDENCE_LABEL)
    for axes, (name, look) in zip(panels, looks.items(), strict=True):
        runs = runs_with_confidence(comparison, name)
        curves = np.array([run["history"]["confidence"] for run in runs], dtype=float)
        # A class that no batch held in an epoch has no confidence there.
        mean = np.ma.masked_invalid(curves).mean(axis=0).filled(np.nan)
        style.class_curves(axes, mean, counts)
        axes.set_title(textwrap.fill(look["label"], 18))
        axes.set_ylim(0, 1.02)
    style.label_below(figure, style.epochs_label(counts))
    style.rare_to_frequent_legend(figure, counts)
    return True


@style.png_figure
def weight_by_confidence(comparison: Comparison, figure: Figure) -> bool:
    """Draws Ω over confidence for the rarest and the most frequent class."""
    losses = [method["loss"] for method in comparison.methods]
    ccar = [loss["config"] for loss in losses if loss["class_name"] == "CCARLoss"]
    if not ccar:
        return False
    pivot, strength, form = (ccar[0][key] for key in ("pivot", "strength", "form"))
    counts = np.array(comparison.dataset["class_counts"], dtype=float)
    prior = class_prior(counts)
    is_relative = ccar[0].get("frequency_scale") == "largest"
    largest = prior.frequency.max() if is_relative else 1.0
    figure.set_size_inches(8, 3.6)
    axes = figure.subplots()
    # The curve passes through the pivot, where every weight is 1.
    confidence = np.union1d(np.linspace(0, 1, 401), pivot)
    rarest = np.flatnonzero(counts == counts[counts > 0].min())[-1]
    for label, colour, name in (
        (rarest, style.VERMILION, "rarest"),
        (counts.argmax(), style.BLUE, "most frequent"),
    ):
        frequency = prior.frequency[label]
        weight = ccar_weight(
            confidence.astype("float32"),
            np.float32(frequency / largest),
            pivot,
            strength,
            form,
            num_classes=np.count_nonzero(counts),
            num_examples=prior.num_examples,
        )
        weight = ops.convert_to_numpy(weight)
        text = f"{name} class: {counts[label]:.0f} examples, f = {frequency:.4f}"
        axes.plot(confidence, weight, color=colour, linewidth=2, label=text)
    axes.axhline(1, **style.REFERENCE_LINE)
    if form != "inverse":
        axes.axvline(pivot, **style.REFERENCE_LINE)
        axes.annotate(
            f"pivot ω = {pivot:g}",
            (pivot, 1),
            xytext=(6, 6),
            textcoords="offset points",
            color=style.PALE_INK,
        )
    if axes.get_ylim()[1] > 10:
        style.set_log_scale(axes)
    axes.set_xlim(0, 1)
    axes.set_xlabel("confidence in the true class")
    axes.set_ylabel("weight Ω")
    style.legend_above(figure, axes)
    return True
