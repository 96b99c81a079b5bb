"""Unusual integer labels, and what is no label."""

import numpy as np
import pandas as pd
from unusual.calls import K
from unusual.making_labels import (
    EVERYWHERE,
    IN_FIT,
    NO_CLASS_OF_IMAGE,
    NO_LABEL_OF_IMAGE,
    NOT_WHOLE,
    data_error,
    first,
    ignoring,
    labels,
    no_label,
    one_hot,
    row,
    weight_zero,
)
from unusual.outcomes import RIGHT, Error, nan_when_compiled
from unusual.rows import LABELLED

UNREADABLE = Error("y_true", "must be an array of (real )?numbers")
WRONG_SHAPE = Error("y_true", "must be integer labels of the shape")
UNKNOWN_CLASS = Error("labels", "must hold every class")


def two_classes(call):
    """Booleans can be two of the classes, or targets."""
    if call.is_binary:
        return call.give(labels=call.labels.astype(bool))
    indices = call.indices % 2
    return call.give(labels=indices.astype(bool)).mean(labels=np.eye(K)[indices])


def one_label(make):
    """A binary loss of the first label alone."""

    def change(call):
        meant = call.meaning
        return call.give(
            labels=make(call.labels[:, :1]),
            predictions=call.predictions[:, :1],
            counts=call.counts[:1],
        ).mean(
            labels=meant.labels[:, :1],
            predictions=meant.predictions[:, :1],
            weights=meant.weights[:, :1],
            included=meant.included[:, :1],
            counts=meant.counts[:1],
        )

    return change


def three_ragged(call):
    """Three labels, in lists of different lengths."""
    call = call.give(labels=[[0, 1], [2]])
    return call.mean(labels=np.eye(K)[[0, 1, 2]], included=np.ones(3, bool))


def as_names(y):
    return [f"class {label:.0f}" for label in y.ravel()]


ROWS = [
    row(
        "integers of any dtype",
        labels(lambda y: y.astype("int64")),
        *[
            labels(lambda y, dtype=dtype: y.astype(dtype))
            for dtype in ("int8", "uint8", "int16", "uint16", "int32", "uint32")
        ],
        families=LABELLED,
        outcomes=EVERYWHERE,
    ),
    row(
        "whole numbers as floats",
        labels(lambda y: y.astype("float32")),
        labels(lambda y: y.astype("float16")),
        labels(lambda y: y.astype("float64")),
        families=LABELLED,
        outcomes=EVERYWHERE,
    ),
    row("booleans", two_classes, families=LABELLED, outcomes=IN_FIT),
    row(
        "lists",
        labels(lambda y: y.tolist()),
        families=LABELLED,
        outcomes={"counting": RIGHT, "sampling": RIGHT, "subsets": RIGHT},
        is_compiled=False,
    ),
    row(
        "a pandas Series or a DataFrame of one column",
        labels(pd.Series),
        labels(lambda y: pd.DataFrame({"label": y})),
        labels(lambda y: pd.Series(y, dtype="Int64")),
        outcomes=EVERYWHERE,
        is_compiled=False,
    ),
    row("a column `(N, 1)`", labels(lambda y: y[:, None]), outcomes=EVERYWHERE),
    row(
        "one column of targets `(N,)`, `(N, 1)`",
        one_label(lambda y: y[:, 0]),
        one_label(lambda y: y),
        families=("binary",),
    ),
    row(
        "label maps `(N, T)`, also one-hot",
        labels(lambda y: y),
        one_hot("float32"),
        labels(lambda y: y[..., None]),
        outcomes=IN_FIT,
        shape=(6, 3),
    ),
    row(
        "label maps where T = K",
        labels(lambda y: y),
        one_hot("float32"),
        outcomes=IN_FIT,
        shape=(6, 4),
    ),
    row(
        "fractions",
        first(1.5),
        families=LABELLED,
        outcomes={
            **no_label(weight_zero),
            "counting": NOT_WHOLE,
            "sampling": NOT_WHOLE,
            "subsets": NO_CLASS_OF_IMAGE,
        },
    ),
    row(
        "−1, unlabelled",
        first(-1, "int32"),
        first(-1, "float32"),
        families=LABELLED,
        outcomes={
            **no_label(ignoring(-1)),
            "callbacks": nan_when_compiled("y_true", "`ignore_class`", ignoring(-1)),
            "counting": data_error("`ignore_class`", ignoring(-1)),
            "sampling": NOT_WHOLE,
            "subsets": NO_CLASS_OF_IMAGE,
        },
    ),
    row(
        "−1 with `ignore_class=-1`, `ignore_value=-1`",
        lambda c: ignoring(-1)(c.replace_first(-1, "int32")),
        families=LABELLED,
        outcomes=IN_FIT,
    ),
    row(
        "255, void",
        first(255, "int32"),
        first(255, "uint8"),
        families=LABELLED,
        outcomes={
            **no_label(ignoring(255)),
            "counting": data_error("`ignore_class`", ignoring(255)),
            "sampling": NOT_WHOLE,
            "long_tailed_indices": UNKNOWN_CLASS,
        },
    ),
    row(
        "255 with `ignore_class=255`",
        lambda c: ignoring(255)(c.replace_first(255, "int32")),
        lambda c: ignoring(255)(c.replace_first(255, "uint8")),
        outcomes=IN_FIT,
    ),
    row(
        "classes numbered from 1",
        lambda c: c.give(labels=c.labels + 1),
        outcomes={
            "*": nan_when_compiled("y_true", "must hold integer labels in"),
            "callbacks": nan_when_compiled("y_true", "must hold integer labels in"),
            "counting": data_error("raise `num_classes`"),
            # The counts of a stream are wrong before a label is.
            "sampling": data_error("must be|more examples of a class than"),
            "long_tailed_indices": UNKNOWN_CLASS,
        },
    ),
    row(
        "NaN",
        first(float("nan")),
        families=LABELLED,
        outcomes={
            **no_label(weight_zero),
            "counting": data_error("must not be missing"),
            "sampling": NOT_WHOLE,
            "subsets": NO_CLASS_OF_IMAGE,
        },
    ),
    row(
        "NaN with `ignore_value=NaN`",
        lambda c: ignoring(float("nan"))(c.replace_first(float("nan"))),
        families=("binary",),
    ),
    row(
        "a wrong label of weight 0",
        lambda c: weight_zero(c.replace_first(-1, "int32")),
        lambda c: weight_zero(c.replace_first(float("nan"))),
        families=LABELLED,
        outcomes={"callbacks": RIGHT},
    ),
    row(
        "integers beyond 2³¹",
        first(2**40, "int64"),
        first(2**32 + 1, "int64"),
        families=LABELLED,
        outcomes={
            "*": Error("y_true", "must hold integers of 32 bits"),
            "counting": data_error("raise `num_classes`"),
            "sampling": NOT_WHOLE,
        },
        is_compiled=False,
    ),
    row(
        "strings, categories",
        labels(as_names),
        labels(lambda y: np.array(as_names(y))),
        labels(lambda y: pd.Series(as_names(y), dtype="category")),
        families=LABELLED,
        outcomes={
            "*": UNREADABLE,
            "counting": data_error(
                "return_names=True", lambda call, _: call.pass_(return_names=True)
            ),
            "sampling": data_error("number the classes"),
            "subsets": NO_CLASS_OF_IMAGE,
        },
        is_compiled=False,
    ),
    row(
        "ragged",
        three_ragged,
        families=LABELLED,
        outcomes={
            "*": UNREADABLE,
            "counting": RIGHT,
            "sampling": data_error("one entry for each example|label_of"),
            "subsets": Error("labels", "must"),
        },
        is_compiled=False,
    ),
    row(
        "complex numbers, None, objects",
        lambda c: c.give(labels=np.array([1j] * len(c.labels))),
        lambda c: c.give(labels=None),
        lambda c: c.give(labels=np.array([None, *c.labels.tolist()[1:]], object)),
        families=LABELLED,
        outcomes={
            "*": UNREADABLE,
            "counting": data_error("must"),
            "sampling": data_error("must"),
            "subsets": Error("labels", "must"),
        },
        is_compiled=False,
    ),
    row(
        "another number of samples",
        lambda c: c.give(labels=c.labels[:4]),
        lambda c: c.give(labels=c.labels[:1]),
        families=LABELLED,
        outcomes={
            "*": WRONG_SHAPE,
            "binary": Error("y_true", "must have the shape"),
            "sampling": data_error("one entry for each example"),
            "subsets": NO_LABEL_OF_IMAGE,
        },
    ),
    row(
        "another number of classes, another rank",
        lambda c: c.give(labels=np.eye(K + 1, dtype="float32")[c.indices]),
        lambda c: c.give(labels=c.labels[:, None, None]),
        lambda c: c.give(labels=np.int32(0)),
        outcomes={"*": WRONG_SHAPE},
    ),
    row(
        "class indices instead of targets",
        lambda c: c.give(labels=np.arange(6, dtype="int32") % K),
        families=("binary",),
        outcomes={"*": Error("y_true", "must have the shape of `y_pred`")},
    ),
    row(
        "an empty batch",
        lambda c: c,
        lambda c: c.give(labels=np.asarray(c.meaning.labels, "float32")),
        families=LABELLED,
        outcomes={"counting": data_error("must hold labels to count")},
        shape=(0,),
    ),
]
