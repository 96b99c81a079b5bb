"""What is said of held-out parts with few examples of a class."""

import numpy as np
import pytest

from keras_ccar.benchmark.own_data.checks.few_examples import (
    describe_few,
    read_held_out,
    require_measurable,
)
from keras_ccar.benchmark.own_data.data import OwnData
from keras_ccar.benchmark.own_data.planning.columns import BINARY, LABELS, SOFTMAX
from keras_ccar.benchmark.own_data.planning.problem import Problem

CLASSES = Problem(SOFTMAX, True, [9, 9, 9], ["ant", "bee", "owl"], (3,))
ONE = Problem(BINARY, True, [90, 9], ["no", "fraud"], (1,))
SEVERAL = Problem(LABELS, True, [[9, 9], [9, 9]], ["wet", "hot"], (2,))


def said(problem, labels):
    return describe_few(read_held_out(parts_of(labels), problem), problem)


def parts_of(labels):
    labels = np.asarray(labels)
    x = np.zeros((len(labels), 2), "float32")
    return {name: OwnData(name, (x, labels), 8) for name in ("train", "validation")}


@pytest.mark.parametrize(
    ("problem", "labels", "parts"),
    [
        (CLASSES, [0] * 5 + [1] * 5 + [2] * 5, []),
        (CLASSES, [0] * 5 + [1] * 5, ["no example of owl"]),
        (CLASSES, [0] * 5 + [2] * 4, ["no example of bee", "few examples: 4 of owl"]),
        (ONE, [0] * 9 + [1] * 2, ["few examples: 2 of fraud"]),
        (ONE, [0] * 9, ["no example of fraud"]),
        (ONE, [0] * 9 + [1] * 5, []),
        (SEVERAL, [[0, 1]] * 5 + [[1, 0]] * 3, ["3 of yes to wet, 3 of no to hot"]),
    ],
)
def test_what_is_said(problem, labels, parts):
    text = said(problem, labels)
    assert bool(text) == bool(parts)
    for part in parts:
        assert part in text
    assert "`train`" not in text


def test_many_classes_are_not_all_named():
    names = [f"class{number}" for number in range(30)]
    problem = Problem(SOFTMAX, True, [9] * 30, names, (30,))
    text = said(problem, [0] * 5)
    assert "class1, class2, class3, class4, class5 and 24 more" in text


@pytest.mark.parametrize(
    ("problem", "labels", "metric", "lacking"),
    [
        (ONE, [1] * 5, "average_precision", "no"),
        (ONE, [0] * 5, "recall", "fraud"),
        (ONE, [1] * 5, "recall", None),
        (ONE, [1] * 5, "balanced", None),
        (ONE, [0, 1], "average_precision", None),
        (SEVERAL, [[1, 1]] * 5, "average_precision", "no to wet, no to hot"),
        (SEVERAL, [[1, 1], [1, 0]], "average_precision", None),
        (CLASSES, [0, 0, 1], "few", None),
        (CLASSES, [0, 0, 1], "balanced", None),
    ],
)
def test_a_metric_that_a_part_cannot_tell_is_refused(problem, labels, metric, lacking):
    if lacking is None:
        require_measurable(metric, read_held_out(parts_of(labels), problem), problem)
        return
    message = f"`validation` can tell.*{metric}.*examples of {lacking}, of which there"
    with pytest.raises(ValueError, match=message):
        require_measurable(metric, read_held_out(parts_of(labels), problem), problem)
