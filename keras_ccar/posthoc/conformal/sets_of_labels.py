"""Says how to find sets of yes-or-no labels, which `prediction_sets` refuses."""

from typing import Any

from keras_ccar.frequencies import ClassCounts
from keras_ccar.output_counts import OutputCounts, read_output_counts
from keras_ccar.posthoc.data.given_arguments import code_of


def sets_of_labels(**given: Any) -> str:
    """Returns what to do about yes-or-no labels.

    Args:
        **given: the arguments of `prediction_sets`, for the sets of one label.
    """
    return (
        "Find the sets of each label alone. Make two columns of it, [no, yes]: of the "
        "probabilities `p`, answers `y` and `known = numpy.isin(y[:, k], [0, 1])` of "
        "label k, `prediction_sets(numpy.stack([1 - p[known, k], p[known, k]], "
        f"axis=1), y[known, k].astype(int){code_of(**given)}, from_logits=False)`."
    )


def read_counts_of_classes(class_counts: ClassCounts, of_labels: str) -> OutputCounts:
    """Reads class counts, and refuses those of yes-or-no labels.

    Args:
        class_counts: the argument.
        of_labels: what to do about labels.
    """
    counts = read_output_counts(class_counts)
    if counts.are_labels:
        raise ValueError(
            "`class_counts` must be counts of classes that exclude each other, of "
            f"shape (K,). Received: counts of no and yes of {counts.num_columns} "
            f"labels. {of_labels}"
        )
    return counts
