"""Intervals of shares against scipy, and against the definition."""

import numpy as np
import pytest
from scipy import stats

from keras_ccar.posthoc.by_class.shares import effective_size, share_bounds


@pytest.mark.parametrize(("hits", "size"), [(0, 3), (3, 3), (1, 40), (39, 40)])
def test_bounds_of_independent_examples_are_exact(hits, size):
    expected = stats.binomtest(hits, size).proportion_ci(0.95, method="exact")
    low, high = share_bounds(np.array([hits / size]), np.array([size]))
    np.testing.assert_allclose([low[0], high[0]], [expected.low, expected.high])


def test_nothing_is_known_without_examples():
    low, high = share_bounds(np.array([np.nan, 0.5]), np.array([0, 2]))
    assert np.isnan(low).tolist() == np.isnan(high).tolist() == [True, False]


def test_examples_of_their_own_are_independent():
    assert effective_size(np.array([True, False, True]), np.array([7, 3, 5])) == 3
    assert effective_size(np.array([], bool), np.array([], int)) == 0


def test_examples_that_belong_together_tell_less():
    rng = np.random.default_rng(0)
    units = rng.integers(0, 12, 80)
    is_hit = rng.uniform(size=80) < 0.2 + 0.6 * (units % 2)
    share, residuals = is_hit.mean(), []
    names = sorted(set(units.tolist()))
    for unit in names:
        inside = is_hit[units == unit]
        residuals.append(inside.sum() - share * len(inside))
    variance = len(names) / (len(names) - 1) * np.sum(np.square(residuals)) / 80**2
    wider = stats.t.ppf(0.975, len(names) - 1) / stats.t.ppf(0.975, 79)
    expected = share * (1 - share) / variance / wider**2
    assert expected < 40
    assert effective_size(is_hit, units) == pytest.approx(expected)


@pytest.mark.parametrize("value", [False, True])
def test_a_share_of_0_or_1_is_that_of_the_units(value):
    assert effective_size(np.full(10, value), np.repeat([0, 1], 5)) == 2


def test_one_unit_is_one_example():
    assert effective_size(np.array([True, False, True]), np.zeros(3, int)) == 1


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(0)
    held = []
    for _ in range(400):
        of_unit = rng.beta(2, 2, 30)
        units = np.repeat(np.arange(30), 5)
        is_hit = rng.uniform(size=150) < of_unit[units]
        size = np.array([effective_size(is_hit, units)])
        low, high = share_bounds(np.array([is_hit.mean()]), size)
        held.append(low[0] <= 0.5 <= high[0])
    assert np.mean(held) > 0.93
