import numpy as np
import pytest

from keras_ccar.frequencies import (
    class_counts_array,
    class_prior,
    describe_shot_groups,
    positive_and_negative_counts,
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
        ([0, 0, 0], "All 3 classes have a count of 0"),
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
    assert prior.floor == 1 / 101


def test_positive_and_negative_counts():
    counts = positive_and_negative_counts([10, 2], num_examples=100)
    assert counts.tolist() == [10, 2, 90, 98]
    assert positive_and_negative_counts([3], num_examples=3).tolist() == [3, 0]


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
    groups = shot_groups([500, 100, 5], include_all=True)
    assert list(groups) == ["all", "many", "medium", "few"]
    assert groups["all"].tolist() == [True, True, True]
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
