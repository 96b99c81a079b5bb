"""The figure of what rare classes gain for what frequent classes lose."""

import re
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.report.figures import figure_style as style

# A method with an adjustment, and the method that it is at τ = 0.
_WITHOUT_TAU = {"la": "ce", "la-posthoc": "ce", "bs": "ce"}
_TAU = re.compile(r"\btau=([^,\]]+),?")
_Point = tuple[float, float]


@style.png_figure
def trade_off(comparison: Comparison, figure: Figure) -> bool:
    """Draws few-shot against many-shot accuracy, and a line along τ."""
    points = _points(comparison)
    if len(points) < 2:
        return False
    looks = style.method_styles(comparison.methods)
    figure.set_size_inches(8, 5.4)
    axes = figure.subplots()
    for names in _curves(comparison, points):
        line = [points[name] for name in names]
        colour = looks[names[-1]]["color"]
        axes.plot(*zip(*line, strict=True), color=colour, linewidth=1.2, alpha=0.7)
    for name, (many, few) in points.items():
        axes.plot(many, few, **{**looks[name], "linestyle": "", "markersize": 7})
    axes.grid(visible=True, axis="both")
    axes.set_xlabel(_label(comparison, "many"))
    axes.set_ylabel(_label(comparison, "few"))
    if len(points) > style.MANY_METHODS:
        _name_points(axes, points)
    else:
        style.legend_above(figure, axes)
    return True


def _points(comparison: Comparison) -> dict[str, _Point]:
    """Returns the mean accuracies on frequent and on rare classes, by method."""
    points = {}
    if {"many", "few"} <= comparison.metrics.keys():
        for method in comparison.methods:
            name = method["name"]
            many, few = (
                comparison.by_seed(name, metric).mean() for metric in ("many", "few")
            )
            if many == many and few == few:  # neither is NaN
                points[name] = (float(many), float(few))
    return points


def _label(comparison: Comparison, group: str) -> str:
    words = style.GROUP_TITLES[group].partition(": ")[2]
    return f"accuracy of classes with {words} training examples, %"


def _curves(comparison: Comparison, points: dict[str, _Point]) -> list[list[str]]:
    """Returns the methods that differ in τ alone, each in the order of τ."""
    default = float(comparison.options.get("tau", 1.0))
    families: dict[str, dict[float, str]] = {}
    for name in points:
        family = _TAU.sub("", name).replace(",]", "]").removesuffix("[]")
        found = _TAU.search(name)
        tau = _number(found[1]) if found else default
        if tau is not None:
            families.setdefault(family, {})[tau] = name
    curves = []
    for family, members in families.items():
        start = _at_zero(family)
        if start in points and 0.0 not in members:
            members = {0.0: start, **members}
        if len(members) > 1:
            curves.append([members[tau] for tau in sorted(members)])
    return curves


def _at_zero(family: str) -> str:
    """Returns the method that a family of methods is at τ = 0, or ""."""
    base, bracket, settings = family.partition("[")
    if base in _WITHOUT_TAU:
        return _WITHOUT_TAU[base]
    for ending in ("+la", "+bs"):
        if base.endswith(ending):
            return f"{base.removesuffix(ending)}{bracket}{settings}"
    return ""


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:  # The name of a user's own method.
        return None


def _name_points(axes: Axes, points: dict[str, _Point]) -> None:
    """Writes the names of methods beside their points."""
    offset: dict[str, Any] = {"xytext": (5, 3), "textcoords": "offset points"}
    for name, point in points.items():
        axes.annotate(name, point, fontsize=7, color=style.PALE_INK, **offset)
