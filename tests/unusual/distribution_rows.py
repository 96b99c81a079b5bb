"""Labels that are unusual distributions, or tags."""

import numpy as np
from unusual.calls import K
from unusual.making_labels import (
    EVERYWHERE,
    IN_FIT,
    NO_LABEL_OF_IMAGE,
    NOT_ONE_HOT,
    NOT_WHOLE,
    as_tag_metric,
    as_tags,
    data_error,
    distributions,
    divided,
    ignoring,
    one_hot,
    passing,
    row,
    weight_zero,
)
from unusual.outcomes import RIGHT, nan_when_compiled
from unusual.rows import LABELLED


def mixed(y):
    return (0.7 * y + 0.3 * np.roll(y, 1, axis=0)).astype("float32")


def smoothed(y):
    return (0.9 * y + 0.1 / K).astype("float32")


def multi_hot(call):
    """The first row has two ones, which are targets as good as any."""
    call = call.replace_row(np.arange(K) < 2)
    return call.mean(labels=call.labels.astype("float64")) if call.is_binary else call


def counted_as_tags(call, subject):
    call = call.pass_(multi_label=True)
    return call.mean(labels=np.asarray(call.labels, "float64"))


def unlabelled(call, subject):
    return ignoring(-1)(call)


ROWS = [
    row(
        "one-hot",
        one_hot("float32"),
        one_hot("int64"),
        one_hot("bool"),
        outcomes={**EVERYWHERE, "subsets": NO_LABEL_OF_IMAGE},
    ),
    row(
        "mixed or smoothed, rows sum to 1",
        distributions(mixed),
        distributions(smoothed),
        distributions(lambda y: mixed(y).astype("float64")),
        distributions(lambda y: smoothed(y).astype("float16")),
        families=LABELLED,
        outcomes={**EVERYWHERE, "subsets": NO_LABEL_OF_IMAGE},
    ),
    row(
        "several ones in a row",
        multi_hot,
        lambda c: multi_hot(c).give(labels=multi_hot(c).labels.astype("int32")),
        families=LABELLED,
        outcomes={
            "*": nan_when_compiled("y_true", "pass `multi_label=True`", as_tag_metric),
            "losses": nan_when_compiled("y_true", "`BinaryCCARLoss`", as_tags),
            "binary": RIGHT,
            "callbacks": nan_when_compiled("y_true", "`BinaryCCARLoss`"),
            "counting": data_error("multi_label=True", counted_as_tags),
            "sampling": data_error(r"counts of shape \(K, 2\)"),
            "subsets": NO_LABEL_OF_IMAGE,
        },
    ),
    row(
        "rows that sum to something else",
        lambda c: c.give(labels=(c.meaning.labels * 0.5).astype("float32")),
        lambda c: c.give(labels=(c.meaning.labels * 1.5).astype("float32")),
        outcomes={
            "*": nan_when_compiled("y_true", "Divide every row by its sum", divided),
            "counting": NOT_WHOLE,
            "sampling": NOT_ONE_HOT,
            "subsets": NO_LABEL_OF_IMAGE,
        },
    ),
    row(
        "a row of zeros",
        lambda c: c.replace_row(0),
        outcomes={
            "*": nan_when_compiled(
                "y_true", "pass `ignore_class` .*or a `sample_weight` of 0", unlabelled
            ),
            "callbacks": nan_when_compiled("y_true", "of zeros", weight_zero),
            "counting": data_error("multi_label"),
            "sampling": NOT_ONE_HOT,
        },
    ),
    row(
        "a row of zeros with `ignore_class`",
        lambda c: ignoring(9)(c.replace_row(0)),
        outcomes={**IN_FIT, "counting": data_error("multi_label")},
    ),
    row(
        "a row of zeros of weight 0",
        lambda c: weight_zero(c.replace_row(0)),
        outcomes={"callbacks": RIGHT},
    ),
    row(
        "a negative entry, or NaN",
        lambda c: c.replace_row([1.5, -0.5, 0, 0]),
        lambda c: c.replace_row([float("nan"), 1, 0, 0]),
        outcomes={
            "*": nan_when_compiled("y_true", "finite numbers of at least 0"),
            "counting": data_error("whole numbers of at least 0|must not be missing"),
            "sampling": NOT_ONE_HOT,
        },
    ),
    row(
        "the whole mass on the ignored class",
        lambda c: passing(ignore_class=0)(
            one_hot("float32")(c).mean(included=c.indices != 0), None
        ),
        outcomes=IN_FIT,
    ),
    row(
        "a part of the mass on the ignored class",
        lambda c: c.replace_row([0.5, 0.5, 0, 0]).pass_(ignore_class=0),
        outcomes={
            "*": nan_when_compiled("y_true", "`sample_weight` of 0"),
            "counting": data_error("ignore_class"),
        },
    ),
]
