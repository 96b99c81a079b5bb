import numpy as np
import pytest
from keras import ops

from keras_ccar.frequencies import (
    class_counts_array,
    class_prior,
    describe_shot_groups,
    reported_groups,
    shot_groups,
)


@pytest.mark.parametrize(
    "counts",
    [[3, 0, 1], (3, 0, 1), np.array([3, 0, 1], "int8"), {0: 3, 2: 1}, {2: 1, 0: 3.0}],
)
def test_any_vector_or_dict(counts):
    assert class_counts_array(counts).tolist() == [3.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        (5, r"one-dimensional.* shape \(\)"),
        ([[1, 2], [3, 4]], r"one-dimensional.* shape \(2, 2\)"),
        ([7], r"at least two classes.* shape \(1,\)"),
        ([], r"at least two classes.* shape \(0,\)"),
        ({}, r"at least two classes.* shape \(0,\)"),
        ([3, -1], r"negative for class 1: \[-1.0\]"),
        ([3, float("nan")], "NaN or infinite for class 1"),
        ([float("inf"), 3], "NaN or infinite for class 0"),
        ([0, 0, 0], "Received: 0 for all 3 classes"),
        (["many", "few"], "must be a sequence of numbers.*'many'"),
        ([[1], [2, 3]], "must be a sequence of numbers"),
        (None, r"one-dimensional|sequence of numbers"),
        ({"cat": 3, "dog": 1}, "class indices.* 'cat' of type str"),
        ({-1: 3, 0: 1}, "negative key -1"),
    ],
)
def test_bad_counts(counts, message):
    with pytest.raises(ValueError, match=message) as error:
        class_counts_array(counts, "class_counts")
    assert "`class_counts`" in str(error.value)


def test_prior_sums_to_1():
    prior = class_prior([75, 25])
    assert prior.frequency.tolist() == [0.75, 0.25]
    assert (prior.num_examples, prior.num_classes) == (100, 2)


def test_only_frequencies_of_0_are_replaced():
    prior = class_prior([75, 25, 0])
    replaced = ops.convert_to_numpy(prior.replace_zero(prior.frequency))
    np.testing.assert_allclose(replaced, [0.75, 0.25, 1 / 101], rtol=1e-6)
    assert float(prior.num_present_classes) == 2
    # Shares do not tell N. An empty class is not more frequent than the rarest one.
    prior = class_prior([0.99, 0.01, 0])
    replaced = ops.convert_to_numpy(prior.replace_zero(prior.frequency))
    np.testing.assert_allclose(replaced, [0.99, 0.01, 0.01], rtol=1e-6)


@pytest.mark.parametrize(
    "counts",
    [
        [0.8, 0.16, 0.04],
        [0.806, 0.161, 0.032],
        [80.6, 16.1, 3.3],
        [0.003, 0.2, 0.997, 0.8],
        [1, 0],
    ],
)
def test_shares_are_no_numbers_of_examples(counts):
    message = "`class_counts` must be numbers of examples here, not shares"
    with pytest.raises(ValueError, match=message) as error:
        shot_groups(counts)
    assert "Multiply shares by the number of training examples" in str(error.value)
    assert shot_groups(np.multiply(counts, 1000))  # as advised
    assert list(reported_groups(counts)) == ["all"]


@pytest.mark.parametrize(
    "counts", [[80, 16, 4], [999.5, 0.5], [1, 1], [2, 0], [62.5, 12.5, 12.5, 2.5]]
)
def test_counts_may_be_small_or_parts(counts):
    assert sum(group.sum() for group in shot_groups(counts).values()) == len(counts)


def test_groups_of_the_benchmarks():
    # CIFAR-100-LT, imbalance factors 100 and 200.
    for factor, sizes in ((100, (35, 35, 30)), (200, (30, 31, 39))):
        counts = [int(500 * factor ** (-i / 99)) for i in range(100)]
        groups = shot_groups(counts)
        assert tuple(int(group.sum()) for group in groups.values()) == sizes
        assert (sum(group.astype(int) for group in groups.values()) == 1).all()


def test_groups_at_their_borders():
    groups = shot_groups([101, 100, 20, 19])
    assert groups["many"].tolist() == [True, False, False, False]
    assert groups["few"].tolist() == [False, False, False, True]


def test_groups_with_all_classes_and_in_words():
    groups = reported_groups([500, 100, 5])
    assert list(groups) == ["all", "many", "medium", "few"]
    assert groups["all"].tolist() == [True, True, True]
    # Ones stand for counts that are not known.
    assert list(reported_groups([1, 1, 1])) == ["all"]
    assert describe_shot_groups([500, 100, 5, 4]) == (
        "1 many-shot, 1 medium-shot, 2 few-shot"
    )


def test_groups_must_not_overlap():
    with pytest.raises(ValueError, match="`few` must not exceed `many`"):
        shot_groups([3, 1], many=10, few=20)


def test_pandas_counts_are_read_by_class_not_by_size():
    pandas = pytest.importorskip("pandas")
    labels = pandas.Series([2] * 500 + [0] * 100 + [1] * 20)
    assert class_counts_array(labels.value_counts()).tolist() == [100, 20, 500]
    names = pandas.Series(["cat", "cat", "dog"]).value_counts()
    with pytest.raises(ValueError, match=r"class indices.*'cat'"):
        class_counts_array(names)
