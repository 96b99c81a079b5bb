"""Figures of paired differences and of ablations."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.report.figures import figure_style as style
from keras_ccar.benchmark.spec.ablations import group_variants
from keras_ccar.benchmark.statistics.columns import Column, describe_column
from keras_ccar.benchmark.statistics.paired import PairedDifference, paired_difference

_Row = tuple[style.Look, PairedDifference]


@style.png_figure
def differences(comparison: Comparison, figure: Figure) -> bool:
    """Draws how far the deciding metric is from the baseline's, with intervals."""
    looks = style.method_styles(comparison.methods)
    baseline = looks.pop(comparison.baseline, None)
    rows = _rows(comparison, looks, comparison.baseline)
    if not rows or baseline is None:
        return False
    figure.set_size_inches(8, 0.9 + 0.34 * len(rows))
    column = describe_column(comparison.metric, comparison.metrics)
    _forest(figure.subplots(), rows, baseline["label"], column)
    return True


@style.png_figure
def ablations(comparison: Comparison, figure: Figure) -> bool:
    """Draws what the settings of CCAR change, against the variant without settings."""
    panels = []
    for group in group_variants(comparison.methods):
        looks = {
            variant["name"]: {
                "color": style.BLUE,
                "marker": "o",
                "label": variant["title"],
            }
            for variant in group.variants
        }
        rows = _rows(comparison, looks, group.reference["name"])
        if rows:
            panels.append((group.reference["title"], rows))
    if not panels:
        return False
    column = describe_column(comparison.metric, comparison.metrics)
    sizes = [len(rows) for _, rows in panels]
    figure.set_size_inches(8, 0.34 * sum(sizes) + 1.0 * len(panels))
    grid = figure.subplots(len(panels), 1, squeeze=False, height_ratios=sizes)[:, 0]
    for axes, (title, rows) in zip(grid, panels, strict=True):
        _forest(axes, rows, title, column)
    return True


def _rows(
    comparison: Comparison, looks: dict[str, style.Look], reference: str
) -> list[_Row]:
    """Returns the methods that share seeds with the reference, and the difference."""
    metric = comparison.metric
    baseline = comparison.by_seed(reference, metric)
    rows = [
        (look, paired_difference(comparison.by_seed(name, metric), baseline))
        for name, look in looks.items()
    ]
    return [row for row in rows if row[1].seeds]


def _forest(axes: Axes, rows: list[_Row], reference: str, column: Column) -> None:
    """Draws mean and interval of each row, one below the other."""
    for at, (look, difference) in enumerate(rows):
        if difference.has_interval:
            ends = [difference.low, difference.high]
            axes.plot(ends, [at, at], color=look["color"], linewidth=2)
        axes.plot(difference.mean, at, **{**look, "markersize": 7})
    axes.axvline(0, **style.REFERENCE_LINE)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    style.horizontal_rows(axes, [look["label"] for look, _ in rows])
    unit = ", points" if column.is_percent else ""
    axes.set_xlabel(f"{column.phrase} less that of {reference}{unit}")
