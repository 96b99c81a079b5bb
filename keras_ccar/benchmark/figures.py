"""The pictures of a report, drawn from `results.json` alone."""

import functools
import io
import textwrap
import warnings

import matplotlib
import numpy as np
from keras import ops
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter

from keras_ccar.benchmark.summary import mean_and_deviation
from keras_ccar.frequencies import class_prior, shot_groups
from keras_ccar.weightings import ccar_weight

# Okabe and Ito's palette, which the colour-blind can tell apart; shapes too.
_GREY = "#8A8F98"
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_MARKERS = "osD^vP"
_STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#8A8F98",
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.labelcolor": "#30343B",
    "axes.labelsize": 10,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.5,
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "grid.color": "#E5E7EB",
    "legend.frameon": False,
    "savefig.dpi": 160,
    # A class may be called "$x$".
    "text.parse_math": False,
    "xtick.color": "#50555E",
    "ytick.color": "#50555E",
}
# More classes than this are too many to name, or to show one by one.
_MANY_CLASSES = 20
# From the rarest class to the most frequent.
_RARE_TO_FREQUENT = LinearSegmentedColormap.from_list(
    "rare_to_frequent", ["#D55E00", "#E8B88F", "#9FB8CC", "#0072B2"]
)


def _figure(draw):
    """Makes a function that draws on a figure one that returns PNG bytes or None."""

    @functools.wraps(draw)
    def drawn(results):
        with matplotlib.rc_context(_STYLE), warnings.catch_warnings():
            # A class name may hold characters that the font lacks.
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            figure = Figure(layout="constrained")
            if draw(results, figure) is False:
                return None
            buffer = io.BytesIO()
            figure.savefig(buffer, format="png", metadata={"Software": None})
            return buffer.getvalue()

    return drawn


@_figure
def accuracy_by_class(results, figure):
    """Draws the class counts above the accuracy of each class under each method."""
    counts = np.array(results["dataset"]["class_counts"])
    order = np.argsort(-counts, kind="stable")
    position = np.arange(len(counts))
    figure.set_size_inches(8, 5.4)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1, 2.6))
    above.bar(position, counts[order], color="#C3C8D0", width=0.8)
    above.set_ylabel("training\nexamples")
    if counts.max() > 50 * max(counts.min(), 1):
        _logarithmic(above)
    smoothed = len(counts) > _MANY_CLASSES
    window = len(counts) // 10 if smoothed else 1
    for method, style in _styles(results):
        runs = _finished(results, method["name"])
        if not runs:
            continue
        accuracy = np.array([run["per_class_accuracy"] for run in runs], dtype=float)
        mean = accuracy.mean(axis=0)[order]
        if smoothed:
            # The mean of a window that is whole: no padding invents an accuracy.
            kernel = np.ones(window) / window
            middle = np.convolve(position, kernel, mode="valid")
            below.plot(middle, np.convolve(mean, kernel, mode="valid"), **style)
            below.plot(position, mean, ".", color=style["color"], alpha=0.25, ms=4)
        else:
            below.plot(position, mean, **style)
    for line in below.lines:
        if smoothed and line.get_linestyle() != "None":
            line.set_marker("")
    below.set_ylabel("accuracy, %")
    below.set_ylim(top=min(102, below.get_ylim()[1] + 4))
    if smoothed:
        below.set_xlabel(
            f"classes, most frequent first; line: mean of {window} neighbours, "
            "dots: classes"
        )
    else:
        names = [_short(results["dataset"]["class_names"][index]) for index in order]
        turned = max(map(len, names)) > 6
        below.set_xticks(
            position,
            names,
            rotation=40 if turned else 0,
            ha="right" if turned else "center",
        )
        below.set_xlabel("class, most frequent first")
    _legend_above(figure, below)


@_figure
def accuracy_by_group(results, figure):
    """Draws the accuracy over many-, medium- and few-shot classes and over all."""
    counts = results["dataset"]["class_counts"]
    sizes = {name: int(of.sum()) for name, of in shot_groups(counts).items()}
    groups = [name for name, size in sizes.items() if size] + ["balanced"]
    sizes["balanced"] = len(counts)
    labels = {
        "many": "many\n> 100 examples",
        "medium": "medium\n20 to 100",
        "few": "few\n< 20",
        "balanced": "all",
    }
    plural = {name: "class" if size == 1 else "classes" for name, size in sizes.items()}
    figure.set_size_inches(8, 3.8)
    axes = figure.subplots()
    styles = _styles(results)
    width = 0.8 / len(styles)
    for index, (method, style) in enumerate(styles):
        runs = _finished(results, method["name"])
        values = [mean_and_deviation([_number(r[g]) for r in runs]) for g in groups]
        means, deviations = np.array(values).T
        place = np.arange(len(groups)) + (index - (len(styles) - 1) / 2) * width
        axes.bar(
            place,
            means,
            0.88 * width,
            yerr=np.nan_to_num(deviations),
            color=style["color"],
            label=style["label"],
            error_kw={"ecolor": "#30343B", "elinewidth": 1, "capsize": 2},
        )
    axes.set_xticks(
        np.arange(len(groups)),
        [f"{labels[name]}\n{sizes[name]} {plural[name]}" for name in groups],
    )
    axes.tick_params(axis="x", length=0)
    axes.set_ylabel("accuracy, %")
    _legend_above(figure, axes)


@_figure
def confidence_by_class(results, figure):
    """Draws the mean training confidence of each class over the epochs."""
    counts = np.array(results["dataset"]["class_counts"])
    shown = [
        (method, runs)
        for method, _ in _styles(results)
        if (runs := _finished(results, method["name"]))
    ]
    if not shown:
        return False
    columns = min(len(shown), 4)
    rows = -(-len(shown) // columns)
    figure.set_size_inches(8, 2.7 * rows + 0.4)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    rank = np.argsort(np.argsort(counts, kind="stable"), kind="stable")
    shade = rank / max(len(counts) - 1, 1)
    for axes, (method, runs) in zip(grid.flat, shown, strict=False):
        curves = np.array([run["history"]["confidence"] for run in runs], dtype=float)
        with warnings.catch_warnings():
            # A class that no batch held in an epoch has no confidence there.
            warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
            mean = np.nanmean(curves, axis=0)
        epochs = np.arange(1, len(mean) + 1)
        marker = "o" if len(epochs) == 1 else None
        for label in np.argsort(-counts, kind="stable"):
            axes.plot(
                epochs,
                mean[:, label],
                color=_RARE_TO_FREQUENT(shade[label]),
                linewidth=1.4 if len(counts) <= _MANY_CLASSES else 0.6,
                marker=marker,
                markersize=3,
            )
        axes.set_title(textwrap.fill(method["title"], 18))
        axes.set_ylim(0, 1.02)
        axes.xaxis.get_major_locator().set_params(integer=True)
    for axes in list(grid.flat)[len(shown) :]:
        axes.remove()
    for axes in grid[:, 0]:
        axes.set_ylabel("mean confidence\nin the true class")
    figure.supxlabel("epoch", fontsize=10, color="#30343B")
    handles = [
        Line2D([], [], color=_RARE_TO_FREQUENT(place), linewidth=2, label=label)
        for place, label in (
            (1.0, f"most frequent class ({counts.max()} examples)"),
            (0.0, f"rarest class ({counts.min()} examples)"),
        )
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=2)


@_figure
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
    axes.axhline(1, color=_GREY, linewidth=1, linestyle=(0, (4, 3)))
    if config["form"] != "inverse":
        axes.axvline(config["pivot"], color=_GREY, linewidth=1, linestyle=(0, (4, 3)))
        axes.annotate(
            f"pivot ω = {config['pivot']:g}",
            (config["pivot"], 1),
            xytext=(6, 6),
            textcoords="offset points",
            color="#50555E",
        )
    if axes.get_ylim()[1] > 10:
        _logarithmic(axes)
    axes.set_xlim(0, 1)
    axes.set_xlabel("confidence in the true class")
    axes.set_ylabel("weight Ω")
    _legend_above(figure, axes)


# File name: what draws it, and what its caption says.
FIGURES = {
    "accuracy_by_class.png": (
        accuracy_by_class,
        "Training examples and test accuracy of each class, at the last epoch, mean "
        "over seeds.",
    ),
    "accuracy_by_group.png": (
        accuracy_by_group,
        "Test accuracy over groups of classes by their number of training examples. "
        "Bars: mean; lines: standard deviation over seeds.",
    ),
    "confidence_by_class.png": (
        confidence_by_class,
        "Mean confidence in the true class during training, one line a class, mean "
        "over seeds. Confidence is the probability that the loss sees: where logits "
        "are adjusted, after the adjustment.",
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


def _styles(results):
    """Pairs every method with what tells it apart: grey for the plain loss."""
    styles = []
    others = 0
    for method in results["methods"]:
        if method["name"] == "ce":
            colour, marker = _GREY, "x"
        else:
            colour = _COLOURS[others % len(_COLOURS)]
            marker = _MARKERS[others % len(_MARKERS)]
            others += 1
        style = {
            "color": colour,
            "marker": marker,
            "markersize": 5,
            "linewidth": 1.8,
            "label": method["title"],
        }
        styles.append((method, style))
    return styles


def _finished(results, method):
    return [
        run
        for run in results["runs"]
        if run["method"] == method and run["status"] == "finished"
    ]


def _number(value):
    return np.nan if value is None else value


def _short(name, length=18):
    return name if len(name) <= length else name[: length - 1] + "…"


def _logarithmic(axes):
    axes.set_yscale("log")
    # Matplotlib writes powers as formulas, which are off on account of class names.
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())


def _legend_above(figure, axes):
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside upper center", ncols=4)
