"""The pictures of a report, drawn from `results.json` alone."""

import textwrap
import warnings

import numpy as np
from keras import ops
from matplotlib.lines import Line2D

from keras_ccar.benchmark.ablations import families
from keras_ccar.benchmark.figure_style import (
    GREY,
    MANY_CLASSES,
    MANY_METHODS,
    class_curves,
    finished_runs,
    in_two_lines,
    legend_above,
    logarithmic,
    method_styles,
    png_figure,
    rare_to_frequent_legend,
    shortened,
)
from keras_ccar.benchmark.summary import (
    by_seed,
    mean_and_deviation,
    paired_difference,
    runs_table,
)
from keras_ccar.benchmark.verdicts import accuracy_curve, mean_over_examples
from keras_ccar.frequencies import class_prior, shot_groups
from keras_ccar.weightings import ccar_weight

_INK = "#30343B"
# Those that the questions of the benchmark are about, where all are too many.
_PRINCIPAL = ("ce", "ce×c", "bs", "la", "la×c", "ccar", "ccar+la")
_GROUP_NAMES = {
    "balanced": "all",
    "many": "many: > 100",
    "medium": "medium: 20 to 100",
    "few": "few: < 20",
}


@png_figure
def accuracy_by_class(results, figure):
    """Draws the class counts above the accuracy of each class under each method.

    Where the methods are many, each has axes of its own, with cross-entropy for
    comparison.
    """
    counts = np.array(results["dataset"]["class_counts"])
    order = np.argsort(-counts, kind="stable")
    styles = [
        (method, style)
        for method, style in method_styles(results)
        if finished_runs(results, method["name"])
    ]
    if len(styles) > MANY_METHODS:
        _accuracy_panels(results, figure, counts, order, styles)
        return
    figure.set_size_inches(8, 5.4)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1, 2.6))
    above.bar(np.arange(len(counts)), counts[order], color="#C3C8D0", width=0.8)
    above.set_ylabel("training\nexamples")
    if counts.max() > 50 * max(counts.min(), 1):
        logarithmic(above)
    for method, style in styles:
        _accuracy_line(below, results, method, style, order)
    below.set_ylabel("accuracy, %")
    below.set_ylim(top=min(102, below.get_ylim()[1] + 4))
    if len(counts) > MANY_CLASSES:
        below.set_xlabel(
            f"classes, most frequent first; line: mean of {_window(counts)} "
            "neighbours, dots: classes"
        )
    else:
        names = [shortened(results["dataset"]["class_names"][at]) for at in order]
        turned = max(map(len, names)) > 6
        below.set_xticks(
            np.arange(len(counts)),
            names,
            rotation=40 if turned else 0,
            ha="right" if turned else "center",
        )
        below.set_xlabel("class, most frequent first")
    legend_above(figure, below)


def _accuracy_panels(results, figure, counts, order, styles):
    plain = [pair for pair in styles if pair[0]["name"] == "ce"]
    others = [pair for pair in styles if pair[0]["name"] != "ce"]
    columns = 4
    rows = -(-len(others) // columns)
    figure.set_size_inches(8, 2.1 * rows + 0.5)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, pair in zip(grid.flat, others, strict=False):
        for method, style in (*plain, pair):
            _accuracy_line(axes, results, method, {**style, "markersize": 3}, order)
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
        color=_INK,
    )
    if plain:
        line = Line2D([], [], color=GREY, linewidth=1.8, label=plain[0][0]["title"])
        figure.legend(handles=[line], loc="outside upper center")


def _accuracy_line(axes, results, method, style, order):
    runs = finished_runs(results, method["name"])
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
def accuracy_by_group(results, figure):
    """Draws the accuracy over many-, medium- and few-shot classes and over all."""
    counts = results["dataset"]["class_counts"]
    sizes = {name: int(of.sum()) for name, of in shot_groups(counts).items()}
    sizes["balanced"] = len(counts)
    groups = [name for name in _GROUP_NAMES if sizes[name]]
    styles = method_styles(results)
    place = np.arange(len(styles))
    figure.set_size_inches(8, 1.2 + 0.32 * len(styles))
    grid = figure.subplots(1, len(groups), sharey=True, squeeze=False)[0]
    for axes, group in zip(grid, groups, strict=True):
        values = [
            mean_and_deviation(
                [_number(run[group]) for run in finished_runs(results, method["name"])]
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
            error_kw={"ecolor": _INK, "elinewidth": 1, "capsize": 2},
        )
        plural = "class" if sizes[group] == 1 else "classes"
        axes.set_title(f"{_GROUP_NAMES[group]}\n{sizes[group]} {plural}", fontsize=9)
        axes.grid(axis="x")
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        axes.set_xlim(left=0)
    grid[0].set_yticks(place, [in_two_lines(method["title"]) for method, _ in styles])
    grid[0].invert_yaxis()
    figure.supxlabel("accuracy, %", fontsize=10, color=_INK)


@png_figure
def differences(results, figure):
    """Draws how far balanced accuracy is from that of cross-entropy, with intervals."""
    table = runs_table(results)
    baseline = by_seed(table, "ce", "balanced")
    rows = [
        (
            method["title"],
            style,
            paired_difference(by_seed(table, method["name"], "balanced"), baseline),
        )
        for method, style in method_styles(results)
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
    axes.set_yticks(place, [in_two_lines(title) for title, _, _ in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    axes.grid(visible=False, axis="y")


@png_figure
def training_curves(results, figure):
    """Draws the mean training confidence over the epochs, of all and by group."""
    counts = np.array(results["dataset"]["class_counts"])
    groups = _groups(counts)

    def curve(run, group):
        confidence = mean_over_examples(
            run["history"]["confidence"], counts * groups[group]
        )
        return np.arange(1, len(confidence) + 1), confidence

    if not _curves_by_group(results, figure, groups, curve):
        return False
    figure.axes[0].set_ylabel("mean confidence\nin the true class")
    figure.axes[0].set_ylim(0, 1.02)


@png_figure
def test_curves(results, figure):
    """Draws test accuracy in the course of the training, of all and by group."""
    epochs = results["recipe"]["epochs"]
    groups = _groups(np.array(results["dataset"]["class_counts"]))

    def curve(run, group):
        return accuracy_curve(run, group, epochs)

    if not _curves_by_group(results, figure, groups, curve):
        return False
    figure.axes[0].set_ylabel("test accuracy (%)")


def _groups(counts):
    """Returns masks of the classes of each group that has training examples."""
    groups = {"balanced": np.ones(len(counts), bool), **shot_groups(counts)}
    return {name: of for name, of in groups.items() if counts[of].sum()}


def _curves_by_group(results, figure, groups, curve):
    """Draws the principal methods' mean over seeds of a curve, side by side."""
    styles = _principal_styles(results)
    if not styles:
        return False
    figure.set_size_inches(8, 3.2)
    grid = figure.subplots(1, len(groups), sharey=True, squeeze=False)[0]
    for axes, name in zip(grid, groups, strict=True):
        for method, style in styles:
            runs = finished_runs(results, method["name"])
            curves = [curve(run, name) for run in runs]
            epochs = curves[0][0]
            axes.plot(
                epochs,
                np.mean([values for _, values in curves], axis=0),
                **{**style, "markevery": max(1, len(epochs) // 6), "markersize": 4},
            )
        axes.set_title(_GROUP_NAMES[name], fontsize=9)
        axes.xaxis.get_major_locator().set_params(integer=True)
    figure.supxlabel("epoch", fontsize=10, color=_INK)
    legend_above(figure, grid[0])
    return True


def _principal_styles(results):
    """Pairs methods that finished with their styles, the principal ones of many."""
    shown = [
        method
        for method in results["methods"]
        if finished_runs(results, method["name"])
    ]
    if len(shown) > MANY_METHODS:
        shown = [method for method in shown if method["name"] in _PRINCIPAL]
    return method_styles({**results, "methods": shown})


@png_figure
def ablations(results, figure):
    """Draws what the settings of CCAR change, against the variant without settings."""
    table = runs_table(results)
    panels = []
    for family in families(results):
        reference = by_seed(table, family.reference["name"], "balanced")
        rows = [
            (
                variant["title"],
                {"color": "#0072B2", "marker": "o"},
                paired_difference(
                    by_seed(table, variant["name"], "balanced"), reference
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


@png_figure
def confidence_by_class(results, figure):
    """Draws the mean training confidence of each class over the epochs."""
    counts = np.array(results["dataset"]["class_counts"])
    shown = [
        (method, finished_runs(results, method["name"]))
        for method, _ in _principal_styles(results)
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
    figure.supxlabel("epoch", fontsize=10, color=_INK)
    rare_to_frequent_legend(figure, counts)


@png_figure
def weight_by_confidence(results, figure):
    """Draws Ω over confidence for the rarest and the most frequent class."""
    configs = [
        method["loss"]["config"]
        for method in results["methods"]
        if method["loss"]["class_name"] == "CCARLoss"
    ]
    if not configs:
        return False
    config = configs[0]
    counts = np.array(results["dataset"]["class_counts"], dtype=float)
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
        logarithmic(axes)
    axes.set_xlim(0, 1)
    axes.set_xlabel("confidence in the true class")
    axes.set_ylabel("weight Ω")
    legend_above(figure, axes)


# File name: what draws it, and what its caption says.
FIGURES = {
    "accuracy_by_class.png": (
        accuracy_by_class,
        "Test accuracy of each class by its number of training examples, at the last "
        "epoch, mean over seeds.",
    ),
    "accuracy_by_group.png": (
        accuracy_by_group,
        "Test accuracy over groups of classes by their number of training examples. "
        "Bars: mean; lines: standard deviation over seeds.",
    ),
    "differences.png": (
        differences,
        "Balanced accuracy less that of cross-entropy with the same seed. Marks: mean "
        "over seeds; lines: 95 % confidence interval.",
    ),
    "training_curves.png": (
        training_curves,
        "Mean confidence in the true class of training examples over the epochs, mean "
        "over seeds; of many methods, the principal ones. Where logits are adjusted it "
        "is the confidence after the adjustment, which compares with that of the same "
        "adjustment only.",
    ),
    "test_curves.png": (
        test_curves,
        "Accuracy on the test set in the course of the training, mean over seeds; of "
        "many methods, the principal ones. All else that is reported is of the last "
        "epoch.",
    ),
    "confidence_by_class.png": (
        confidence_by_class,
        "Mean confidence in the true class during training, one line a class, mean "
        "over seeds; of many methods, the principal ones. Confidence is the "
        "probability that the loss sees: where logits are adjusted, after the "
        "adjustment.",
    ),
    "ablations.png": (
        ablations,
        "What the settings of CCAR change: balanced accuracy less that of the same "
        "method with its own settings. Marks: mean over seeds; lines: 95 % "
        "confidence interval.",
    ),
    "weight_by_confidence.png": (
        weight_by_confidence,
        "The weight Ω of a training example over the confidence in its class.",
    ),
}


def draw_all(results):
    """Draws every figure that the results allow.

    Args:
        results: the dict of `results.json`.

    Returns:
        A dict of PNG bytes by file name.
    """
    drawn = {name: draw(results) for name, (draw, _) in FIGURES.items()}
    return {name: content for name, content in drawn.items() if content is not None}


def _number(value):
    return np.nan if value is None else value
