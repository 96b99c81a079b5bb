"""Colours, markers, legends and PNG files of the figures."""

import functools
import io
import itertools
import textwrap
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter

from keras_ccar.benchmark.comparison import MethodEntry
from keras_ccar.benchmark.report.shown_classes import describe_drawn, drawn_places

# Keyword arguments for `Axes.plot`; the label is the title of a method.
Look = dict[str, Any]

INK = "#30343B"
PALE_INK = "#50555E"
GREY = "#8A8F98"
# Okabe and Ito's palette: colour-blind readers can tell these colours apart.
COLOURS = (GREY, "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = "xosD^vP"
BLUE, VERMILION = COLOURS[1:3]
# From the rarest class to the most frequent.
RARE_TO_FREQUENT = LinearSegmentedColormap.from_list(
    "rare_to_frequent", [VERMILION, "#E8B88F", "#9FB8CC", BLUE]
)
STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.labelcolor": INK,
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
    "lines.linewidth": 1.8,
    "savefig.dpi": 160,
    # A class may be called "$x$".
    "text.parse_math": False,
    "xtick.color": PALE_INK,
    "ytick.color": PALE_INK,
}
# More methods than this in one pair of axes cannot be told apart.
MANY_METHODS = 7
# More classes than this are too many to name, or to show one by one.
MANY_CLASSES = 20
REFERENCE_LINE: Look = {"color": GREY, "linewidth": 1, "linestyle": (0, (4, 3))}
GROUP_TITLES = {
    "all": "all",
    "many": "many: > 100",
    "medium": "medium: 20 to 100",
    "few": "few: < 20",
}


def png_figure(draw: Callable[..., bool]) -> Callable[..., bytes | None]:
    """Makes a function that draws on a figure return PNG bytes instead.

    `draw` takes the figure as its last argument, and returns False if there is nothing
    to draw; the new function then returns None.
    """

    @functools.wraps(draw)
    def drawn(*what: Any) -> bytes | None:
        with matplotlib.rc_context(STYLE), warnings.catch_warnings():
            # A class name may hold characters that the font lacks.
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            figure = Figure(layout="constrained")
            if not draw(*what, figure):
                return None
            buffer = io.BytesIO()
            figure.savefig(buffer, format="png", metadata={"Software": None})
            return buffer.getvalue()

    return drawn


def method_styles(methods: Sequence[MethodEntry]) -> dict[str, Look]:
    """Returns the look of every method, by its name.

    Cross-entropy is grey; up to six others have a colour and a marker each. More
    methods have axes of their own or labels beside them; there the colour shows the
    kind of method: cross-entropy, CCAR, a control, any other.
    """
    names = [method["name"] for method in methods]
    if len(names) > MANY_METHODS:
        places = [_kind(name) for name in names]
    else:
        others = itertools.count(1)
        places = [0 if name == "ce" else next(others) for name in names]
    looks = {}
    for method, place in zip(methods, places, strict=True):
        look = {"color": COLOURS[place], "marker": MARKERS[place], "markersize": 5}
        looks[method["name"]] = {**look, "label": method["title"]}
    return looks


def _kind(name: str) -> int:
    if name == "ce":
        return 0
    if name.startswith("ccar"):
        return 1
    return 3 if name.startswith(("ce-tuned", "ce×c", "la×c")) else 2


def group_metric(group: str) -> str:
    """Returns the name of the accuracy over a group of classes."""
    return "balanced" if group == "all" else group


def set_log_scale(axes: Axes) -> None:
    """Makes the vertical axis logarithmic, with plain numbers."""
    axes.set_yscale("log")
    # Matplotlib writes powers as formulas, which `STYLE` turns off.
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())


def panels(
    figure: Figure, count: int, size: tuple[float, float], ylabel: str
) -> list[Axes]:
    """Returns `count` axes, up to four in a row, those on the left with a label.

    `size` is the height of a row and of what is above and below all rows, in inches.
    """
    columns = min(count, 4)
    rows = -(-count // columns)
    figure.set_size_inches(8, size[0] * rows + size[1])
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes in grid[:, 0]:
        axes.set_ylabel(ylabel)
    for axes in grid.flat[count:]:
        axes.remove()
    return list(grid.flat[:count])


def label_below(figure: Figure, text: str) -> None:
    """Writes a label below all axes of the figure."""
    figure.supxlabel(text, fontsize=10, color=INK)


def horizontal_rows(axes: Axes, titles: Iterable[str]) -> None:
    """Names the rows of a chart in up to two lines each, with a grid along values."""
    lines = [textwrap.wrap(title, 38, max_lines=2, placeholder="…") for title in titles]
    axes.set_yticks(np.arange(len(lines)), map("\n".join, lines))
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    axes.grid(visible=False, axis="y")


def legend_above(figure: Figure, axes: Axes) -> None:
    """Puts the legend of the axes above all axes of the figure."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        columns = 4 if max(map(len, labels)) <= 28 else 2
        figure.legend(handles, labels, loc="outside upper center", ncols=columns)


def class_curves(axes: Axes, values: np.ndarray, counts: np.ndarray) -> None:
    """Draws a quantity of each class over the epochs, shaded by class count.

    `values` have shape `(epochs, K)`, with NaN for a class without samples.
    """
    epochs = np.arange(1, len(values) + 1)
    rank = np.argsort(np.argsort(counts, kind="stable"), kind="stable")
    shade = rank / max(len(counts) - 1, 1)
    shown = np.argsort(-counts, kind="stable")[drawn_places(len(counts))]
    colours = RARE_TO_FREQUENT(shade[shown])
    if len(epochs) == 1:
        axes.scatter(np.ones(len(shown)), values[0, shown], 9, colours, linewidths=1)
    # Thousands of lines take minutes one by one, and seconds together.
    axes.add_collection(
        LineCollection(
            [np.column_stack([epochs, values[:, label]]) for label in shown],
            colors=colours,
            linewidths=1.4 if len(counts) <= MANY_CLASSES else 0.6,
            capstyle="projecting",
            joinstyle="round",
            # Smooth edges of lines that cross everywhere double the size of the file.
            antialiased=len(shown) == len(counts),
        )
    )
    axes.autoscale_view()
    axes.locator_params(axis="x", integer=True)


def epochs_label(counts: np.ndarray) -> str:
    """Returns the label below `class_curves`, which says what classes have a line."""
    shown = describe_drawn(len(counts))
    return "epoch" if shown == "classes" else f"epoch; lines: {shown}"


def rare_to_frequent_legend(figure: Figure, counts: np.ndarray) -> None:
    """Says above the axes which shade of `class_curves` is which class."""
    labels = {
        1.0: f"most frequent class ({counts.max():.10g} examples)",
        0.0: f"rarest class ({counts.min():.10g} examples)",
    }
    handles = [
        Line2D([], [], color=RARE_TO_FREQUENT(shade), linewidth=2, label=label)
        for shade, label in labels.items()
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=2)
