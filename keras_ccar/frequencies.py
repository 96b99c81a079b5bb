"""Turns class counts into frequencies. Every error about counts is raised here."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from keras_ccar.arguments import MOST_CLASSES, check_number, check_numbers, show

# The number of training examples of each class.
ClassCounts = Sequence[float] | Mapping[int, float] | np.ndarray


class ClassPrior(NamedTuple):
    """The class distribution of the training data.

    In a model that trains with `CCARCallback`, its numbers are variables of the
    compiled step, so that new ones take effect without recompilation.

    Attributes:
        frequency: tensor or array of shape `(K,)`, `f_c = n_c / N`. For K yes-or-no
            labels it has the shape `(2, K)`: the two sides of each.
        num_examples: N, the number of training examples: a scalar, or of shape `(K,)`
            for K yes-or-no labels.
    """

    frequency: Any
    num_examples: Any

    @property
    def num_classes(self) -> int:
        """`K`, the number of classes."""
        return self.frequency.shape[0]

    @property
    def num_present_classes(self) -> Any:
        """The number of classes with examples."""
        frequency = ops.convert_to_tensor(self.frequency)
        return ops.sum(ops.cast(frequency > 0, frequency.dtype), axis=0)

    @property
    def examples(self) -> np.ndarray:
        """The training examples, in float64 and the shape of `frequency`."""
        return np.asarray(self.frequency, "float64") * self.num_examples

    @property
    def counts(self) -> list[float]:
        """`n_c` of each class; whole numbers are integers."""
        counts = self.examples
        whole = np.rint(counts)
        is_whole = np.abs(counts - whole) < 1e-9 * np.maximum(whole, 1)
        rows = zip(counts.tolist(), whole.tolist(), is_whole, strict=True)
        return [int(rounded) if fits else count for count, rounded, fits in rows]

    def replace_zero(self, frequency: Any) -> Any:
        """Replaces frequencies of 0, where 0 is not allowed.

        They become `1 / (N + 1)`, as if the class had nearly one example, but not more
        than the smallest frequency above 0. So an empty class is always the rarest.
        """
        own = ops.convert_to_tensor(self.frequency)
        present = ops.where(own > 0, own, ops.ones_like(own))
        rarest = ops.min(present, axis=0)
        floor = ops.cast(1.0 / (self.num_examples + 1.0), rarest.dtype)
        return replace_zero(frequency, ops.minimum(floor, rarest))


def replace_zero(values: Any, floor: Any) -> Any:
    """Returns `values` with `floor` in place of 0. NaN stays."""
    return ops.where(values <= 0, floor, values)


def class_counts_array(
    class_counts: ClassCounts, name: str = "class_counts", minimum: int = 2
) -> np.ndarray:
    """Checks class counts and returns them as a float64 array of shape `(K,)`.

    Counts need not be whole numbers. Shares of the classes are accepted too; what needs
    numbers of examples calls `require_numbers_of_examples`.

    Args:
        class_counts: training examples of each class: a sequence of shape `(K,)`, or a
            dict `{class: count}`, in which a missing class has none.
        name: the name of the argument.
        minimum: the smallest number of classes.
    """
    # A dict, a Counter, a pandas value_counts.
    if hasattr(class_counts, "items") and not isinstance(class_counts, type):
        class_counts = _from_mapping(class_counts, name)
    expected = "a sequence of numbers, one for each class, or a dict {class: count}"
    counts = check_numbers(name, class_counts, expected)
    if counts.ndim != 1 or counts.size < minimum:
        least = "two classes" if minimum == 2 else "one class"
        raise ValueError(
            f"`{name}` must be one-dimensional with at least {least}: the number "
            f"of training examples of each. Received: shape {counts.shape}. Use "
            "`keras_ccar.datasets.count_classes`; yes-or-no labels need a binary loss."
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
            f"`{name}` must count at least one training example. Received: 0 for all "
            f"{counts.size} classes."
        )
    with np.errstate(over="ignore"):
        total = counts.sum()
    if not np.isfinite(total):
        raise ValueError(
            f"`{name}` must have a finite sum. Received: {name}={show(class_counts)}"
        )
    return counts


def require_class_counts(prior: ClassPrior | None, what: str) -> ClassPrior:
    """Returns the prior that `what`, a part of a loss, needs."""
    if prior is None:
        raise ValueError(
            f"`class_counts` must be given: {what} needs the number of training "
            "examples of each class. Received: class_counts=None"
        )
    return prior


def looks_like_shares(counts: np.ndarray) -> bool:
    """Tells shares and percentages of classes from numbers of examples.

    Shares sum to about 1, or are not whole and at most 1; percentages sum to about 100
    and are not whole. Of yes-or-no labels, `(2, K)`, one is enough.
    """
    total = counts.sum(axis=0)
    is_whole = np.all(np.abs(counts - np.rint(counts)) <= 1e-6, axis=0)
    # Shares of labels that do not exclude each other may have any sum.
    is_part = (counts.max(axis=0) <= 1) | (np.abs(total - 100) <= 1)
    return bool(np.any((total < 1.5) | ~is_whole & is_part))


def require_numbers_of_examples(
    counts: Any, what: str, name: str = "class_counts"
) -> None:
    """Raises a `ValueError` for shares, if `what` depends on numbers of examples."""
    counts = np.asarray(counts, "float64")
    if looks_like_shares(counts):
        raise ValueError(
            f"`{name}` must be numbers of examples here, not shares: {what} depends on "
            f"how many there are. Received: {counts[:5].tolist()} and so on, with the "
            f"sum {counts.sum():.6g}. "
            "Multiply shares by the number of training examples."
        )


def class_prior(class_counts: ClassCounts, name: str = "class_counts") -> ClassPrior:
    """Returns the prior as float64 numpy; arguments as in `class_counts_array`."""
    counts = class_counts_array(class_counts, name)
    total = float(counts.sum())
    return ClassPrior(counts / total, total)


def shot_groups(
    class_counts: ClassCounts, many: float = 100, few: float = 20, minimum: int = 2
) -> dict[str, np.ndarray]:
    """Groups classes by the number of their training examples.

    The convention of the long-tail literature (Liu et al. 2019, arXiv 1904.05160):
    many-shot classes have more than 100 training examples, few-shot fewer than 20.

    Args:
        class_counts: training examples of each class, as for `class_counts_array`.
        many: classes with more examples than this are many-shot.
        few: classes with fewer examples than this are few-shot.
        minimum: the smallest number of classes.

    Returns:
        A dict of boolean arrays of shape `(K,)` under "many", "medium" and "few".

    Raises:
        ValueError: if `few > many`, for shares instead of counts, or as
            `class_counts_array`.

    Example:
    ```python
    from keras_ccar.frequencies import shot_groups

    groups = shot_groups([500, 100, 20, 5])
    assert groups["medium"].tolist() == [False, True, True, False]
    ```
    """
    many, few = check_number("many", many, 0), check_number("few", few, 0)
    if few > many:
        raise ValueError(
            f"`few` must not exceed `many`. Received: few={few:g}, many={many:g}"
        )
    counts = class_counts_array(class_counts, minimum=minimum)
    require_numbers_of_examples(counts, "whether a class is many- or few-shot")
    is_many, is_few = counts > many, counts < few
    return {"many": is_many, "medium": ~(is_many | is_few), "few": is_few}


def reported_groups(class_counts: ClassCounts) -> dict[str, np.ndarray]:
    """Returns "all" and, unless shares, ones or one label do not tell, shot groups."""
    if len(class_counts) == 1:
        return {"all": np.ones(1, bool)}
    counts = class_counts_array(class_counts)
    everything = {"all": np.ones(len(counts), bool)}
    if looks_like_shares(counts) or (counts == 1).all():
        return everything
    return everything | shot_groups(counts)


def describe_shot_groups(class_counts: ClassCounts) -> str:
    """Returns the sizes of the groups: `"2 many-shot, 1 medium-shot, 0 few-shot"`."""
    groups = shot_groups(class_counts).items()
    return ", ".join(f"{members.sum()} {name}-shot" for name, members in groups)


def format_class_list(
    selected: np.ndarray, one: str = "class", several: str = "classes"
) -> str:
    """Names the selected classes of a boolean vector for a message."""
    indices = np.flatnonzero(selected)
    listed = ", ".join(map(str, indices[:10]))
    if indices.size > 10:
        listed += f", ... ({indices.size} in all)"
    return f"{one if indices.size == 1 else several} {listed}"


def _from_mapping(class_counts: Any, name: str) -> list[float]:
    class_counts = dict(class_counts.items())
    for key in class_counts:
        is_integer = isinstance(key, int | np.integer) and not isinstance(key, bool)
        if not is_integer or not 0 <= key < MOST_CLASSES:
            problem = "negative key" if is_integer and key < 0 else "key"
            raise ValueError(
                f"`{name}` given as a dict must have the class indices 0, 1, ... as "
                f"keys. Received: {problem} {show(key)} of type {type(key).__name__}. "
                "Count names by `datasets.count_classes(labels, return_names=True)`."
            )
    counts: list[float] = [0] * (max(class_counts, default=-1) + 1)
    for key, count in class_counts.items():
        counts[key] = count
    return counts
