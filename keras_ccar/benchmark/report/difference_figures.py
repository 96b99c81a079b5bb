"""Figures of paired differences and of ablations."""

import numpy as np

from keras_ccar.benchmark.report.figure_style import (
    GREY,
    method_styles,
    png_figure,
    wrap_title,
)
from keras_ccar.benchmark.report.statistics import paired_difference
from keras_ccar.benchmark.spec.ablations import group_variants


@png_figure
def differences(comparison, figure):
    """Draws how far balanced accuracy is from that of cross-entropy, with intervals."""
    baseline = comparison.by_seed("ce", "balanced")
    rows = [
        (
            method["title"],
            style,
            paired_difference(comparison.by_seed(method["name"], "balanced"), baseline),
        )
        for method, style in method_styles(comparison.methods)
        if method["name"] != "ce"
    ]
    rows = [row for row in rows if row[2].seeds]
    if not rows:
        return False
    figure.set_size_inches(8, 0.9 + 0.34 * len(rows))
    axes = figure.subplots()
    _forest(axes, rows)
    axes.set_xlabel("balanced accuracy less that of cross-entropy, points")


def _forest(axes, rows):
    """Draws `(title, style, PairedDifference)`, one below the other."""
    place = np.arange(len(rows))
    for at, (_, style, difference) in zip(place, rows, strict=True):
        if difference.has_interval:
            ends = [difference.low, difference.high]
            axes.plot(ends, [at, at], color=style["color"], linewidth=2)
        axes.plot(
            difference.mean,
            at,
            marker=style["marker"],
            color=style["color"],
            markersize=7,
        )
    axes.axvline(0, color=GREY, linewidth=1, linestyle=(0, (4, 3)))
    axes.set_yticks(place, [wrap_title(title) for title, _, _ in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    axes.grid(visible=False, axis="y")


@png_figure
def ablations(comparison, figure):
    """Draws what the settings of CCAR change, against the variant without settings."""
    panels = []
    for family in group_variants(comparison.methods):
        reference = comparison.by_seed(family.reference["name"], "balanced")
        rows = [
            (
                variant["title"],
                {"color": "#0072B2", "marker": "o"},
                paired_difference(
                    comparison.by_seed(variant["name"], "balanced"), reference
                ),
            )
            for variant in family.variants
        ]
        rows = [row for row in rows if row[2].seeds]
        if rows:
            panels.append((family.reference["title"], rows))
    if not panels:
        return False
    sizes = [len(rows) for _, rows in panels]
    figure.set_size_inches(8, 0.34 * sum(sizes) + 1.0 * len(panels))
    grid = figure.subplots(len(panels), 1, squeeze=False, height_ratios=sizes)[:, 0]
    for axes, (title, rows) in zip(grid, panels, strict=True):
        _forest(axes, rows)
        axes.set_xlabel(f"balanced accuracy less that of {title}, points")
