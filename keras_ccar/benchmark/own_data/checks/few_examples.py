"""Says which classes have too few held-out examples to be measured."""

from collections.abc import Mapping

import numpy as np

from keras_ccar.benchmark.own_data.data import OwnData
from keras_ccar.benchmark.own_data.planning.columns import LABELS
from keras_ccar.benchmark.own_data.planning.problem import Problem, count_examples
from keras_ccar.benchmark.own_data.training.measurement import measure
from keras_ccar.inputs.class_names import join_first
from keras_ccar.posthoc.data.enough_examples import FEWEST_EXAMPLES
from keras_ccar.posthoc.data.predictions import Predictions

_SHOWN = 5


def read_held_out(
    splits: Mapping[str, OwnData], problem: Problem
) -> dict[str, np.ndarray]:
    """Returns the labels of each part that is held out, by its name.

    Labels with a sample weight of 0 are left out.

    Raises:
        ValueError: for labels and weights that the output of the model does not fit.
    """
    held_out = {}
    parts = {name: data for name, data in splits.items() if name != "train"}
    for name, data in parts.items():
        shape = (len(data.labels), *problem.output_shape)
        held_out[name], _ = problem.unknown.read(
            data.labels, data.weights, shape, problem.are_labels, name
        )
    return held_out


def describe_few(held_out: Mapping[str, np.ndarray], problem: Problem) -> str:
    """Returns sentences on held-out parts with few examples of a class, or "".

    Args:
        held_out: what `read_held_out` returned.
        problem: what is to be learned.
    """
    sentences = []
    for name, labels in held_out.items():
        counts = _counts(labels, problem)
        none = [what for what, number in counts.items() if number == 0]
        few = [
            f"{number} of {what}"
            for what, number in counts.items()
            if 0 < number < FEWEST_EXAMPLES
        ]
        if none:
            sentences.append(
                f"`{name}` has no example of {join_first(none, _SHOWN)}, so nothing is "
                "known of them, and means are those of the others."
            )
        if few:
            sentences.append(
                f"`{name}` has very few examples: {join_first(few, _SHOWN)}. What is "
                "measured on so few is mostly chance: hold out more of them."
            )
    return " ".join(sentences)


def require_measurable(
    metric: str, held_out: Mapping[str, np.ndarray], problem: Problem
) -> None:
    """Raises a `ValueError` if a held-out part lacks what a metric needs.

    Args:
        metric: the name of a column.
        held_out: what `read_held_out` returned.
        problem: what is to be learned.
    """
    for name, labels in held_out.items():
        lacking = [what for what, n in _counts(labels, problem).items() if n == 0]
        if not lacking:
            continue
        logits = np.zeros((len(labels), problem.num_columns))
        predictions = Predictions(logits, labels, problem.are_labels, True)
        if measure(predictions, problem)[0][metric] is None:
            raise ValueError(
                f"`metric` must be one that `{name}` can tell. Received: {metric!r}, "
                f"which is not known without examples of {join_first(lacking, _SHOWN)}"
                ", of which there are none. Add some, or use 'balanced_accuracy'."
            )


def _counts(labels: np.ndarray, problem: Problem) -> dict[str, int]:
    """Returns the examples of each class, or of yes and no of each label."""
    counts = count_examples(labels, problem.num_columns)
    if problem.kind != LABELS:
        return dict(zip(problem.class_names, counts, strict=True))
    return {
        f"{answer} to {name}": pair[column]
        for answer, column in (("yes", 1), ("no", 0))
        for name, pair in zip(problem.class_names, counts, strict=True)
    }
