"""Whether data have enough examples of each class, or of yes and of no."""

import warnings

import numpy as np

from keras_ccar.frequencies import format_class_list

# Fewer examples of a class say little.
FEWEST_EXAMPLES = 5
# Of one yes-or-no label, yes is what one looks for, and seldom so frequent.
_MOST_YES = 0.8


def require_examples(
    name: str,
    labels: np.ndarray,
    num_columns: int,
    stacklevel: int,
    some_may_lack: bool = False,
) -> np.ndarray:
    """Refuses data without an example of a class, and warns where there are few.

    Args:
        name: the name of the argument.
        labels: what `read_labels` returned.
        num_columns: the classes, or labels, of the predictions.
        stacklevel: that of the caller.
        some_may_lack: whether it is enough that one class or label has examples.

    Returns:
        Which classes or labels have examples.
    """
    if labels.ndim == 2:
        yes, no = (labels == 1).sum(axis=0), (labels == 0).sum(axis=0)
        examples, what = np.minimum(yes, no), "yes and of no of every label"
        words = ("label", "labels")
    else:
        examples = np.bincount(labels, minlength=num_columns)
        what, words = "every class", ("class", "classes")
    lacks = examples == 0
    if lacks.all() if some_may_lack else lacks.any():
        raise ValueError(
            f"`{name}` must have examples of {what}. Received: none for "
            f"{format_class_list(lacks, *words)}. {hold_out_advice(labels, lacks)}"
        )
    few = (examples < FEWEST_EXAMPLES) & ~lacks
    if few.any():
        warnings.warn(
            f"`{name}` has under {FEWEST_EXAMPLES} examples of "
            f"{format_class_list(few, *words)}: what is chosen for them is mostly "
            "chance.",
            stacklevel=stacklevel + 1,
        )
    return np.asarray(~lacks)


def hold_out_advice(labels: np.ndarray, lacks: np.ndarray) -> str:
    """Says how to split data so that every class, or label, is held out too.

    Args:
        labels: what `read_labels` returned.
        lacks: which of the classes or labels have no example.
    """
    by = "y"
    if labels.ndim == 2 and labels.shape[1] > 1:
        # Sets of labels are too many to divide by, and some answers are missing.
        by = f"numpy.nan_to_num(y)[:, {int(np.flatnonzero(lacks)[0])}]"
    return (
        "Hold out a part of each, as "
        f"`sklearn.model_selection.train_test_split(..., stratify={by})` does."
    )


def warn_if_yes_prevails(name: str, labels: np.ndarray, stacklevel: int) -> None:
    """Warns if yes is the frequent answer of one label, as where the two are swapped.

    Args:
        name: the name of the argument.
        labels: answers `(M, 1)`, or NaN where one is missing; others are ignored.
        stacklevel: that of the caller.
    """
    if labels.ndim != 2 or labels.shape[1] != 1 or np.isnan(labels).all():
        return
    share = float(np.nanmean(labels))
    if share > _MOST_YES:
        warnings.warn(
            f"Yes (1) is {share:.1%} of the labels of `{name}`. Recall, precision, "
            "thresholds and average precision are those of yes: if you look for the "
            "rare answer, make it 1, by `1 - labels` in all parts of the data.",
            stacklevel=stacklevel + 1,
        )
