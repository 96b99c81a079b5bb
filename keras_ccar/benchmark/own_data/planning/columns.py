"""The kinds of output, and the column that a metric is for each of them."""

from typing import Any

from keras_ccar.arguments import check_choice
from keras_ccar.benchmark.statistics.columns import COLUMNS, METRICS_OF_KIND

SOFTMAX = "softmax"
BINARY = "binary"
LABELS = "labels"

# Other names of columns, as Keras and `keras_ccar.posthoc` have them.
_ALIASES = {
    "accuracy": "top1",
    "balanced_accuracy": "balanced",
    "geometric_mean": "gmean",
    "calibration_error": "ece",
}
METRIC_NAMES = (*_ALIASES, *COLUMNS)
_WORDS = {
    SOFTMAX: "one of several classes",
    BINARY: "one yes-or-no label",
    LABELS: "several yes-or-no labels",
}


def check_metric(metric: Any) -> str:
    """Returns a name of a column, or another name of one."""
    return str(check_choice("metric", metric, METRIC_NAMES))


def column_of(metric: str, kind: str) -> str:
    """Returns the column that a metric is for a kind of output.

    Raises:
        ValueError: if outputs of that kind have no such column.
    """
    column = _ALIASES.get(metric, metric)
    if column not in METRICS_OF_KIND[kind]:
        raise ValueError(
            f"`metric` must be one of {', '.join(map(repr, METRICS_OF_KIND[kind]))} "
            f"for this model, whose output is {_WORDS[kind]}. Received: "
            f"metric={metric!r}"
        )
    return column
