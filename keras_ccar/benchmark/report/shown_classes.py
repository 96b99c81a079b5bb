"""Which of very many classes a report draws and lists."""

from collections.abc import Sequence

import numpy as np

# More classes than this fill a figure and a table: drawing and loading them takes long,
# and shows no more than a part of them.
_MANY = 1000
_DRAWN_OF_MANY = 250
_LISTED_AT_EACH_END = 250


def drawn_places(num_classes: int) -> np.ndarray:
    """Returns the places in an order of classes that a figure shows, the last always.

    They are all places, or every n-th.
    """
    step = _step(num_classes)
    return np.arange((num_classes - 1) % step, num_classes, step)


def describe_drawn(num_classes: int) -> str:
    """Returns "classes", or in words which of them a figure shows."""
    step = _step(num_classes)
    return "classes" if step == 1 else f"1 of {step} classes"


def listed_classes(
    class_counts: Sequence[float], file_name: str
) -> tuple[str, list[int]]:
    """Says which classes a table lists, and returns their labels in order.

    `file_name` is where a reader finds the others.
    """
    number = len(class_counts)
    if number <= _MANY:
        return f"{number} classes", list(range(number))
    order = np.argsort(-np.asarray(class_counts), kind="stable")
    ends = [*order[:_LISTED_AT_EACH_END], *order[-_LISTED_AT_EACH_END:]]
    return (
        f"The {_LISTED_AT_EACH_END} most frequent and the {_LISTED_AT_EACH_END} rarest "
        f"of {number} classes; all are in {file_name}",
        [int(label) for label in ends],
    )


def _step(num_classes: int) -> int:
    return 1 if num_classes <= _MANY else -(-num_classes // _DRAWN_OF_MANY)
