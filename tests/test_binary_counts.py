import numpy as np
import pytest

from keras_ccar.binary_counts import binary_counts


@pytest.mark.parametrize(
    ("class_counts", "num_examples", "yes", "no", "totals"),
    [
        ([10, 2], 100, [10, 2], [90, 98], 100),
        ([3], 3, [3], [0], 3),
        ({1: 5}, 10, [0, 5], [10, 5], 10),
        ([40, 5], [80, 10], [40, 5], [40, 5], [80, 10]),
        ([990, 10], None, [10], [990], 1000),
        ([[990, 10], [800, 200]], None, [10, 200], [990, 800], 1000),
        ([[990, 10], [8, 2]], None, [10, 2], [990, 8], [1000, 10]),
        ([0.003], 1, [0.003], [0.997], 1),
    ],
)
def test_one_form(class_counts, num_examples, yes, no, totals):
    counts, examples = binary_counts(class_counts, num_examples)
    np.testing.assert_allclose(counts, [yes, no])
    assert examples == totals


@pytest.mark.parametrize(
    ("class_counts", "num_examples", "message"),
    [
        ([2000], 1000, "`class_counts` must not exceed `num_examples`"),
        ([5, 20], [10, 10], "`class_counts` must not exceed `num_examples`"),
        ([3], 0, "`num_examples` must be a finite number >= 1"),
        ([3], True, "`num_examples` must be a finite number >= 1"),
        ([3], float("nan"), "`num_examples` must be a finite number >= 1"),
        ([3], "many", "`num_examples` must be a finite number >= 1"),
        ([3, 4], [10, 10, 10], "one for each of the 2 labels"),
        ([3], None, "`num_examples` must be given"),
        ([3, 4, 5], None, "`num_examples` must be given"),
        ({0: 3, 2: 4}, None, "`num_examples` must be given"),
        ([[1, 2, 3]], None, "`num_examples` must be given"),
        ([[0, 0], [1, 2]], None, "at least one example for each label"),
        ([-1, 2], None, "negative"),
        ([[1, float("nan")]], None, "NaN"),
    ],
)
def test_errors(class_counts, num_examples, message):
    with pytest.raises(ValueError, match=message):
        binary_counts(class_counts, num_examples)
