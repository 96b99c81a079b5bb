"""Turns class counts into frequencies. Every error about counts is raised here."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

# The number of training examples of each class.
ClassCounts = Sequence[float] | Mapping[int, float] | np.ndarray


class ClassPrior(NamedTuple):
    """The class distribution of the training data.

    Attributes:
        frequency: tensor or array of shape `(K,)`, `f_c = n_c / N`. In a model that
            trains with `CCARCallback` it is a variable, so that new frequencies take
            effect without recompilation.
        num_examples: N, the number of training examples.
    """

    frequency: Any
    num_examples: float

    @property
    def num_classes(self) -> int:
        """`K`, the number of classes."""
        return self.frequency.shape[0]

    @property
    def counts(self) -> list[float]:
        """`n_c` of each class; whole numbers are integers."""
        counts = np.asarray(self.frequency, "float64") * self.num_examples
        whole = np.rint(counts)
        is_whole = np.abs(counts - whole) < 1e-9 * np.maximum(whole, 1)
        return [
            int(whole[c]) if is_whole[c] else float(counts[c])
            for c in range(len(counts))
        ]

    @property
    def floor(self) -> float:
        """`1 / (N + 1)`, the frequency that stands in for 0 where 0 is not allowed."""
        return 1.0 / (self.num_examples + 1.0)


def class_counts_array(
    class_counts: ClassCounts, name: str = "class_counts", minimum: int = 2
) -> np.ndarray:
    """Checks class counts and returns them as a float64 array of shape `(K,)`.

    Counts need not be whole numbers: class frequencies are accepted too.

    Args:
        class_counts: training examples of each class: a sequence of shape `(K,)`, or a
            dict `{class: count}`, in which a missing class has none.
        name: the name of the argument.
        minimum: the smallest number of classes.
    """
    if hasattr(class_counts, "items"):  # a dict, a Counter, a pandas value_counts
        class_counts = _from_mapping(class_counts, name)
    try:
        counts = np.asarray(class_counts)
        if counts.dtype.kind in "bcSU":  # numpy would convert them to floats
            raise TypeError
        counts = counts.astype("float64")
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"`{name}` must be a sequence of numbers, one for each class, or a dict "
            f"{{class: count}}. Received: {name}={class_counts!r}"
        ) from error
    if counts.ndim != 1 or counts.size < minimum:
        least = "two classes" if minimum == 2 else "one class"
        raise ValueError(
            f"`{name}` must be one-dimensional with at least {least}: the number "
            f"of training examples of each. Received: shape {counts.shape}. Count "
            "integer labels with `numpy.bincount(labels, minlength=num_classes)`."
        )
    for problem, wrong in (
        ("NaN or infinite", ~np.isfinite(counts)),
        ("negative", counts < 0),
    ):
        if wrong.any():
            raise ValueError(
                f"`{name}` must hold finite counts of at least 0. Received: {problem} "
                f"for {format_class_list(wrong)}: {counts[wrong][:5].tolist()}"
            )
    if not counts.any():
        raise ValueError(
            f"`{name}` must count at least one training example. All {counts.size} "
            "classes have a count of 0."
        )
    with np.errstate(over="ignore"):
        total = counts.sum()
    if not np.isfinite(total):
        raise ValueError(
            f"`{name}` must have a finite sum. Received: {name}={class_counts!r}"
        )
    return counts


def positive_and_negative_counts(
    class_counts: ClassCounts, num_examples: float
) -> np.ndarray:
    """Returns how many examples carry each label, then how many do not, `(2 * K,)`."""
    counts = class_counts_array(class_counts, minimum=1)
    if (counts > num_examples).any():
        raise ValueError(
            "`class_counts` must not exceed `num_examples`. Received: "
            f"class_counts={counts.tolist()}, num_examples={num_examples!r}"
        )
    return np.concatenate([counts, num_examples - counts])


def require_class_counts(prior: ClassPrior | None, what: str) -> ClassPrior:
    """Returns the prior that `what`, a part of a loss, needs."""
    if prior is None:
        raise ValueError(
            f"`class_counts` must be given: {what} needs the number of training "
            "examples of each class. Received: class_counts=None"
        )
    return prior


def class_prior(class_counts: ClassCounts, name: str = "class_counts") -> ClassPrior:
    """Returns the prior as float64 numpy; arguments as in `class_counts_array`."""
    counts = class_counts_array(class_counts, name)
    total = float(counts.sum())
    return ClassPrior(counts / total, total)


def shot_groups(
    class_counts: ClassCounts,
    many: float = 100,
    few: float = 20,
    include_all: bool = False,
) -> dict[str, np.ndarray]:
    """Groups classes by the number of their training examples.

    The convention of the long-tail literature (Liu et al. 2019, arXiv 1904.05160):
    many-shot classes have more than 100 training examples, few-shot fewer than 20.

    Args:
        class_counts: training examples of each class, as for `class_counts_array`.
        many: classes with more examples than this are many-shot.
        few: classes with fewer examples than this are few-shot.
        include_all: whether a first group, "all", holds every class.

    Returns:
        A dict of boolean arrays of shape `(K,)` under "many", "medium" and "few".
        Each class is in exactly one of these; a group may be empty.

    Raises:
        ValueError: if `few > many`, or as `class_counts_array`.

    Example:
    ```python
    from keras_ccar.frequencies import shot_groups

    groups = shot_groups([500, 100, 20, 5])
    assert groups["medium"].tolist() == [False, True, True, False]
    ```
    """
    if few > many:
        raise ValueError(
            f"`few` must not exceed `many`. Received: few={few}, many={many}"
        )
    counts = class_counts_array(class_counts)
    is_many, is_few = counts > many, counts < few
    groups = {"all": np.ones(len(counts), bool)} if include_all else {}
    return {**groups, "many": is_many, "medium": ~(is_many | is_few), "few": is_few}


def describe_shot_groups(class_counts: ClassCounts) -> str:
    """Returns the sizes of the groups: `"2 many-shot, 1 medium-shot, 0 few-shot"`."""
    groups = shot_groups(class_counts).items()
    return ", ".join(f"{members.sum()} {name}-shot" for name, members in groups)


def format_class_list(selected: np.ndarray, limit: int = 10) -> str:
    """Names the selected classes of a boolean vector for a message."""
    indices = np.flatnonzero(selected)
    listed = ", ".join(map(str, indices[:limit]))
    if indices.size > limit:
        listed += f", ... ({indices.size} in all)"
    return f"class {listed}" if indices.size == 1 else f"classes {listed}"


def _from_mapping(class_counts: Any, name: str) -> list[float]:
    class_counts = dict(class_counts.items())
    for key in class_counts:
        is_integer = isinstance(key, int | np.integer) and not isinstance(key, bool)
        if not is_integer or key < 0:
            problem = "negative key" if is_integer else "key"
            raise ValueError(
                f"`{name}` given as a dict must have the class indices 0, 1, ... as "
                f"keys. Received: {problem} {key!r} of type {type(key).__name__}"
            )
    counts: list[float] = [0] * (max(class_counts, default=-1) + 1)
    for key, count in class_counts.items():
        counts[key] = count
    return counts
