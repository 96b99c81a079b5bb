import itertools

import numpy as np
import pytest

from keras_ccar.posthoc.by_class.groups import read_groups


def names_of(groups, counts):
    """The name of the group of each class, which must be in one group only."""
    found = read_groups(groups, counts)
    assert (sum(members.astype(int) for members in found.values()) == 1).all()
    assert list(found) == [name for name in ("many", "medium", "few") if name in found]
    return [next(name for name in found if found[name][k]) for k in range(len(counts))]


def test_thresholds():
    assert names_of((100, 20), [500, 100, 20, 5]) == ["many", "medium", "medium", "few"]
    assert names_of([100, 20], [500, 400]) == ["many", "many"]  # others are dropped
    assert names_of(np.array([50, 50]), {0: 60, 1: 50, 2: 40}) == [
        "many",
        "medium",
        "few",
    ]


def test_one_label():
    assert read_groups((100, 20), [5], 1)["few"].tolist() == [True]
    assert read_groups("terciles", [5], 1)["medium"].tolist() == [True]


@pytest.mark.parametrize(
    ("counts", "sizes"),
    [
        (range(1, 10), (3, 3, 3)),
        (range(1, 4), (1, 1, 1)),
        (range(1, 11), (3, 4, 3)),
        ([0.5, 0.3, 0.2], (1, 1, 1)),
        ([9, 9, 9, 9, 2, 1], (4, 1, 1)),
        ([9, 2, 2, 2, 2, 1], (1, 4, 1)),
        ([9, 8, 1, 1, 1, 1], (1, 1, 4)),
        ([9, 1, 1, 1], (1, 0, 3)),
        ([7, 7, 7], (0, 3, 0)),
    ],
)
def test_terciles(counts, sizes):
    counts = np.random.default_rng(0).permutation(np.array(counts))
    names = names_of("terciles", counts)
    assert tuple(names.count(name) for name in ("many", "medium", "few")) == sizes
    for name, rarer in itertools.combinations(("many", "medium", "few"), 2):
        pairs = itertools.product(
            counts[np.array(names) == name], counts[np.array(names) == rarer]
        )
        assert all(count > other for count, other in pairs)


@pytest.mark.parametrize("seed", range(20))
def test_terciles_are_the_nearest_to_thirds(seed):
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 8, size=rng.integers(4, 15))
    order = np.sort(counts)[::-1]
    cuts = [k for k in range(1, len(order)) if order[k] != order[k - 1]]
    if len(cuts) < 2:
        return
    third = len(order) / 3

    def distance(first, last):
        return abs(first - third) + abs(last - 2 * third)

    best = min(distance(*pair) for pair in itertools.combinations(cuts, 2))
    names = names_of("terciles", counts)
    many, few = names.count("many"), names.count("few")
    assert distance(many, len(order) - few) == pytest.approx(best)


@pytest.mark.parametrize(
    "groups",
    ["quartiles", (20, 100), (100,), (100, -1), (100, np.nan), None, 5, ("a", "b")],
)
def test_bad_groups(groups):
    with pytest.raises(ValueError, match='`groups` must be "terciles", or the thresh'):
        read_groups(groups, [500, 100, 20])


def test_bad_counts():
    with pytest.raises(ValueError, match="`class_counts` must be numbers of examples"):
        read_groups((100, 20), [0.5, 0.3, 0.2])
    with pytest.raises(ValueError, match="`class_counts` must hold finite counts"):
        read_groups("terciles", [5, -1])
