"""Numbers in texts: marks between thousands, decimals, and answers as numbers."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from keras_ccar.benchmark.sources.csv_numbers.number_texts import (
    find_mark,
    like_answers,
    to_numbers,
)


@pytest.mark.parametrize("mark", [",", "'", "’", " ", "\xa0", "\u202f"])
@pytest.mark.parametrize("dtype", ["object", "string", "category"])
def test_marks_between_thousands(mark, dtype):
    numbers = [1234.5, 999, -12345678, 0.5, np.nan]
    texts = [f"{number:,}".replace(",", mark) for number in numbers[:4]]
    series = pd.Series([*texts, None], dtype=dtype)
    assert find_mark(series) == mark
    np.testing.assert_array_equal(to_numbers(series), numbers)


@pytest.mark.parametrize(
    "texts",
    [
        ["0,125", "1,250"],  # decimals
        ["1,25", "1,250"],
        ["1,234", "1234"],  # not all of them have marks
        ["1,234", "12,34,567"],
        ["1.234,50", "12,5"],
        ["1,2345", "1,234"],
        [",", "-"],
        ["a,b", "5"],
    ],
)
def test_marks_that_may_mean_something_else(texts):
    series = pd.Series(texts)
    assert find_mark(series) is None
    assert to_numbers(series)[series.str.contains(",")].isna().all()


def test_numbers_of_other_types():
    values = [Decimal("1.50"), True, "7 ", "inf", "12 EUR", None, "1e3", [1]]
    expected = [1.5, 1, 7, np.nan, np.nan, np.nan, 1000, np.nan]
    np.testing.assert_array_equal(to_numbers(pd.Series(values)), expected)


@pytest.mark.parametrize("given", [("no", "yes"), ("False", "True"), ("0", "1"), "NY"])
def test_answers_in_the_writing_of_training(given):
    order = [1, 0, 0, 1]
    answers = pd.Series([given[i] for i in order] + [None], dtype=object)
    for trained in ([False, True, True], [0, 1, 0], [0.0, 1.0, np.nan]):
        read = to_numbers(like_answers(answers, pd.Series(trained), True))
        np.testing.assert_array_equal(read, [*order, np.nan])
    trained = pd.Series(["No", "Yes", "No", None, "NO"])
    read = like_answers(answers, trained, False)
    assert read.tolist() == [["No", "Yes"][i] for i in order] + [None]


def test_other_columns_stay_as_they_are():
    answers = pd.Series(["no", "yes"])
    for trained in (["red", "blue"], [0, 1, 2], ["yes", "yes"]):
        assert like_answers(answers, pd.Series(trained), False) is answers
    for given in (["maybe", "yes"], [[1], [0]], [0, 1, 2]):
        series = pd.Series(given)
        assert like_answers(series, pd.Series(["no", "yes"]), False) is series
