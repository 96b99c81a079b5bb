import io

import pandas as pd
import pytest

from keras_ccar.benchmark.runner.spreadsheet import to_csv


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_text_that_looks_like_a_formula_is_quoted(first):
    text = f"{first}cmd|' /C calc'!A0"
    table = to_csv(pd.DataFrame({"method": ["ce", text]}))
    read = pd.read_csv(io.StringIO(table, newline=""), lineterminator="\n")
    assert read["method"][0] == "ce"
    assert f"'{text}" in table


def test_numbers_and_other_text_stay_as_they_are():
    frame = pd.DataFrame(
        {"method": ["a=b", "ccar[strength=3]"], "x": [-1.5, 2.0], "n": [-1, None]}
    )
    assert to_csv(frame) == frame.to_csv(index=False)
