import numpy as np
import pytest

from keras_ccar.benchmark.report.figures.curves import (
    accuracy_curve,
    mean_over_examples,
)


def test_classes_count_by_their_examples():
    values = [[0.5, 1.0, 0.0], [None, 1.0, 0.0]]
    mean = mean_over_examples(values, np.array([6, 2, 0]))
    assert mean == pytest.approx([(6 * 0.5 + 2 * 1.0) / 8, 1.0])


def test_the_last_point_of_a_curve_is_the_result():
    run = {"few": 30.0, "history": {"test": [{"epoch": 2, "few": 20.0}]}}
    assert accuracy_curve(run, "few", last_epoch=5) == ([2, 5], [20.0, 30.0])
