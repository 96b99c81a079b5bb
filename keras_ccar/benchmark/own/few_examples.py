"""Says which classes have too few held-out examples to be measured."""

from collections.abc import Mapping

import numpy as np

from keras_ccar.benchmark.own.columns import BINARY
from keras_ccar.benchmark.own.data import OwnData
from keras_ccar.benchmark.own.problem import Problem
from keras_ccar.posthoc.labels import FEWEST_EXAMPLES, read_labels

_SHOWN = 5


def describe_few(splits: Mapping[str, OwnData], problem: Problem) -> str:
    """Returns sentences on held-out parts with few examples of a class, or "".

    Raises:
        ValueError: for labels that the output of the model does not fit.
    """
    sentences = []
    for name, data in splits.items():
        shape = (len(data.labels), *problem.output_shape)
        labels = read_labels(
            data.labels, shape, problem.are_labels, name, None, None, can_ignore=False
        )
        if name == "train":
            continue
        counts = _counts(labels, problem)
        none = [what for what, number in counts.items() if number == 0]
        few = [
            f"{number} of {what}"
            for what, number in counts.items()
            if 0 < number < FEWEST_EXAMPLES
        ]
        if none:
            sentences.append(
                f"`{name}` has no example of {_joined(none)}, so nothing is known of "
                "them, and means are those of the others."
            )
        if few:
            sentences.append(
                f"`{name}` has very few examples: {_joined(few)}. What is measured on "
                "so few is mostly chance: hold out more of them."
            )
    return " ".join(sentences)


def _counts(labels: np.ndarray, problem: Problem) -> dict[str, int]:
    """Returns the examples of each class, or of yes and no of each label."""
    if not problem.are_labels:
        found = np.bincount(labels, minlength=len(problem.class_names))
        return dict(zip(problem.class_names, found.tolist(), strict=True))
    sides = {"yes": (labels == 1).sum(axis=0), "no": (labels == 0).sum(axis=0)}
    if problem.kind == BINARY:
        no, yes = problem.class_names
        return {yes: int(sides["yes"][0]), no: int(sides["no"][0])}
    return {
        f"{answer} to {name}": int(number)
        for answer, numbers in sides.items()
        for name, number in zip(problem.class_names, numbers, strict=True)
    }


def _joined(parts: list[str]) -> str:
    shown = ", ".join(parts[:_SHOWN])
    return shown if len(parts) <= _SHOWN else f"{shown} and {len(parts) - _SHOWN} more"
