"""Colours, markers, legends and PNG files of the figures."""

import functools
import io
import itertools
import textwrap
import warnings

import matplotlib
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter

from keras_ccar.frequencies import shot_groups

# Okabe and Ito's palette, which the colour-blind can tell apart; shapes too.
GREY = "#8A8F98"
COLOURS = (
    GREY,
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
)
MARKERS = "xosD^vP"
# More methods than this in one pair of axes cannot be followed.
MANY_METHODS = 7
STYLE = {
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
MANY_CLASSES = 20
# From the rarest class to the most frequent.
RARE_TO_FREQUENT = LinearSegmentedColormap.from_list(
    "rare_to_frequent", ["#D55E00", "#E8B88F", "#9FB8CC", "#0072B2"]
)


def png_figure(draw):
    """Makes a function that draws on a figure one that returns PNG bytes or None.

    Args:
        draw: function of what to draw and, last, a `Figure`; returns False where there
            is nothing to draw.
    """

    @functools.wraps(draw)
    def drawn(*what):
        with matplotlib.rc_context(STYLE), warnings.catch_warnings():
            # A class name may hold characters that the font lacks.
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            figure = Figure(layout="constrained")
            if draw(*what, figure) is False:
                return None
            buffer = io.BytesIO()
            figure.savefig(buffer, format="png", metadata={"Software": None})
            return buffer.getvalue()

    return drawn


def method_styles(methods):
    """Pairs every method with what tells it apart: grey for the plain loss.

    There are seven colours, each with a marker of its own. More methods than these
    stand in axes of their own, or are named beside what is drawn; there the colour
    tells what kind of method it is: cross-entropy, CCAR, a control, any other.

    Args:
        methods: those of a `Comparison`.

    Returns:
        A list of pairs of the method and keyword arguments for `Axes.plot`.
    """
    names = [method["name"] for method in methods]
    if len(names) > MANY_METHODS:
        places = [_kind(name) for name in names]
    else:
        others = itertools.count(1)
        places = [0 if name == "ce" else next(others) for name in names]
    return [
        (
            method,
            {
                "color": COLOURS[place],
                "marker": MARKERS[place],
                "markersize": 5,
                "linewidth": 1.8,
                "label": method["title"],
            },
        )
        for method, place in zip(methods, places, strict=True)
    ]


def _kind(name):
    if name == "ce":
        return 0
    if name.startswith("ccar"):
        return 1
    return 3 if name.startswith(("ce-tuned", "ce×c", "la×c")) else 2


def truncate(name, length=18):
    """Returns a name cut to a length, with an ellipsis for what is cut.

    Args:
        name: the name.
        length: most characters of the result.
    """
    return name if len(name) <= length else name[: length - 1] + "…"


def wrap_title(title, length=38):
    """Returns a title broken into two lines, where one would leave little to draw in.

    Args:
        title: the title.
        length: most characters of a line; what two do not hold ends in an ellipsis.
    """
    lines = textwrap.wrap(title, length, max_lines=2, placeholder="…")
    return "\n".join(lines)


def set_log_scale(axes):
    """Makes the vertical axis logarithmic, with plain numbers.

    Args:
        axes: the axes.
    """
    axes.set_yscale("log")
    # Matplotlib writes powers as formulas, which are off on account of class names.
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())


def legend_above(figure, axes):
    """Puts the legend of the axes above them all.

    Args:
        figure: the figure.
        axes: the axes that hold what the legend names.
    """
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        columns = 4 if max(map(len, labels)) <= 28 else 2
        figure.legend(handles, labels, loc="outside upper center", ncols=columns)


def class_curves(axes, values, counts):
    """Draws a quantity of each class over the epochs, shaded by class count.

    Args:
        axes: the axes.
        values: array of shape `(epochs, K)`; NaN for what no example gave.
        counts: array of shape `(K,)` with the training examples of each class.
    """
    epochs = np.arange(1, len(values) + 1)
    rank = np.argsort(np.argsort(counts, kind="stable"), kind="stable")
    shade = rank / max(len(counts) - 1, 1)
    for label in np.argsort(-counts, kind="stable"):
        axes.plot(
            epochs,
            values[:, label],
            color=RARE_TO_FREQUENT(shade[label]),
            linewidth=1.4 if len(counts) <= MANY_CLASSES else 0.6,
            marker="o" if len(epochs) == 1 else None,
            markersize=3,
        )
    axes.xaxis.get_major_locator().set_params(integer=True)


def rare_to_frequent_legend(figure, counts):
    """Says above the axes which shade of `class_curves` is which class.

    Args:
        figure: the figure.
        counts: array of shape `(K,)` with the training examples of each class.
    """
    handles = [
        Line2D([], [], color=RARE_TO_FREQUENT(place), linewidth=2, label=label)
        for place, label in (
            (1.0, f"most frequent class ({counts.max():.10g} examples)"),
            (0.0, f"rarest class ({counts.min():.10g} examples)"),
        )
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=2)


INK = "#30343B"
# Those that the questions of the benchmark are about, where all are too many.
PRINCIPAL_METHODS = ("ce", "ce×c", "bs", "la", "la×c", "ccar", "ccar+la")
GROUP_NAMES = {
    "balanced": "all",
    "many": "many: > 100",
    "medium": "medium: 20 to 100",
    "few": "few: < 20",
}


def groups_with_examples(counts):
    """Returns masks of the classes of each group that has training examples."""
    groups = {"balanced": np.ones(len(counts), bool), **shot_groups(counts)}
    return {name: of for name, of in groups.items() if counts[of].sum()}


def nan_if_none(value):
    return np.nan if value is None else value
