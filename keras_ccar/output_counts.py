"""Counts of what a model's outputs stand for: exclusive classes, or labels."""

from typing import Any, NamedTuple

import numpy as np

from keras_ccar.arguments import check_numbers, show
from keras_ccar.binary_counts import NumExamples, binary_counts
from keras_ccar.frequencies import ClassCounts, class_counts_array, format_class_list


class OutputCounts(NamedTuple):
    """The training examples of each class, or of both answers of each label.

    Attributes:
        examples: float64 array of shape `(K,)` for classes that exclude each other, of
            shape `(2, K)`, yes and no, for labels. `[no, yes]` of one label has the
            shape `(2,)`: the number of columns of the output tells which of the two it
            is.
        class_counts: the argument as plain JSON.
        num_examples: the argument as plain JSON.
    """

    examples: np.ndarray
    class_counts: list[Any]
    num_examples: float | list[float] | None

    @property
    def are_labels(self) -> bool:
        """Whether the counts are of labels whatever the number of columns."""
        return self.examples.ndim == 2

    @property
    def num_columns(self) -> int:
        """The number of columns of the output, 2 for `[no, yes]`."""
        return self.examples.shape[-1]

    @property
    def are_one_question(self) -> bool:
        """Whether the counts are `[no, yes]`, which fit one column and two."""
        return self.examples.shape == (2,)

    def fit(self, num_columns: int | None) -> bool:
        """Whether the counts are those of an output with so many columns."""
        return num_columns == self.num_columns or (
            num_columns == 1 and self.are_one_question
        )

    def mean_labels(self, num_columns: int | None) -> bool:
        """Whether the columns of an output are labels of yes or no."""
        return self.are_labels or num_columns == 1

    def require_examples(self, advice: str) -> None:
        """Raises a `ValueError` for counts of 0, whose logarithm is infinite."""
        require_positive("class_counts", self.examples, advice)


def read_output_counts(
    class_counts: ClassCounts, num_examples: NumExamples = None
) -> OutputCounts:
    """Reads the counts of any kind of output.

    Args:
        class_counts: examples of each class, `(K,)` or `{class: count}`; of no and yes,
            `[no, yes]` of one label or `(K, 2)` of K; or, with `num_examples`, those
            that carry each label.
        num_examples: as for `binary_counts`.

    Raises:
        ValueError: for other shapes, and as `class_counts_array` and `binary_counts`.
    """
    if num_examples is not None:
        examples, num_examples = binary_counts(class_counts, num_examples)
        return OutputCounts(examples, _plain(examples[0]), num_examples)
    shape: tuple[int, ...] = ()
    if not hasattr(class_counts, "items"):
        expected = "a sequence of numbers, one for each class, or (K, 2) for labels"
        shape = check_numbers("class_counts", class_counts, expected).shape
        if shape in ((), (1,)):
            given: Any = class_counts
            advice = "Count the examples of no too."
            if given is None:
                advice = (
                    "`keras_ccar.datasets.count_classes` counts the training labels."
                )
            raise ValueError(
                "`class_counts` must be of at least two classes or, of one yes-or-no "
                "label, [no, yes]: the training examples of each. Received: "
                f"class_counts={show(given)}. {advice}"
            )
    if len(shape) < 2:
        examples = class_counts_array(class_counts)
        return OutputCounts(examples, _plain(examples), None)
    if len(shape) > 2 or shape[1] != 2 or not shape[0]:
        raise ValueError(
            "`class_counts` must have the shape (K,) for classes that exclude each "
            "other, or (K, 2), no and yes, for yes-or-no labels. Received: shape "
            f"{shape}"
        )
    examples, _ = binary_counts(class_counts)
    return OutputCounts(examples, [_plain(row) for row in examples[::-1].T], None)


def output_logits(examples: np.ndarray, num_columns: int) -> np.ndarray:
    """Returns the logits of a prior, in float64, one for each column of the output.

    Args:
        examples: counts or frequencies, as `OutputCounts.examples`.
        num_columns: the columns of the output.

    Returns:
        The log-odds of labels, the log frequencies of classes.
    """
    logarithms = np.log(examples)
    if examples.ndim == 2:
        return logarithms[0] - logarithms[1]
    if num_columns == 1:
        return logarithms[1:] - logarithms[:1]
    return logarithms - np.log(examples.sum())


def require_positive(name: str, examples: np.ndarray, advice: str) -> None:
    """Raises a `ValueError` that names the classes or labels with a count of 0."""
    is_empty = examples == 0
    if not is_empty.any():
        return
    where = f"for {format_class_list(is_empty)}"
    if examples.ndim == 2:
        where = f"of yes or of no for {format_class_list(is_empty.any(axis=0))}"
    raise ValueError(
        f"`{name}` must be above 0 for its logarithm. Received: 0 {where}. {advice}"
    )


def _plain(counts: np.ndarray) -> list[float]:
    """Returns counts as plain JSON; whole numbers are integers."""
    return [int(count) if count.is_integer() else count for count in counts.tolist()]
