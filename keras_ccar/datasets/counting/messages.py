"""What errors say about labels that cannot be counted."""

from collections.abc import Collection, Mapping
from typing import Any

from keras_ccar.datasets.label_values import LabelValues
from keras_ccar.inputs.checks import SEVERAL_UNKNOWN

Shape = tuple[int, ...]

EMPTY = (
    "`data` must hold labels to count. Received not one label: check that it is not "
    "empty, nor an exhausted iterator."
)
MIXED_NAMES = (
    "All labels must be of one kind. Received names as well as numbers: make all of "
    "them strings."
)
RAGGED = (
    "With `multi_label=True`, labels must have one column for each label. Received "
    "ragged ones: make lists of class indices zeros and ones of shape (N, K), as "
    "`sklearn.preprocessing.MultiLabelBinarizer` does, or pass the flat values if each "
    "is one yes or no."
)
_INDICES = "pass `labels[..., None]` if each value is a class index"


def missing(number: int, total: int, multi_label: bool, has_columns: bool) -> str:
    """For labels that are None, NaN or the like."""
    if multi_label or has_columns:
        way = (
            "pass `multi_label=True, ignore_class=float('nan')` to leave unknown yes-"
            "or-no targets out, as `ignore_value` of binary losses does"
        )
        if not multi_label:
            way += "; leave out other rows, as `labels[~np.isnan(labels).any(-1)]` does"
    else:
        way = (
            "leave those examples out of counting and training, as `labels.dropna()` "
            "of pandas and `labels[~np.isnan(labels)]` do"
        )
    both = SEVERAL_UNKNOWN.format("ignore_class") if multi_label else ""
    return (
        f"Labels must not be missing. Received {number:,} missing of {total:,} (None, "
        f"NaN, NaT, NA, or a category of code -1): {way}.{both}"
    )


def unnumbered(labels: LabelValues) -> str:
    """For strings and categories, if no names are to be returned."""
    names = labels.names
    if names is None:
        names = list(dict.fromkeys(labels.values.ravel().tolist()))
    shown = ", ".join(map(repr, names[:3])) + (", ..." if len(names) > 3 else "")
    return (
        f"Labels must be numbers, or `return_names=True`. Received {shown}: pass "
        "`return_names=True` to get `(counts, names)`. Class i of the counts is "
        f"names[i], so number the labels likewise: `{labels.numbering}`."
    )


def named(values: Any, multi_label: bool) -> str:
    """For strings and categories, with an argument for numbers."""
    first = values.ravel()[:1].tolist()
    if multi_label:
        return (
            f"With `multi_label=True`, labels must be zeros and ones. Received {first}:"
            " leave `multi_label` out if each example has one class."
        )
    return (
        f"`ignore_class` must be left out for labels that are names. Received {first}: "
        "leave out the examples instead, as in `labels[labels != name]`."
    )


def zeros_and_ones(shape: Shape, row_sums: tuple[float, float]) -> str:
    """For labels that may be multi-hot or class indices 0 and 1."""
    low, high = row_sums
    unlabelled = (
        " Rows of zeros among one-hot ones: leave them out, `labels[labels.any(-1)]`."
        if (low, high) == (0, 1)
        else ""
    )
    return (
        f"`multi_label` must be given for zeros and ones of shape {shape}, whose rows "
        f"do not all sum to 1. Received {_sums(row_sums)}: pass "
        f"`multi_label=True` if the last axis holds {shape[-1]} yes-or-no labels, to "
        f"count no and yes of each for a binary loss, or `multi_label=False` if each"
        f" value is class 0 or 1, as in label maps.{unlabelled}"
    )


def _sums(row_sums: tuple[float, float]) -> str:
    low, high = row_sums
    return f"sums from {low:g} to {high:g}" if low <= high else "labels to ignore"


def soft_and_multi_hot(shape: Shape, row_sums: tuple[float, float]) -> str:
    """For distributions together with rows of several ones, or of none."""
    return (
        "Some labels are distributions that sum to 1 and some are not. Received zeros "
        f"and ones of shape {shape} with {_sums(row_sums)}: pass "
        f"`multi_label=True` if the last axis holds {shape[-1]} yes-or-no labels, "
        "or leave out rows that are not labelled."
    )


def mixed(shapes: Mapping[str, Shape]) -> str:
    """For class indices together with distributions or one-hot labels."""
    kinds = "distributions" if "distributions" in shapes else "zeros and ones"
    return (
        f"Some labels are {kinds} and some are class indices. Received shapes "
        f"{shapes[kinds]} and {shapes['class indices']}: map all labels to integers."
    )


def vectors(shape: Shape) -> str:
    """For vectors that are batches of labels, or labels of single examples."""
    return (
        f"Vectors of {shape[-1]} zeros and ones may be batches of one label, or single "
        f"examples with {shape[-1]} columns. Received nothing that tells: batch single "
        "examples, as in `dataset.batch(64)`, and give batches of one label a column, "
        "`labels[:, None]`."
    )


def one_or_many_labels(shape: Shape) -> str:
    """For yes-or-no labels of each token, or of many columns."""
    return (
        f"With `multi_label=True`, labels of shape {shape} may be one yes-or-no label "
        f"for each pixel or token of the inputs, or {shape[-1]} labels. Received "
        "inputs of that shape: pass `labels[..., None]` for one label, or the labels "
        f"without the inputs for {shape[-1]}."
    )


def one_hot_or_indices(shape: Shape) -> str:
    """For zeros and ones with a single 1 in each row that need not be one-hot."""
    return (
        f"Labels of shape {shape} with exactly one 1 in each row may be one-hot, or "
        "class indices 0 and 1. Received nothing that tells: pass "
        f"`labels.argmax(-1)` if they are one-hot, or {_INDICES}."
    )


def widths(lengths: Collection[int]) -> str:
    """For distributions over different numbers of classes."""
    return (
        "Distributions must be over the same classes. Received rows of length "
        f"{', '.join(map(str, sorted(lengths)))}: {_INDICES}."
    )


def table(columns: list[str], values: Any) -> str:
    """For a table of numbers other than zeros and ones."""
    return (
        "A table of several columns must hold one column of zeros and ones, or of "
        f"shares, for each label. Received columns {columns[:5]} with values such as "
        f"{values.max():g}: pass the column of the labels, `table[{columns[-1]!r}]`."
    )


def width(length: int, num_classes: int) -> str:
    """For distributions over more classes than there are."""
    return (
        f"Labels must be in [0, {num_classes}) with num_classes={num_classes}. Received"
        f" distributions over {length} classes: raise `num_classes`, or leave it out."
    )


def columns(length: int, num_classes: int) -> str:
    """For another number of yes-or-no labels than given."""
    return (
        f"`num_classes` must be the number of yes-or-no labels, {length}. Received: "
        f"num_classes={num_classes}"
    )
