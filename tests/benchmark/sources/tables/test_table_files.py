"""What divides the columns of a CSV file, and decimal commas."""

import numpy as np
import pandas as pd
import pytest

from keras_ccar.benchmark.cli import main
from keras_ccar.benchmark.sources.csv_numbers.number_texts import to_numbers
from keras_ccar.benchmark.sources.options import SourceOptions
from keras_ccar.benchmark.sources.read import count_data, read_data
from keras_ccar.benchmark.sources.tables.table_files import (
    read_other_file,
    read_table_file,
)

WORDS = ["a;b", "c|d", "e\tf", 'say "no"', "g, h", "", "x", "1,5", "two\nlines"]


def table(seed=0, rows=40):
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "Transaction ID": np.arange(rows) + 1000,
            "Betrag (größer)": random.normal(0, 1000, rows).round(2),
            "Farbe": random.choice(["rot", "grün"], rows),
            "kind": ["yes", "no"] * (rows // 2),
        }
    )


@pytest.mark.parametrize("seed", range(30))
def test_what_is_written_with_commas_reads_as_before(tmp_path, seed):
    """Whatever else stands in its cells and in the names of its columns."""
    random = np.random.default_rng(seed)
    rows = table(seed)
    for name in random.choice(["t", "a;b", "c|d", "e,f", "g\th", "i j"], 3, False):
        rows[name] = random.choice(WORDS, len(rows))
    rows.to_csv(tmp_path / "t.csv", index=False)
    expected = pd.read_csv(tmp_path / "t.csv", skipinitialspace=True, na_values=["?"])
    notes = []
    pd.testing.assert_frame_equal(
        read_table_file(tmp_path / "t.csv", (), notes).rows, expected
    )
    assert notes == []


@pytest.mark.parametrize(
    ("divider", "word"),
    [(";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_other_dividers_and_decimal_commas(tmp_path, divider, word, encoding):
    path = tmp_path / "t.csv"
    rows = table()
    rows.to_csv(path, sep=divider, decimal=",", index=False, encoding=encoding)
    notes = []
    pd.testing.assert_frame_equal(read_table_file(path, ("kind",), notes).rows, rows)
    numbers = ", and the numbers of Betrag (größer) have decimal commas."
    assert notes == [f"{path} is divided by {word}{numbers}"]
    rows.to_csv(path, sep=divider, index=False)  # decimal points
    pd.testing.assert_frame_equal(read_table_file(path, ("kind",), notes).rows, rows)
    assert notes[1:] == [f"{path} is divided by {word}."]


def test_thousands_marks_and_labels(tmp_path):
    path = tmp_path / "t.csv"
    numbers = ["1.234,5", "-7", "0,25", "1,5E+03", "2.000.000", "3", "4", "5", "6", ""]
    lines = [f"{number};1,{i % 2};{i}.5" for i, number in enumerate(numbers)]
    path.write_text("\n".join(["n;tags;point", *lines]))
    rows = read_table_file(path, ("tags",), []).rows
    expected = [1234.5, -7, 0.25, 1500, 2e6, 3, 4, 5, 6, np.nan]
    np.testing.assert_array_equal(rows["n"], expected)
    np.testing.assert_array_equal(rows["point"], np.arange(10) + 0.5)
    assert rows["tags"].tolist() == ["1,0", "1,1"] * 5
    labelled, _ = count_data(path, SourceOptions(label=("tags",), separator=","))
    assert labelled.counts.tolist() == [5, 10]


def test_the_command_says_what_it_found(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table().to_csv("t.csv", sep=";", decimal=",", index=False)
    assert main(["count", "t.csv", "--label", "kind"]) == 0
    assert "t.csv is divided by semicolons, and the numb" in capsys.readouterr().out
    data = read_data(tmp_path / "t.csv", SourceOptions(label=("kind",)))
    kinds = "number: Betrag (größer); category: Farbe"
    assert kinds in " ".join(data.notes)


def read_columns(path, notes, **columns):
    names = list(columns)
    rows = zip(*columns.values(), strict=True)
    path.write_text("\n".join([";".join(names), *map(";".join, rows)]))
    return read_table_file(path, (), notes).rows


def test_points_between_thousands_of_whole_numbers(tmp_path):
    notes = []
    amounts, parts = ["1.234", "567", "12.000"], ["0,5", "1,5", "2,25"]
    rows = read_columns(tmp_path / "t.csv", notes, amount=amounts, part=parts)
    assert rows["amount"].tolist() == [1234, 567, 12000]
    assert rows["part"].tolist() == [0.5, 1.5, 2.25]
    assert notes[0].endswith(
        "the numbers of part have decimal commas, and those of amount have points "
        "between their thousands."
    )
    # Without decimal commas, points are decimal ones, unless a number has two.
    points = ["0.5", "1.5", "2.25"]
    rows = read_columns(tmp_path / "t.csv", notes, amount=amounts, part=points)
    assert rows["amount"].tolist() == [1.234, 567, 12]
    twice = ["1.234.567", "567", "12.000"]
    rows = read_columns(tmp_path / "t.csv", notes, amount=twice, part=points)
    assert rows["amount"].tolist() == [1234567, 567, 12000]
    # In a file of decimal commas, also where every number is a thousand or more.
    amounts = ["1.234", "5.670", "12.000"]
    rows = read_columns(tmp_path / "t.csv", notes, amount=amounts, part=parts)
    assert rows["amount"].tolist() == [1234, 5670, 12000]
    assert "those of amount have points between their thousands" in notes[-1]
    # A zero before them shows that they are decimals.
    amounts = ["1.234", "0.670", "12.000"]
    rows = read_columns(tmp_path / "t.csv", notes, amount=amounts, part=parts)
    assert rows["amount"].tolist() == [1.234, 0.67, 12]


def test_points_that_nothing_tells_of_are_warned_of(tmp_path):
    notes = []
    amounts, others = ["1.234", "567", "12.000"], ["1", "2", "3"]
    rows = read_columns(tmp_path / "t.csv", notes, amount=amounts, part=others)
    assert rows["amount"].tolist() == [1.234, 567, 12]
    assert notes[-1].startswith("Warning: the points in numbers of amount are read")
    # Other points tell, and so do numbers without them.
    for numbers, parts in (
        (amounts, ["0.5", "1", "2"]),
        (["1234", "567", "1"], others),
    ):
        read_columns(tmp_path / "t.csv", notes, amount=numbers, part=parts)
        assert notes[-1].endswith("is divided by semicolons.")


def test_decimals_of_three_digits_beside_a_zero(tmp_path):
    texts = ["27,662", "0", "12,500"]
    rows = read_columns(tmp_path / "t.csv", [], amount=texts, other=["1", "2", "3"])
    assert rows["amount"].tolist() == [27.662, 0, 12.5]


@pytest.mark.parametrize(
    "text",
    [
        "x,y,kind\n1,5,2,a\n2,5,3,b\n",  # decimal commas
        "x,kind\n1,a,b\n2,b,c\n",
    ],
)
def test_more_values_than_names(tmp_path, text):
    """Pandas would take the first ones for the names of the rows."""
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ValueError, match="as many values in a row as it has names"):
        read_table_file(tmp_path / "t.csv", ("kind",), [])


def test_a_divider_at_the_end_of_rows(tmp_path):
    (tmp_path / "t.csv").write_text("x,kind\n1,a,\n2,b,\n")
    rows = read_table_file(tmp_path / "t.csv", ("kind",), []).rows
    assert rows.to_dict("list") == {"x": [1, 2], "kind": ["a", "b"]}


def test_an_empty_line_of_one_column_is_missing(tmp_path):
    (tmp_path / "t.csv").write_text("x\n1\n\n2\n")
    rows = read_table_file(tmp_path / "t.csv", (), []).rows
    np.testing.assert_array_equal(rows["x"], [1, np.nan, 2])


def test_the_named_index_of_parquet_is_a_column(tmp_path):
    rows = table().set_index("Transaction ID")
    rows.to_parquet(tmp_path / "t.parquet")
    found = read_table_file(tmp_path / "t.parquet", (), []).rows
    pd.testing.assert_frame_equal(found, table())


def test_commas_between_thousands_where_semicolons_divide(tmp_path):
    texts = ["1,234", "567", "12,000"]
    rows = read_columns(tmp_path / "t.csv", [], amount=texts, other=["1", "2", "3"])
    assert to_numbers(rows["amount"]).tolist() == [1234, 567, 12000]


def test_what_is_no_number_stays_to_be_said(tmp_path):
    texts = ["1,5"] * 18 + ["1.234,50 EUR", "n/a"]
    rows = read_columns(tmp_path / "t.csv", [], amount=texts, other=["1"] * 20)
    assert rows["amount"].tolist()[-3:-1] == ["1.5", "1.234,50 EUR"]


@pytest.mark.parametrize("divider", [";", "\t", "|"])
@pytest.mark.parametrize("ends", ["as the names", "short", "divided", "both"])
def test_rows_of_other_lengths_than_the_names(tmp_path, divider, ends):
    """The names say what divides them, also where rows have decimal commas."""
    lines = ["x;y;z", "1,5;2;a", "2,25;3;b", "4;5;c"]
    if ends in ("divided", "both"):
        lines[1:] = [f"{line};" for line in lines[1:]]
    if ends in ("short", "both"):
        lines.append("6,5;7")
    path, notes = tmp_path / "t.csv", []
    path.write_text("\n".join(lines).replace(";", divider))
    rows = read_table_file(path, (), notes).rows
    assert rows.columns.tolist() == ["x", "y", "z"]
    assert rows["x"].tolist() == [1.5, 2.25, 4, 6.5][: len(rows)]
    assert rows["z"].fillna("").tolist() == ["a", "b", "c", ""][: len(rows)]
    assert notes[-1].endswith("and the numbers of x have decimal commas.")
    assert ("fewer values" in notes[0]) == (ends in ("short", "both"))


def test_more_values_than_names_where_semicolons_divide(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x;y\n1;2;3\n4;5\n")
    with pytest.raises(ValueError, match=r"columns, 2\. .* Values with semicol"):
        read_table_file(path, (), [])


@pytest.mark.parametrize("divider", [";", ",", "\t", "|", ":"])
@pytest.mark.parametrize("start", ["sep={}\n", "\ufeffSEP={}\r\n", '"sep={}"\n'])
def test_a_first_line_that_says_what_divides(tmp_path, divider, start):
    path = tmp_path / "t.csv"
    text = start.format(divider) + table().to_csv(sep=divider, index=False)
    path.write_text(text, "utf-8", newline="")
    pd.testing.assert_frame_equal(read_table_file(path, (), []).rows, table())
    pd.testing.assert_frame_equal(read_other_file(path, []).cells, table().astype(str))


@pytest.mark.parametrize("divider", [",", ";", "\t"])
@pytest.mark.parametrize("name", ["", "  ", '""'])
def test_labels_and_groups_without_a_name_are_read_as_they_are_written(
    tmp_path, divider, name
):
    """Pandas would make numbers of them, and 1 of 01."""
    path = tmp_path / "t.csv"
    lines = [f"{i}{divider}0{i % 2 + 1}{divider}{i}" for i in range(8)]
    lines += [f"{i}{divider}{i % 2 + 1}{divider}{i}" for i in range(8)]
    path.write_text("\n".join([f"x{divider}{name}{divider}z", *lines]))
    labelled, _ = count_data(path, SourceOptions(label=("Unnamed: 1",)))
    assert labelled.coding.class_names == ("01", "1", "02", "2")
    assert labelled.counts.tolist() == [4] * 4
    rows = read_table_file(path, ("Unnamed: 1",), []).rows
    assert rows["Unnamed: 1"].unique().tolist() == ["01", "02", "1", "2"]
    assert rows["z"].tolist() == [*range(8), *range(8)]


def with_labels(path, labels, divider=";"):
    lines = [f"{i % 7}{divider}{label}" for i, label in enumerate(labels)]
    path.write_text("\n".join([f"x{divider}kind", *lines]))
    return path


@pytest.mark.parametrize("divider", [",", ";", "\t", "|"])
def test_numbers_with_decimal_commas_are_no_classes(tmp_path, divider):
    quote = '"' if divider == "," else ""
    labels = [f"{quote}{i % 5},{i % 9}{quote}" for i in range(90)]
    path = with_labels(tmp_path / "t.csv", labels, divider)
    message = r"must hold classes\. .*'0,1'.*commas divide several.*`--separator ,`"
    for read in (read_data, count_data):
        with pytest.raises(ValueError, match=message):
            read(path, SourceOptions(label=("kind",)))
    # What the message advises.
    labelled, _ = count_data(path, SourceOptions(label=("kind",), separator=","))
    assert labelled.coding.class_names == tuple("012345678")


@pytest.mark.parametrize("part", ["validation", "test"])
def test_whole_numbers_with_decimal_commas_are_the_same_classes(tmp_path, part):
    path = with_labels(tmp_path / "t.csv", ["1,0", "2,0", "3"] * 20)
    other = with_labels(tmp_path / "other.csv", ["1", "2.0", "3,00"] * 9)
    data = read_data(path, SourceOptions(label=("kind",), **{part: other}))
    assert data.class_names == ("1", "2", "3")
    assert getattr(data, part)[1].tolist() == [0, 1, 2] * 9
