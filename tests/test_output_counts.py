"""Counts of either kind of output, and the logits of their prior."""

import json
from collections import Counter

import numpy as np
import pytest

from keras_ccar.output_counts import output_logits, read_output_counts

QUESTION = np.log(492 / 284_315)
NO_YES = [[990, 10], [5, 5], [1, 2]]
LABELS = np.log([10 / 990, 1, 2])
FORMS = {
    "classes": ([500, 100, 20], None, 3, np.log(np.array([500, 100, 20]) / 620)),
    "a dict of classes": (Counter({1: 3, 0: 9}), None, 2, np.log([0.75, 0.25])),
    "one question": ([284_315, 492], None, 1, [QUESTION]),
    "two columns": ([284_315, 492], None, 2, np.log([284_315, 492]) - np.log(284_807)),
    "a dict of one question": ({1: 492, 0: 284_315}, None, 1, [QUESTION]),
    "labels": (NO_YES, None, 3, LABELS),
    "one label of two dimensions": ([[990, 10]], None, 1, LABELS[:1]),
    "positives": ([10, 5, 2], [1000, 10, 3], 3, LABELS),
    "positives in a dict": ({0: 10}, 1000, 1, LABELS[:1]),
    "shares of positives": ([0.01, 0.5], 1, 2, LABELS[:2]),
}


@pytest.mark.parametrize("form", FORMS)
def test_logits_of_a_prior(form):
    class_counts, num_examples, columns, expected = FORMS[form]
    counts = read_output_counts(class_counts, num_examples)
    assert counts.fit(columns)
    assert not counts.fit(columns + 2)
    np.testing.assert_allclose(output_logits(counts.examples, columns), expected)
    plain = json.loads(json.dumps([counts.class_counts, counts.num_examples]))
    again = read_output_counts(*plain)
    np.testing.assert_array_equal(again.examples, counts.examples)
    assert again[1:] == counts[1:]


def test_what_columns_mean():
    for class_counts, columns, are_labels in (
        ([500, 100, 20], 3, False),
        ([9, 1], 2, False),
        ([9, 1], 1, True),
        ([[9, 1], [8, 2]], 2, True),
    ):
        counts = read_output_counts(class_counts)
        assert counts.fit(columns)
        assert counts.mean_labels(columns) is are_labels
    assert not read_output_counts([[9, 1], [8, 2]]).fit(1)
    assert not read_output_counts([3, 4], 10).fit(1)


@pytest.mark.parametrize("shape", [(2, 3), (3, 1), (0, 2), (2, 2, 2)])
def test_other_shapes(shape):
    with pytest.raises(ValueError, match=r"`class_counts` must .*\(K, 2\)"):
        read_output_counts(np.ones(shape))


@pytest.mark.parametrize(
    ("class_counts", "where"),
    [
        ([3, 0, 0], "0 for classes 1, 2"),
        ([[3, 1], [0, 2]], "0 of yes or of no for class 1"),
        ([[3, 0], [1, 2]], "0 of yes or of no for class 0"),
    ],
)
def test_counts_of_zero(class_counts, where):
    with pytest.raises(ValueError, match=f"`class_counts` .*{where}. Help"):
        read_output_counts(class_counts).require_examples("Help")
