"""Groups stay in one part, every class is in every part, and the seed decides."""

import numpy as np
import pytest

from keras_ccar.benchmark.sources.splitting.group_split import split_groups

RNG = np.random.default_rng(0)
NAMES = ("a", "b", "c")


def patients(number, odds):
    """Classes and groups of rows; the rows of a group are of one class."""
    classes = RNG.permutation(np.repeat(range(len(odds)), np.multiply(odds, number)))
    groups = np.repeat(range(len(classes)), RNG.integers(2, 10, len(classes)))
    groups = RNG.permutation(groups)
    return classes[groups], groups


def split(labels, groups, shares, seed=0, names=NAMES):
    named = dict(zip(("validation", "test"), shares, strict=False))
    parts = split_groups(labels, names, groups, named, seed, "patient")
    assert list(parts) == ["train", *named]
    return list(parts.values())


def check_parts(parts, groups, labels):
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(groups)))
    assert sum(len(set(groups[part])) for part in parts) == len(set(groups))
    for part in parts:
        assert set(labels[part]) == set(labels)


@pytest.mark.parametrize(
    "shares", [(0.2,), (0.3,), (0.05,), (0.5,), (0.8,), (0.2, 0.2), (0.15, 0.3)]
)
def test_groups_stay_together_and_classes_have_their_shares(shares):
    labels, groups = patients(20, (7, 2, 1))
    parts = split(labels, groups, shares)
    check_parts(parts, groups, labels)
    counts = np.bincount(labels)
    for share, part in zip(shares, parts[1:], strict=True):
        assert len(part) == pytest.approx(share * len(labels), abs=0.03 * len(labels))
        # As nearly as groups of up to nine rows allow.
        expected = share * counts
        np.testing.assert_allclose(np.bincount(labels[part]), expected, atol=20)


def test_groups_of_several_classes():
    groups = np.repeat(range(60), 7)
    labels = RNG.choice(3, len(groups), p=[0.8, 0.17, 0.03])
    check_parts(split(labels, groups, (0.2, 0.2)), groups, labels)


@pytest.mark.parametrize("seed", range(5))
def test_many_classes_of_as_few_groups_as_there_are_parts(seed):
    groups = np.repeat(range(120), 4)
    labels = groups % 40
    names = [str(number) for number in range(40)]
    check_parts(split(labels, groups, (0.2, 0.2), seed, names), groups, labels)


def test_the_seed_decides_and_the_order_of_rows_does_not():
    labels, groups = patients(10, (7, 2, 1))
    validation = set(groups[split(labels, groups, (0.2,))[1]])
    order = RNG.permutation(len(labels))
    again = split(labels[order], groups[order], (0.2,))[1]
    assert set(groups[order][again]) == validation
    assert set(groups[split(labels, groups, (0.2,), seed=1)[1]]) != validation
    split(labels, groups, (0.2,), seed=2**40)


def test_several_labels():
    groups = np.repeat(range(80), 5)
    labels = (RNG.random((400, 3)) < [0.5, 0.2, 0.1]).astype("int64")
    for part in split(labels, groups, (0.2, 0.2)):
        assert (labels[part].sum(axis=0) > 0).all()
    labels[:, 2] = groups == 7
    with pytest.raises(ValueError, match=r"2 groups or more, .*: c \(1\)"):
        split(labels, groups, (0.2,))


def test_a_label_that_is_always_beside_a_rarer_one():
    groups = np.repeat(range(40), 5)
    labels = np.zeros((200, 2), "int64")
    labels[groups % 4 == 0] = 1
    labels[groups == 0, 1] = 0
    for part in split(labels, groups, (0.2,), names=NAMES[:2]):
        assert labels[part].sum(axis=0).min() > 0


def test_a_division_that_cannot_be():
    # Each two of the three groups must be apart, of two parts.
    groups, labels = np.array([0, 1, 1, 2, 0, 2] * 2), np.array([0, 0, 1, 1, 2, 2] * 2)
    with pytest.raises(ValueError, match=r"No such division was found for [abc]"):
        split(labels, groups, (0.3,))


def test_classes_in_too_few_groups_are_named():
    labels, groups = np.repeat([0, 1, 2], 40), np.repeat(range(12), 10)
    groups[labels == 1] %= 2
    groups[labels == 1] += 100
    message = r"3 groups or more, .* `patient` .*: b \(2\)\. Add groups"
    with pytest.raises(ValueError, match=message):
        split(labels, groups, (0.2, 0.2))
    check_parts(split(labels, groups, (0.2,)), groups, labels)


def test_without_shares_all_rows_are_for_training():
    labels, groups = patients(10, (1, 1, 1))
    (train,) = split(labels, groups, ())
    assert train.tolist() == list(range(len(labels)))
