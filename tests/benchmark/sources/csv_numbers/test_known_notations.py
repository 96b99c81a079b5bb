"""Another file's numbers mean what the training file's notation says, or an error."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_ccar.benchmark.sources.csv_numbers.known_notations import read_in_notations
from keras_ccar.benchmark.sources.csv_numbers.notations import Notation
from keras_ccar.benchmark.sources.tables.table_files import read_table_file

GERMAN, ENGLISH = Notation(",", "."), Notation(".", ",")


def write(number, notation, has_marks=True):
    """A number as people of a part of the world write it."""
    text = f"{number:,}" if has_marks else str(number)
    return text.translate(str.maketrans({".": notation.point, ",": notation.mark}))


def read(known, notes=None, usual=None, **columns):
    texts, notes = pd.DataFrame(columns), [] if notes is None else notes
    return read_in_notations(texts, known, "new.csv", notes, usual)


# Thousands of any size, and decimals of up to three digits.
WHOLE = st.lists(st.integers(0, 10**7), min_size=1, max_size=4)
THOUSANDTHS = st.integers(1, 10**7).map(lambda number: number / 1000)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 10**7), THOUSANDTHS), min_size=1, max_size=4),
    st.sampled_from([GERMAN, ENGLISH]),
    st.booleans(),
)
def test_a_few_rows_are_read_as_the_training_file(rows, notation, has_marks):
    wholes, fractions = ([row[place] for row in rows] for place in (0, 1))
    found = read(
        {"n": notation, "x": notation},
        n=[write(number, notation, has_marks) for number in wholes],
        x=[write(number, notation, has_marks) for number in fractions],
    )
    np.testing.assert_array_equal(found["n"], wholes)
    np.testing.assert_allclose(found["x"], fractions, rtol=1e-12)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(WHOLE, st.sampled_from([GERMAN, ENGLISH]), st.sampled_from(["shown", "whole"]))
def test_a_file_of_the_other_notation_is_read_as_a_whole(wholes, notation, name):
    """If some number shows that it is: whole numbers follow it."""
    known = {"x": notation, "shown": notation}
    texts = [write(number, notation.other) for number in wholes]
    sure = [write(0.25, notation.other)] * len(texts)
    found = read(known, **{name: texts, "x": sure})
    np.testing.assert_array_equal(found[name], wholes)
    np.testing.assert_array_equal(found["x"], [0.25] * len(texts))


def test_what_may_mean_two_things_is_refused():
    known = {"n": Notation("."), "x": GERMAN, "y": GERMAN}
    for columns in (
        # x is as it was, y is not: what of n?
        {"n": ["4.260"], "x": ["0,5"], "y": ["0.5"]},
        {"n": ["4.260", "1.000"], "x": ["0,5", "1"], "y": ["0.5", "1"]},
        # The training file has no marks, and a comma may be a point.
        {"n": ["4,260"], "x": ["0,5"], "y": ["1,5"]},
    ):
        with pytest.raises(ValueError, match=r"n of new.csv must show.*'4.260', which"):
            read(known, **columns)
    # Which part of the world no number says.
    with pytest.raises(ValueError, match=r"or 4260 if it.*, or 4,2600 if these are"):
        read({}, n=["4,260", "950"])
    with pytest.raises(ValueError, match=r"w of new.csv must show"):
        read({"w": Notation(".")}, w=["1,250", "2"])
    with pytest.raises(ValueError, match=r"w of new.csv must show"):
        read({"w": Notation(".")}, w=["1,250E+01"])
    # What the message says: written as the training table, or without marks.
    assert read({}, n=["4,2600"])["n"].tolist() == [4.26]
    assert read({"w": Notation(".")}, w=["1,2500", "2"])["w"].tolist() == [1.25, 2]
    assert read(known, n=["4.260"], x=["0,5"], y=["0,5"])["n"].tolist() == [4.26]
    assert read(known, n=["4260"], x=["0,5"], y=["0.5"])["n"].tolist() == [4260]
    # Nothing is known, but other columns have decimal commas.
    with pytest.raises(ValueError, match=r"n of new.csv must show"):
        read({}, n=["4.260"], x=["0,5"])


def test_a_file_that_commas_divide_is_english():
    """If the training table does not tell otherwise."""
    for known in ({}, {"n": Notation(".")}):
        found = read(known, usual=ENGLISH, n=["4,260"])
        assert found["n"].tolist() == [4260]
        assert read(known, usual=ENGLISH, n=["4.260"])["n"].tolist() == [4.26]
    found = read({"n": GERMAN}, usual=ENGLISH, n=["4.260"])
    assert found["n"].tolist() == [4260]


@pytest.mark.parametrize("notation", [GERMAN, ENGLISH])
def test_no_thousands_begin_with_a_zero(notation):
    for writing in (notation, notation.other):
        texts = [write(number, writing) for number in (0.763, 0.101)]
        read_numbers = read({"n": notation}, n=texts)["n"]
        np.testing.assert_array_equal(read_numbers, [0.763, 0.101])


def test_what_is_no_number_stays():
    found = read({"x": GERMAN}, x=["1.234,5", "n/a", None, " 7 "])
    assert found["x"].tolist()[:2] == ["1234.5", "n/a"]
    assert pd.isna(found["x"][2])
    found = read({"x": Notation(".", "'")}, x=["1'234.5", "12'000"])
    assert found["x"].tolist() == [1234.5, 12000]
    # A mark that the training file lacks is found as in a file by itself.
    assert read({"x": Notation(".")}, x=["1 234.5"])["x"].tolist() == ["1 234.5"]


def test_what_stands_in_the_numbers_is_said():
    notes = []
    read({"x": GERMAN, "n": GERMAN}, notes, x=["1.234,5"], n=["7"])
    assert notes == [
        "The numbers of x in new.csv have decimal commas.",
        "The numbers of x in new.csv have points between their thousands.",
    ]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["0,5", "1,5"], Notation(",", ".")),
        (["1 234,5", "0,5"], Notation(",", " ")),
        (["1.234", "567"], Notation(",", ".")),  # beside decimal commas
        (["0.5", "1.5"], Notation(".")),
        (["0.5", "n/a"], Notation(".")),
        (["1'234", "12'000.5"], Notation(".", "'")),
        (["1", "2"], None),
    ],
)
def test_the_notation_that_a_file_shows(tmp_path, texts, expected):
    lines = [f"{text};0,{i}5;a" for i, text in enumerate(texts * 10)]
    (tmp_path / "t.csv").write_text("\n".join(["x;y;kind", *lines]))
    table = read_table_file(tmp_path / "t.csv", ("kind",), [])
    assert table.shown_notations(["x"]).get("x") == expected
    table.rows.to_parquet(tmp_path / "t.parquet")
    table = read_table_file(tmp_path / "t.parquet", ("kind",), [])
    assert table.shown_notations(["x"]) == {}
