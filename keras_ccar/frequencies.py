"""Class counts in, class frequencies out; every error about counts is raised here."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

# Training examples of each class.
ClassCounts = Sequence[float] | Mapping[int, float] | np.ndarray


class ClassPrior(NamedTuple):
    """What weightings and adjustments know of the training distribution.

    Attributes:
        frequency: tensor or array of shape `(K,)`, `f_c = n_c / N`. Inside a
            model that trains with `CCARCallback` it is a variable, so that a
            new frequency takes effect without another compilation.
        num_examples: `N`, the number of training examples.
    """

    frequency: Any
    num_examples: float

    @property
    def num_classes(self) -> int:
        """`K`, the number of classes."""
        return self.frequency.shape[0]

    @property
    def counts(self) -> list:
        """`n_c`, as a list of numbers, whole ones as integers."""
        counts = np.asarray(self.frequency, "float64") * self.num_examples
        whole = np.rint(counts)
        is_whole = np.abs(counts - whole) < 1e-9 * np.maximum(whole, 1)
        return [
            int(whole[c]) if is_whole[c] else float(counts[c])
            for c in range(len(counts))
        ]

    @property
    def floor(self) -> float:
        """Smallest frequency that is told apart from "never seen", `1 / (N + 1)`."""
        return 1.0 / (self.num_examples + 1.0)


def class_counts_array(class_counts, name="class_counts", minimum=2):
    """Checks class counts and returns them as an array.

    Args:
        class_counts: training examples of each class: a sequence of shape `(K,)`,
            `K >= 2`, or a dict `{class: count}` in which an absent class has none.
            Counts need not be whole numbers: frequencies are counts too.
        name: the argument's name, for messages.
        minimum: the smallest number of classes.

    Returns:
        A float64 array of shape `(K,)`.

    Raises:
        ValueError: if the counts are not a vector of at least `minimum` finite
            numbers, none negative and not all zero.

    Example:
    ```python
    from keras_ccar.frequencies import class_counts_array

    assert class_counts_array({0: 500, 2: 20}).tolist() == [500, 0, 20]
    ```
    """
    if hasattr(class_counts, "items"):  # a dict, a Counter, a pandas value_counts
        class_counts = _from_mapping(class_counts, name)
    try:
        counts = np.asarray(class_counts)
        if counts.dtype.kind in "bcSU":  # numpy makes numbers of them
            raise TypeError
        counts = counts.astype("float64")
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"`{name}` must be a sequence of numbers, one a class, or a dict "
            f"{{class: count}}. Received: {class_counts!r}"
        ) from error
    if counts.ndim != 1 or counts.size < minimum:
        least = "two classes" if minimum == 2 else "one class"
        raise ValueError(
            f"`{name}` must be one-dimensional with at least {least}: the number "
            f"of training examples of each. Received shape {counts.shape}. Count "
            "integer labels with `numpy.bincount(labels, minlength=num_classes)`."
        )
    for problem, wrong in (
        ("NaN or infinite", ~np.isfinite(counts)),
        ("negative", counts < 0),
    ):
        if wrong.any():
            raise ValueError(
                f"`{name}` must hold finite counts of at least 0. It is {problem} for "
                f"{format_class_list(wrong)}: {counts[wrong][:5].tolist()}."
            )
    if not counts.any():
        raise ValueError(
            f"`{name}` must count at least one training example. All {counts.size} "
            "classes have a count of 0."
        )
    with np.errstate(over="ignore"):
        total = counts.sum()
    if not np.isfinite(total):
        raise ValueError(f"`{name}` must have a finite sum. Received: {class_counts!r}")
    return counts


def positive_and_negative_counts(class_counts, num_examples):
    """Returns how many examples carry each label, then how many do not.

    Args:
        class_counts: examples that carry each label, as for `class_counts_array`, of at
            least one label.
        num_examples: number of examples altogether.

    Returns:
        A float64 array of shape `(2 * K,)`.

    Raises:
        ValueError: as `class_counts_array`, and if a label has more examples than
            there are.

    Example:
    ```python
    from keras_ccar.frequencies import label_counts

    assert label_counts([10, 2], num_examples=100).tolist() == [10, 2, 90, 98]
    ```
    """
    counts = class_counts_array(class_counts, minimum=1)
    if (counts > num_examples).any():
        raise ValueError(
            "`class_counts` must not exceed `num_examples`. Received: "
            f"class_counts={counts.tolist()}, num_examples={num_examples!r}"
        )
    return np.concatenate([counts, num_examples - counts])


def require_class_counts(prior, what):
    """Raises a `ValueError` if a part of a loss needs class counts, but has none.

    Args:
        prior: the `ClassPrior`, or None.
        what: the part that needs it.
    """
    if prior is None:
        raise ValueError(
            f"`class_counts` must be given: {what} needs the number of training "
            "examples of each class. Received: class_counts=None"
        )


def class_prior(class_counts, name="class_counts"):
    """Returns the `ClassPrior` of checked class counts, as float64 numpy.

    Args:
        class_counts: as for `class_counts_array`.
        name: the argument's name, for messages.

    Returns:
        A `ClassPrior` whose frequencies sum to 1.

    Raises:
        ValueError: as `class_counts_array`.

    Example:
    ```python
    from keras_ccar.frequencies import class_prior

    assert class_prior([75, 25]).frequency.tolist() == [0.75, 0.25]
    ```
    """
    counts = class_counts_array(class_counts, name)
    total = float(counts.sum())
    return ClassPrior(counts / total, total)


def shot_groups(class_counts, many=100, few=20):
    """Groups classes by the number of their training examples.

    The convention of the long-tail literature (Liu et al. 2019, arXiv 1904.05160):
    many-shot classes have more than 100 training examples, few-shot fewer than 20.

    Args:
        class_counts: training examples of each class, as for `class_counts_array`.
        many: classes with more examples than this are many-shot.
        few: classes with fewer examples than this are few-shot.

    Returns:
        A dict of boolean arrays of shape `(K,)` under "many", "medium" and "few".
        Each class is in exactly one group; a group may be empty.

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
            f"`few` must not exceed `many`. Received: few={few}, many={many}."
        )
    counts = class_counts_array(class_counts)
    is_many, is_few = counts > many, counts < few
    return {"many": is_many, "medium": ~(is_many | is_few), "few": is_few}


def format_class_list(selected, limit=10):
    """Names the selected classes of a boolean vector for a message."""
    indices = np.flatnonzero(selected)
    listed = ", ".join(map(str, indices[:limit]))
    if indices.size > limit:
        listed += f", ... ({indices.size} in all)"
    return f"class {listed}" if indices.size == 1 else f"classes {listed}"


def _from_mapping(class_counts, name):
    class_counts = dict(class_counts.items())
    classes = list(class_counts)
    for label in classes:
        if isinstance(label, bool) or not isinstance(label, int | np.integer):
            raise ValueError(
                f"`{name}` given as a dict must have the class indices 0, 1, ... as "
                f"keys. Received key {label!r} of type {type(label).__name__}."
            )
        if label < 0:
            raise ValueError(
                f"`{name}` given as a dict must have the class indices 0, 1, ... as "
                f"keys. Received the negative key {label}."
            )
    counts = [0] * (max(classes, default=-1) + 1)
    for label, count in class_counts.items():
        counts[label] = count
    return counts
