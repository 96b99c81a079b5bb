"""The columns of measured numbers: what they are called, and which way is better."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A measured number of a run.

    Attributes:
        title: what tables call it.
        phrase: what sentences call it.
        is_percent: whether it is in percent, so that differences are in points.
        lower_is_better: whether it is an error.
    """

    title: str
    phrase: str
    is_percent: bool = True
    lower_is_better: bool = False


COLUMNS = {
    "top1": Column("top-1", "top-1 accuracy"),
    "balanced": Column("balanced", "balanced accuracy"),
    "macro_f1": Column("macro F1", "macro F1"),
    "many": Column("many", "accuracy of the frequent classes"),
    "medium": Column("medium", "accuracy of the classes in between"),
    "few": Column("few", "accuracy of the rare classes"),
    "average_precision": Column("average precision", "average precision"),
    "recall": Column("recall", "recall"),
    "precision": Column("precision", "precision"),
    "f1": Column("F1", "F1"),
    "gmean": Column("G-mean", "G-mean"),
    "ece": Column("ECE", "calibration error", lower_is_better=True),
    "log_loss": Column("log loss", "log loss", is_percent=False, lower_is_better=True),
}
_SOFTMAX = ("top1", "balanced", "macro_f1", "many", "medium", "few", "ece", "log_loss")
_BINARY = ("average_precision", "balanced", "recall", "precision", "f1", "gmean")


def titles_of(names: tuple[str, ...]) -> dict[str, str]:
    """Returns the titles of columns by name, as `metrics` of `results.json` has them.

    Args:
        names: keys of `COLUMNS`.
    """
    return {name: COLUMNS[name].title for name in names}


# The columns of the named data sets, and the default of `metrics`.
METRICS = titles_of(("top1", "balanced", "many", "medium", "few", "ece"))
# The kinds of data, and the columns that are measured on each. Those of several labels
# are means over the labels.
METRICS_OF_KIND = {
    "softmax": titles_of(_SOFTMAX),
    "binary": titles_of((*_BINARY, "ece", "log_loss")),
    "labels": titles_of((*_BINARY, "ece", "log_loss")),
}
SPLITS = ("test", "validation")


def describe_column(name: str, metrics: Mapping[str, str]) -> Column:
    """Returns what is known of a column: of a user's own metric, its title alone.

    Args:
        name: key of the column in a run.
        metrics: titles of columns by name.
    """
    title = metrics.get(name, name)
    return COLUMNS.get(name) or Column(title, title, is_percent=False)
