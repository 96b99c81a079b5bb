"""Unusual names of classes."""

from unusual.calls import K
from unusual.outcomes import Error
from unusual.rows import Row

NAMES = ["cat", "dog", "owl", "yak"]


def names(given):
    return lambda call: call.pass_(class_names=given)


def row(name, *variants, outcomes=()):
    families = (
        "callbacks",
        "PerClassRecall",
        "show_class_counts",
        "from_arrays",
        "export",
    )
    outcomes = {**dict(outcomes), "plot_class_counts": None}
    return Row("Class names", name, variants, families, outcomes)


def refused(says):
    """An error, after which names that are right do."""
    return {"*": Error("class_names", says, lambda call, _: names(NAMES)(call))}


ROWS = [
    row("a list, a tuple", names(NAMES), names(tuple(NAMES))),
    row(
        "numbers",
        names(list(range(K))),
        outcomes={"export": refused("sequence of texts")["*"]},
    ),
    row("a string", names("abcd"), outcomes=refused("sequence")),
    row("a name twice", names(["cat", "cat", "owl", "yak"]), outcomes=refused("once")),
    row(
        "another number of names",
        names(NAMES[:3]),
        names([*NAMES, "ape"]),
        # A name more is a class without examples.
        outcomes={**refused("name"), "from_arrays": None},
    ),
    row(
        "fewer names than classes",
        names(NAMES[:3]),
        outcomes=refused("name"),
    ),
]
