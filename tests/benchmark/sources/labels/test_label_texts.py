"""Which writings of labels and groups are the same, and which look alike."""

from decimal import Decimal

import numpy as np
import pytest

from keras_ccar.benchmark.sources.labels.label_texts import (
    as_number,
    find_look_alikes,
    label_text,
    plain_text,
    plain_texts,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        (1.0, "1"),
        (np.float32(2), "2"),
        (True, "true"),
        (np.False_, "false"),
        (b"cat ", "cat"),
        (" a b", "a b"),
        (0.5, "0.5"),
        ("01", "01"),
        ("1.0", "1.0"),
        (Decimal("1.0"), "1.0"),
    ],
)
def test_a_label_is_the_same_text_in_every_type(value, text):
    assert label_text(value) == text


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["1", "1.0", "-2.0", "+3", "0.00", "-0.0"], ["1", "1", "-2", "3", "0", "0"]),
        (["12345678901234567", "12345678901234568.0"], None),
        (["True", "FALSE", "true"], ["true", "false", "true"]),
        (["01", "1", "1.0"], ["01", "1", "1.0"]),
        (["1.0", "1.5"], ["1.0", "1.5"]),
        (["1.0", "XL"], ["1.0", "XL"]),
        (["1e2", "100"], ["1e2", "100"]),
        (["True", "maybe"], ["True", "maybe"]),
        (["True", "1"], ["True", "1"]),
        (["1,0", "2", "-3,00", "-0,0"], ["1", "2", "-3", "0"]),
        (["1,0", "1,5"], ["1,0", "1,5"]),
        (["1,000", "2"], ["1,000", "2"]),
        ([], []),
    ],
)
def test_whole_numbers_and_truths_alone_are_in_one_writing(given, expected):
    if expected is None:
        expected = [text.removesuffix(".0") for text in given]
    assert plain_texts(given) == expected


def test_whole_numbers_are_as_pandas_writes_them_beside_gaps():
    numbers = [0, 1, -7, 10**15, -(10**14) - 3]
    assert plain_texts([str(float(number)) for number in numbers[:3]]) == [
        "0",
        "1",
        "-7",
    ]
    assert plain_texts([f"{number}.0" for number in numbers]) == list(map(str, numbers))
    assert [plain_text(str(number)) for number in numbers] == list(map(str, numbers))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("007", 7),
        ("1.10", Decimal("1.1")),
        ("1E2", 100),
        ("12345678901234567", 12345678901234567),
        ("1e99999999999999999999", None),
        ("nan", None),
        ("1_0", None),
        ("1,5", Decimal("1.5")),
        ("-0,125e2", Decimal("-12.5")),
        (",5", Decimal("0.5")),
        ("1234,567", Decimal("1234.567")),
        ("1,234", None),
        ("12,345e1", None),
        ("1,234,567", None),
        ("1,2,3", None),
        ("1.234,5", None),
        ("", None),
    ],
)
def test_numbers_have_all_their_digits(text, number):
    assert as_number(text) == number


def test_look_alikes_stand_side_by_side():
    texts = ["b", "01", "A", "1e2", "1", "x", "a", "100", "1.10", "1.1", "1.2", "n o"]
    assert find_look_alikes([*texts, "NO", "x"]) == [
        *("01", "1"),
        *("1.1", "1.10"),
        *("100", "1e2"),
        *("A", "a"),
        *("NO", "n o"),
    ]
    assert find_look_alikes(["12345678901234567", "12345678901234568"]) == []
