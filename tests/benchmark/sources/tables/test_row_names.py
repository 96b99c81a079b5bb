"""Whole numbers that name rows are left out, and those that measure are not."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from keras_ccar.benchmark.own_data.checks.shared_examples import describe_shared
from keras_ccar.benchmark.own_data.data import OwnData
from keras_ccar.benchmark.sources.options import SourceOptions
from keras_ccar.benchmark.sources.read import read_data
from keras_ccar.benchmark.sources.tables.row_names import (
    find_row_names,
    has_name_of_id,
    has_name_of_owner,
)

ROWS = 400
RNG = np.random.default_rng(0)
NUMBERS = np.arange(ROWS) + 100_000
AMOUNTS = RNG.permutation(10_000_000)[:ROWS]
GIVEN_TWICE = np.where(NUMBERS % 100 == 0, 100_001, NUMBERS)


def measured(*more):
    """A table sorted by class, whose measurement says nothing."""
    kinds = np.repeat(["a", "b", "c"], [250, 100, 50])
    columns = {"x": RNG.normal(size=ROWS), **dict(more)}
    return pd.DataFrame({**columns, "kind": kinds})


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("row_id", NUMBERS),
        ("Unnamed: 0", np.arange(ROWS)),
        ("pos", RNG.permutation(NUMBERS)),  # shuffled, and no name of an id
        ("back", -3 * NUMBERS),  # with gaps
        ("copies", GIVEN_TWICE),
        ("lacking", np.where(NUMBERS % 7, NUMBERS, np.nan)),
        ("customerNr", AMOUNTS),  # far apart, but called as an id
    ],
)
def test_numbers_of_rows_are_left_out_and_listed(tmp_path, name, column, values):
    rows = measured((column, values))
    path = tmp_path / name
    rows.to_csv(path, index=False) if path.suffix == ".csv" else rows.to_parquet(path)
    options = {"label": ("kind",), "validation": 0.3, "test": 0.3}
    data = read_data(path, SourceOptions(**options))
    assert list(data.inputs) == ["x"]
    (note,) = [note for note in data.notes if note.startswith("Columns that are left")]
    assert f"{column} (a whole number that is another one in nearly every row" in note
    assert "`--keep " in note
    kept = read_data(path, SourceOptions(**options, keep=(column,)))
    assert sorted(kept.inputs) == sorted(["x", column])


def test_measurements_stay():
    rows = pd.DataFrame(
        {
            "fraction": NUMBERS + 0.5,
            "days": RNG.integers(0, 20_000, ROWS),  # repeats a little, as by chance
            "visits": RNG.integers(0, 9, ROWS),
            "patient_id": NUMBERS // 8,  # repeats: no name of a row
            "is_new": NUMBERS % 2 == 0,
        }
    )
    notes: list[str] = []
    assert find_row_names(rows, (), notes) == {}
    assert find_row_names(pd.DataFrame({"few": range(19)}), (), notes) == {}
    assert not any("fraction" in note or "visits" in note for note in notes)


def test_columns_of_other_types_are_no_whole_numbers(tmp_path):
    rows = measured(
        ("when", pd.date_range("2020", periods=ROWS)),
        ("took", pd.to_timedelta(NUMBERS, unit="s")),
        ("price", [Decimal(int(number)) for number in NUMBERS]),
        ("tags", [[number] for number in range(ROWS)]),
        ("code", [b"%d" % number for number in range(ROWS)]),
        ("number", NUMBERS.astype(str)),
        ("big", pd.array([None, *NUMBERS[1:]], "Int64") + 2**40),
    )
    rows.to_parquet(tmp_path / "t.parquet")
    data = read_data(tmp_path / "t.parquet", SourceOptions(label=("kind",)))
    assert list(data.inputs) == ["x"]
    notes = " ".join(data.notes)
    assert notes.count("is not read") == 4
    assert "read as measurements" not in notes
    for column in ("number", "big", "price"):
        assert f"{column} (a whole number that is another one" in notes
        kept = SourceOptions(label=("kind",), keep=(column,))
        assert sorted(read_data(tmp_path / "t.parquet", kept).inputs) == [column, "x"]


def test_doubtful_numbers_stay_and_are_said():
    rows = pd.DataFrame({"amount in cents": AMOUNTS, "inhabitants": np.sort(AMOUNTS)})
    notes: list[str] = []
    assert find_row_names(rows, (), notes) == {}
    assert "read as measurements: amount in cents, inhabitants." in notes[0]
    assert "`--drop 'amount in cents' inhabitants`" in notes[0]
    notes.clear()
    find_row_names(rows, ("inhabitants",), notes)
    assert "inhabitants" not in notes[0]


@pytest.mark.parametrize("range_", [ROWS, 10 * ROWS, 100 * ROWS, 10_000 * ROWS])
def test_drawn_numbers_are_never_left_out(range_):
    for seed in range(50):
        numbers = np.random.default_rng(seed).integers(0, range_, ROWS)
        assert find_row_names(pd.DataFrame({"size": numbers}), (), []) == {}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *[(name, True) for name in ("id", "ID", "patient_id", "userId", "Kunden-Nr.")],
        *[
            (name, True)
            for name in ("Unnamed: 0", "row", "index", "id2", "Order Number")
        ],
        *[(name, False) for name in ("acid", "number_of_inhabitants", "keys held", "")],
    ],
)
def test_names_of_ids(name, expected):
    assert has_name_of_id(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *[(name, True) for name in ("patient_id", "userId", "id", "Device 2", "user")],
        *[(name, False) for name in ("poverty_index", "user_age", "number", "acid")],
    ],
)
def test_names_of_what_rows_belong_to(name, expected):
    assert has_name_of_owner(name) == expected


def test_examples_in_two_parts_are_found_behind_other_numbers(tmp_path):
    rows = measured(("row_id", NUMBERS))
    copies = rows.iloc[::4].assign(row_id=NUMBERS[::4] + 50_000)
    rows.to_csv(tmp_path / "train.csv", index=False)
    copies.to_csv(tmp_path / "test.csv", index=False)
    options = SourceOptions(label=("kind",), test=tmp_path / "test.csv")
    data = read_data(tmp_path / "train.csv", options)
    parts = {
        name: OwnData(name, getattr(data, name), 32)
        for name in ("train", "validation", "test")
    }
    assert "100 of 100 test examples in train or validation" in describe_shared(parts)
