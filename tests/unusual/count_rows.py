"""Unusual class counts."""

import collections

import numpy as np
import pandas as pd
from unusual.calls import COUNTS
from unusual.outcomes import RIGHT, Error
from unusual.rows import Row

COUNTED = ("losses", "binary", "metrics", "correction", "sampling", "reports")
NAMES = ["cat", "dog", "owl", "yak"]


def row(name, *variants, **details):
    """A row in which the counts are unusual; only objects that take some have it."""
    return Row("Class counts", name, variants, COUNTED, **details)


def counts(make, meant=None):
    """Gives counts that are made of the sane ones, and mean the same or others."""

    def change(call):
        sane = np.array(call.counts)
        given = make(sane)
        stands_for = sane if meant is None else meant(sane)
        return call.give(counts=given).mean(counts=np.array(stands_for, "float64"))

    return change


def without(c):
    """Counts without examples of the third class."""
    return np.where(np.arange(len(c)) == 2, 0, c)


def shares(total):
    """Shares of the classes; a binary loss has its examples in the same unit."""

    def change(call):
        given = np.array(call.counts) / sum(call.counts) * total
        call = call.give(counts=given.tolist()).mean(counts=given, num_examples=total)
        return call.pass_(num_examples=total) if call.is_binary else call

    return change


def multiply(call, subject):
    """Numbers of examples in place of shares."""
    sane = subject.sane_call((6,))
    return call.give(counts=sane.counts).mean(counts=np.array(sane.counts, "float64"))


def sane(call, subject):
    """What the message of wrong counts asks for: the right ones."""
    return subject.sane_call((6,))


def refused(says, fix=sane):
    return Error("class_counts", says, fix)


def number_needed(subject):
    """Shares are refused by what depends on the number of examples."""
    if getattr(subject, "needs_numbers", False):
        return refused("Multiply shares by the number of training examples", multiply)
    return RIGHT


def logarithm_needed(subject):
    """A class without examples is refused where its logarithm is needed."""
    if getattr(subject, "smoothing", None):
        return refused(
            "`smoothing=1`.*`adjustment=LogitAdjustment\\(smoothing=1\\)`",
            lambda call, subject: subject.smooth(call),
        )
    return RIGHT


EMPTY = {
    "losses": logarithm_needed,
    "correction": refused(
        "Add 1 to the counts of all classes",
        lambda call, subject: counts(lambda c: c + 1, lambda c: c + 1)(
            call.give(counts=without(np.array(COUNTS)))
        ),
    ),
}


def value_counts(c):
    """A pandas Series from the most to the least frequent label."""
    labels = pd.Series(np.repeat(np.arange(len(c)), c))
    return labels.sample(frac=1, random_state=0).value_counts()


SHARES = {"losses": number_needed} | dict.fromkeys(
    ("ShotAccuracy", "sampling", "show_class_counts", "plot_class_counts"),
    refused("Multiply shares", multiply),
)

ROWS = [
    row("a list or a tuple", counts(list), counts(tuple)),
    row(
        "an array",
        counts(lambda c: c),
        counts(lambda c: c.astype("uint16")),
        counts(lambda c: c.astype("float32")),
    ),
    row(
        "a dict or a Counter of class indices",
        counts(lambda c: dict(enumerate(c.tolist()))),
        counts(lambda c: collections.Counter(dict(enumerate(c)))),
    ),
    row(
        "a dict that leaves a class out",
        counts(lambda c: {k: n for k, n in enumerate(c.tolist()) if k != 2}, without),
        outcomes=EMPTY,
    ),
    row(
        "a dict that leaves the last class out",
        counts(lambda c: dict(enumerate(c[:-1].tolist()))),
        outcomes={
            "*": refused("must have one entry for each"),
            "sampling": refused("holds|must be whole numbers in", None),
            "reports": None,
        },
    ),
    row(
        "a dict of class names",
        counts(lambda c: dict(zip(NAMES, c.tolist(), strict=True))),
        counts(lambda c: {str(k): n for k, n in enumerate(c.tolist())}),
        outcomes={"*": refused("must have the class indices 0, 1, ... as keys")},
    ),
    row(
        "a pandas Series, also of `value_counts()`",
        counts(pd.Series),
        counts(value_counts),
    ),
    row(
        "`value_counts()` of names",
        counts(lambda c: pd.Series(c, index=NAMES)),
        outcomes={"*": refused("class indices.*count_classes.labels, return_names")},
    ),
    row(
        "shares, `value_counts(normalize=True)`",
        shares(1),
        outcomes=SHARES,
    ),
    row(
        "percent",
        shares(100),
        outcomes=SHARES,
    ),
    row("a class without examples", counts(without, without), outcomes=EMPTY),
    row(
        "all examples in one class",
        counts(
            lambda c: np.where(np.arange(len(c)), 0, c),
            lambda c: np.where(np.arange(len(c)), 0, c),
        ),
        outcomes={"losses": logarithm_needed, "correction": EMPTY["correction"]},
    ),
    row(
        "one class",
        counts(lambda c: c[:1]),
        outcomes={"*": refused("at least two classes|two classes or more")}
        | {"binary": refused("must have one entry for each")},
    ),
    row(
        "too few or too many classes",
        counts(lambda c: c[:-1]),
        counts(lambda c: [*c, 7]),
        outcomes={
            "*": refused("must have one entry for each"),
            "sampling": refused("holds|must be whole numbers in", None),
            "reports": None,
        },
    ),
    row(
        "a negative count",
        counts(lambda c: [-1, *c[1:]]),
        outcomes={"*": refused("must hold finite counts of at least 0")},
    ),
    row(
        "NaN or infinite",
        counts(lambda c: [float("nan"), *c[1:]]),
        counts(lambda c: [float("inf"), *c[1:]]),
        outcomes={"*": refused("must hold finite counts of at least 0")},
    ),
    row(
        "all zero",
        counts(lambda c: 0 * c),
        outcomes={"*": refused("must count at least one training example")},
    ),
    row(
        "strings, booleans, complex numbers",
        counts(lambda c: [str(n) for n in c]),
        counts(lambda c: c > 50),
        counts(lambda c: c * 1j),
        outcomes={"*": refused("must be a sequence of numbers")},
    ),
    row(
        "two-dimensional",
        counts(lambda c: np.stack([c, c])),
        counts(lambda c: c[:, None]),
        outcomes={
            "*": refused("must be one-dimensional"),
            **dict.fromkeys(("sampling", "correction"), refused(r"\(K, 2\)")),
        },
    ),
    row(
        "a number, None",
        counts(lambda c: 625),
        counts(lambda c: None),
        outcomes={
            "*": refused("must be"),
            "LongTailedCrossentropy": None,
            "FocalLoss": None,
            "Focal": None,
        },
    ),
]
