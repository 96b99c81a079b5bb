"""Rows with fewer values than there are names of columns are said."""

import pandas as pd
import pytest

from keras_ccar.benchmark.sources.options import SourceOptions
from keras_ccar.benchmark.sources.read import count_data, read_data
from keras_ccar.benchmark.sources.saved_readings import load_reading
from keras_ccar.benchmark.sources.tables.table_files import (
    read_other_file,
    read_table_file,
)

NAMES = "x,text,kind,y"


def lines(cut=(), rows=60):
    """Line 4 begins a row that ends in line 5; `cut` are the rows without their end."""
    found = [f"{i % 7}.5,word{i % 3},{'ab'[i % 2]},{i % 5}" for i in range(rows)]
    found[2] = '2.5,"two\nlines",a,2'
    for row in cut:
        found[row] = found[row].rsplit(",", 1)[0]
    return [NAMES, *found]


def write(path, rows, divider=",", first=""):
    path.write_text(first + "\n".join(rows).replace(",", divider) + "\n")
    return path


@pytest.mark.parametrize("divider", [",", ";", "\t", "|"])
@pytest.mark.parametrize("read", [lambda *a: read_table_file(a[0], (), a[1]), None])
def test_how_many_rows_and_which_is_the_first(tmp_path, divider, read):
    read = read or read_other_file
    notes = []
    read(write(tmp_path / "t.csv", lines(), divider), notes)
    assert not [note for note in notes if "fewer" in note]
    path = write(tmp_path / "t.csv", lines([5, 9, 40]), divider)
    read(path, notes)
    (note,) = [note for note in notes if "fewer" in note]
    assert note == (
        f"Warning: 3 of 60 rows have fewer values than {path} has names of columns, 4, "
        "and the last columns are read as missing there. The first is line 8, with 3. "
        "If a value or a divider is lost, mend these rows; if not, write the empty "
        "cells too."
    )
    assert path.read_text().split("\n")[8 - 1].count(divider) == 2
    path = write(tmp_path / "t.csv", lines([5]), divider, f"sep={divider}\n")
    read(path, notes)
    assert notes[-1 if "fewer" in notes[-1] else -2].startswith(
        "Warning: 1 of 60 rows has "
    )
    assert "The first is line 9, with 3." in " ".join(notes)


def test_empty_cells_and_empty_lines_are_not_short(tmp_path):
    rows = lines()
    rows[7] = "1.5,,,"
    rows[9:9] = ["", ""]
    for names in (NAMES, f"{NAMES},", f"{NAMES},, "):
        rows[0] = names
        notes = []
        read_table_file(write(tmp_path / "t.csv", rows), (), notes)
        assert notes == []


def test_every_file_of_a_comparison_is_looked_at(tmp_path):
    whole, short = (
        write(tmp_path / f"{name}.csv", lines(cut))
        for name, cut in (("whole", ()), ("short", [5, 9]))
    )
    said = f"Warning: 2 of 60 rows have fewer values than {short} has names"
    options = SourceOptions(label=("kind",))
    for notes in (read_data(short, options).notes, count_data(short, options)[1]):
        assert len([note for note in notes if note.startswith(said)]) == 1
    for part in ("validation", "test"):
        options = SourceOptions(label=("kind",), **{part: short})
        data = read_data(whole, options)
        assert len([note for note in data.notes if note.startswith(said)]) == 1
    data.reading.save(tmp_path)
    notes = []
    names = load_reading(tmp_path).read(short, notes).names
    assert len([note for note in notes if note.startswith(said)]) == 1
    assert names.shape == (60, 4)
    pd.read_csv(whole).to_parquet(tmp_path / "t.parquet")
    assert "fewer values" not in " ".join(
        count_data(tmp_path / "t.parquet", options)[1]
    )
