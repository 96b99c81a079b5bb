"""Groups of classes by the number of their training examples."""

from collections.abc import Sequence

import numpy as np

from keras_ccar.arguments import argument_error, check_numbers
from keras_ccar.frequencies import ClassCounts, class_counts_array, shot_groups

TERCILES = "terciles"
# `(many, few)`, or "terciles".
Groups = Sequence[float] | str

_EXPECTED = (
    '"terciles", or the thresholds (many, few): classes with more than `many` training '
    "examples are many-shot, with fewer than `few` few-shot, many >= few >= 0"
)


def read_groups(
    groups: Groups, class_counts: ClassCounts, minimum: int = 2
) -> dict[str, np.ndarray]:
    """Groups classes into many-shot, medium-shot and few-shot ones.

    Args:
        groups: thresholds `(many, few)` as of `shot_groups`; or "terciles": the classes
            in the order of their counts, cut into three parts with as nearly the same
            number of classes as can be without parting classes of equal counts. Two
            different counts make "many" and "few", a single one makes "medium".
        class_counts: training examples of each class, as for `class_counts_array`; of
            yes-or-no labels, the positives of each. Terciles take shares too.
        minimum: the smallest number of classes.

    Returns:
        A dict of boolean arrays of shape `(K,)` under "many", "medium" and "few", in
        this order, without those that have no class. Each class is in one of them.

    Raises:
        ValueError: for other groups, and as `shot_groups`.

    Example:
    ```python
    from keras_ccar.posthoc.by_class.groups import read_groups

    groups = read_groups("terciles", [500, 400, 90, 80, 7, 6])
    assert groups["few"].tolist() == [False, False, False, False, True, True]
    ```
    """
    if isinstance(groups, str):
        if groups != TERCILES:
            raise argument_error("groups", groups, _EXPECTED)
        found = _terciles(class_counts_array(class_counts, minimum=minimum))
    else:
        thresholds = check_numbers("groups", groups, _EXPECTED)
        if thresholds.shape != (2,) or not np.isfinite(thresholds).all():
            raise argument_error("groups", groups, _EXPECTED)
        many, few = thresholds.tolist()
        if not many >= few >= 0:
            raise argument_error("groups", groups, _EXPECTED)
        found = shot_groups(class_counts, many, few, minimum)
    return {name: members for name, members in found.items() if members.any()}


def names_of_groups(groups: dict[str, np.ndarray], num_classes: int) -> list[str]:
    """Returns the name of the group of each class, "all" for a class in none."""
    return [
        next((name for name, members in groups.items() if members[k]), "all")
        for k in range(num_classes)
    ]


def _terciles(counts: np.ndarray) -> dict[str, np.ndarray]:
    different, sizes = np.unique(counts, return_counts=True)
    if len(different) == 1:
        return {"medium": np.ones(counts.size, bool)}
    # From the most frequent on: the classes before a cut, and the smallest of their
    # counts.
    before, smallest = sizes[::-1].cumsum()[:-1], different[:0:-1]
    distances = [np.abs(before - counts.size * part / 3) for part in (1, 2)]
    if len(before) == 1:
        first = last = 0
    else:
        # Of all pairs of cuts in order, the one that is nearest to thirds.
        best = np.minimum.accumulate(distances[0])
        last = int(np.argmin(best[:-1] + distances[1][1:])) + 1
        first = int(np.argmin(distances[0][:last]))
    is_many, is_few = counts >= smallest[first], counts < smallest[last]
    return {"many": is_many, "medium": ~(is_many | is_few), "few": is_few}
