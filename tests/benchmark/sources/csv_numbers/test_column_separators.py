"""What divides the columns of a CSV file."""

import pytest

from keras_ccar.benchmark.sources.csv_numbers.column_separators import (
    declared_divider,
    find_divider,
)


@pytest.mark.parametrize(
    "text",
    [
        "a\n1\n2\n",  # one column
        "a;b,c\n1;2,3\n1,3\n",  # semicolons within names and values
        "a,b\n1\n2,3\n",  # a short row, which pandas fills
        "a,b\n\n1,2\n",
        "a|b\n1\n",
        f"a,b\n{'x' * 200_000},1\n",
    ],
)
def test_commas_are_taken_where_they_may_divide(tmp_path, text):
    (tmp_path / "t.csv").write_text(text)
    assert find_divider(tmp_path / "t.csv") == ","


@pytest.mark.parametrize(
    ("text", "divider"),
    [
        ("a;b\n1;2\n3\n", ";"),
        ("a;b\n1;2;\n", ";"),
        ("a|b;c\n1;2\n3\n", ";"),  # only semicolons divide rows
        ("a|b;c\n1;2\n3|4\n5\n", ","),  # either may
        ("a,b;c\n1;2\n3\n", ","),  # the comma divides the names
        ("a;b\n1,5\n2\n", ","),
    ],
)
def test_names_decide_where_rows_have_other_lengths(tmp_path, text, divider):
    (tmp_path / "t.csv").write_text(text)
    assert find_divider(tmp_path / "t.csv") == divider


@pytest.mark.parametrize(
    "line", ["sep=", "sep=;;", "sep=a", "sep;", "sep=;,b", "x", "", "sep= "]
)
def test_names_that_are_no_divider(tmp_path, line):
    (tmp_path / "t.csv").write_text(f"{line}\n1\n")
    assert declared_divider(tmp_path / "t.csv") is None
