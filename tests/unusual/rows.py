"""A row of the table: an input, and what comes of it in every object."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from unusual.outcomes import RIGHT

TENSOR_FAMILIES = ("losses", "binary", "metrics", "calibration", "correction", "head")
LABELLED = ("losses", "binary", "metrics", "calibration")
MULTI_CLASS = ("losses", "metrics", "calibration")


@dataclasses.dataclass(frozen=True)
class Row:
    """An input of the table.

    Attributes:
        group: what kind of input it is.
        name: the input, as the page calls it.
        variants: functions that make a sane call unusual. Compiled steps get the first
            alone, as all others have the same outcome.
        families: the families of objects that take the input.
        outcomes: what comes of it, by the name of an object or a family; otherwise the
            right value. A function of the object, or None where it takes no such input.
        shape: the shape of the samples.
        is_compiled: whether compiled steps can be given the input.
    """

    group: str
    name: str
    variants: tuple[Callable, ...]
    families: tuple[str, ...]
    outcomes: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    shape: tuple[int, ...] = (6,)
    is_compiled: bool = True

    def outcome(self, subject):
        """What comes of the input, None where the object does not take it."""
        for key in (subject.name, subject.family):
            if key in self.outcomes:
                return _resolved(self.outcomes[key], subject)
        if not {subject.name, subject.family} & set(self.families):
            return None
        if self.group == "Class counts" and not subject.takes_counts:
            return None
        return _resolved(self.outcomes.get("*", RIGHT), subject)


def _resolved(outcome, subject):
    is_function = callable(outcome) and not isinstance(outcome, type)
    return outcome(subject) if is_function else outcome
