import numpy as np
import pandas as pd
import pytest
from scipy import stats

from keras_ccar.benchmark.statistics.paired import (
    PairedDifference,
    corrected_p_values,
    mean_and_deviation,
    paired_difference,
    paired_ratio,
)


def test_interval_equals_that_of_a_paired_t_test():
    random = np.random.default_rng(0)
    ours, theirs = random.normal(2, 1, 7), random.normal(1, 1, 7)
    difference = paired_difference(dict(enumerate(ours)), dict(enumerate(theirs)))
    oracle = stats.ttest_rel(ours, theirs).confidence_interval(0.95)
    assert difference.mean == pytest.approx((ours - theirs).mean())
    assert (difference.low, difference.high) == pytest.approx((oracle.low, oracle.high))
    assert difference.p == pytest.approx(stats.ttest_rel(ours, theirs).pvalue)


def test_interval_by_hand():
    # Differences 1, 2, 3, 4, 5: mean 3, deviation sqrt(2.5), t(0.975, 4) = 2.7764.
    difference = paired_difference(
        dict(enumerate([11, 22, 33, 44, 55])), dict(enumerate([10, 20, 30, 40, 50]))
    )
    reach = 2.776445 * np.sqrt(2.5) / np.sqrt(5)
    assert difference.mean == 3
    assert difference.low == pytest.approx(3 - reach, abs=1e-5)
    assert difference.high == pytest.approx(3 + reach, abs=1e-5)
    assert not difference.includes_zero


def test_seeds_are_paired_by_number_and_others_left_out():
    difference = paired_difference(
        {3: 10.0, 1: 5.0, 9: 100.0}, {1: 4.0, 3: 8.0, 2: np.nan}
    )
    assert difference.seeds == 2
    assert difference.mean == pytest.approx(1.5)


def test_one_seed_has_no_interval_and_none_no_mean():
    one = paired_difference({0: 2.0}, {0: 1.0})
    assert (one.mean, one.seeds, one.has_interval) == (1.0, 1, False)
    none = paired_difference({0: 2.0}, {1: 1.0})
    assert none.seeds == 0
    assert np.isnan(none.mean)


def test_equal_differences_have_no_spread_to_make_an_interval_of():
    # Rounding makes of 1.1 - 1.0 and 2.1 - 2.0 two numbers.
    same = paired_difference({0: 1.1, 1: 2.1, 2: 3.1}, {0: 1.0, 1: 2.0, 2: 3.0})
    assert (same.mean, same.seeds) == (pytest.approx(0.1), 3)
    assert not same.has_interval
    none = paired_difference({0: 0.1 + 0.2, 1: 2.0}, {0: 0.3, 1: 2.0})
    assert (none.mean, none.seeds, none.has_interval) == (0, 2, False)
    assert none.is_nothing
    assert not same.is_nothing
    assert np.isnan([none.p, same.p]).all()
    # A mean of zero is not yet nothing.
    assert not paired_difference({0: 1.0, 1: 2.0}, {0: 2.0, 1: 1.0}).is_nothing


def test_the_ends_of_the_share_are_where_a_t_test_turns():
    random = np.random.default_rng(0)
    for _ in range(20):
        whole = pd.Series(random.normal(4, 1, 5))
        part = 0.4 * whole + random.normal(0, 0.5, 5)
        share = paired_ratio(part, whole)
        assert share.value == pytest.approx(part.mean() / whole.mean())
        assert share.low < share.value < share.high
        for end in (share.low, share.high):
            test = stats.ttest_1samp(part - end * whole, 0)
            assert test.pvalue == pytest.approx(0.05, abs=1e-6)


def test_a_share_of_what_may_be_nothing_has_no_interval():
    whole = pd.Series([1.0, -1.0, 0.5])
    assert not stats.ttest_1samp(whole, 0).confidence_interval().low > 0
    assert np.isnan(paired_ratio(whole / 2, whole).low)


def test_mean_and_deviation_leave_out_what_is_missing():
    assert mean_and_deviation([1.0, 3.0, np.nan]) == pytest.approx((2.0, np.sqrt(2)))
    assert np.isnan(mean_and_deviation([1.0])[1])
    assert np.isnan(mean_and_deviation([])[0])


def difference_with(p, mean=1.0):
    return PairedDifference(mean, 5, 0.0, 2.0, p)


def test_holm_by_hand():
    # Sorted 0.01, 0.02, 0.04, 0.3: times 4, 3, 2 and 1, each at least the one before.
    given = [difference_with(p) for p in (0.04, 0.01, 0.3, 0.02)]
    assert corrected_p_values(given) == pytest.approx([0.08, 0.04, 0.3, 0.06])
    given = [difference_with(p) for p in (0.9, 0.8)]
    assert corrected_p_values(given) == [1.0, 1.0]


def test_what_has_no_p_or_the_same_numbers_does_not_count_again():
    same = difference_with(0.02)
    given = [same, same, difference_with(np.nan), difference_with(0.03, mean=2.0)]
    corrected = corrected_p_values(given)
    assert corrected[0] == corrected[1] == pytest.approx(0.04)
    assert np.isnan(corrected[2])
    assert corrected[3] == pytest.approx(0.04)
    assert corrected_p_values([]) == []
