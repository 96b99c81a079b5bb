"""Tables: what columns hold, what is missing, and what the training rows alone say."""

import re

import numpy as np
import pandas as pd
import pytest

from keras_ccar.benchmark.sources.options import SourceOptions
from keras_ccar.benchmark.sources.read import count_data, read_data

ROWS = 200
RNG = np.random.default_rng(0)
WORDS = ["good", "bad", "red", "blue", "fast", "slow"]


def table():
    rows = pd.DataFrame(
        {
            "age": RNG.normal(40, 10, ROWS),
            "Job title!": RNG.choice(["nurse", "cook", "pilot"], ROWS),
            "comment": [" ".join(RNG.choice(WORDS, 5)) for _ in range(ROWS)],
            "member": RNG.random(ROWS) < 0.5,
            "name": [f"person{i}" for i in range(ROWS)],
            "planet": "earth",
            "kind": RNG.choice(["a", "b", "c"], ROWS, p=[0.7, 0.2, 0.1]),
        }
    )
    rows.loc[:9, "age"] = np.nan
    rows.loc[10:14, "Job title!"] = None
    return rows


def write(path, rows):
    if path.suffix == ".csv":
        rows.to_csv(path, index=False)
    else:
        rows.to_parquet(path)
    return path


def read(path, rows, *label, **options):
    return read_data(write(path, rows), SourceOptions(label=label, **options))


@pytest.mark.parametrize("name", ["people.csv", "people.parquet"])
def test_columns_are_encoded_as_the_training_rows_have_them(tmp_path, name):
    rows = table()
    data = read(tmp_path / name, rows, "kind", validation=0.25)
    assert (data.name, data.kind, data.class_names) == (
        "people",
        "softmax",
        ("a", "b", "c"),
    )
    (x, y), (validation, _) = data.train, data.validation
    counts = rows["kind"].value_counts().sort_index()
    assert (np.bincount(y) + np.bincount(data.validation[1])).tolist() == [*counts]
    # Two numbers; three jobs, no job and another one; six words and others.
    assert x.shape[1] == validation.shape[1] == 2 + 5 + 7
    assert x.dtype == "float32"
    assert np.isfinite(x).all()
    is_number = [i for i in range(x.shape[1]) if len(np.unique(x[:, i])) > 100]
    (age,) = is_number
    # The mean and the deviation of the training rows alone, not of all rows.
    assert x[:, age].mean() == pytest.approx(0, abs=1e-5)
    assert x[:, age].std() == pytest.approx(1, abs=1e-4)
    assert abs(validation[:, age].mean()) > 1e-3
    notes = " ".join(data.notes)
    assert "left out: name (" in notes
    assert "planet (one value)" in notes
    assert "category: Job title!; number: age, member" not in notes
    assert "number: age, member; category: Job title!; text: comment" in notes
    assert "lack values in" in notes


@pytest.mark.parametrize(
    ("values", "names", "yes"),
    [
        (["no", "yes"], ("no", "yes"), 1),
        ([0, 1], ("0", "1"), 1),
        ([True, False], ("false", "true"), 0),
        (["sick", "well"], ("sick", "well"), 1),
    ],
)
def test_two_classes_are_one_yes_or_no_label(tmp_path, values, names, yes):
    rows = table()
    answers = np.array([0] * (ROWS - 20) + [1] * 20)
    rows["answer"] = np.array(values, object)[answers]
    data = read(tmp_path / "t.csv", rows, "answer")
    assert (data.kind, data.class_names, data.num_outputs) == ("binary", names, 1)
    expected = 16 if yes else 144
    assert data.train[1].sum() == expected
    counted, _ = count_data(tmp_path / "t.csv", SourceOptions(label=("answer",)))
    assert sorted(counted.counts.tolist()) == [20, 180]


def test_several_label_columns_and_a_column_of_tags(tmp_path):
    rows = table()
    rows["wet"], rows["hot"] = RNG.random((2, ROWS)) < 0.3
    data = read(tmp_path / "t.csv", rows, "wet", "hot")
    assert (data.kind, data.class_names) == ("labels", ("wet", "hot"))
    total = data.train[1].sum(axis=0) + data.validation[1].sum(axis=0)
    assert total.tolist() == [rows["wet"].sum(), rows["hot"].sum()]

    tags = [["x", "y"] if i % 3 else [] for i in range(ROWS)]
    tags[0] = ["z"]
    rows = table().assign(tags=tags)
    data = read(tmp_path / "t.parquet", rows, "tags")
    assert data.class_names == ("x", "y")
    assert "Labels with one example" in " ".join(data.notes)
    assert "'z'" in " ".join(data.notes)
    rows["tags"] = [";".join(each) for each in tags]
    same = read(tmp_path / "tags.csv", rows, "tags", separator=";")
    assert same.train[1].sum(axis=0).tolist() == data.train[1].sum(axis=0).tolist()


def read_with_test(path, rows, others, *label, **options):
    """Data of which the test part is a table of its own, in the order of its rows."""
    test = write(path.with_name(f"test{path.suffix}"), others)
    return read(path, rows, *label, test=test, **options)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize(
    ("no", "yes", "other_no", "other_yes"),
    [
        ("dry", "wet", "dry", "wet"),
        (1, 2, 1, 2),
        (2, 1, 2.0, 1.0),
        ("no", "yes", "0", "1"),
        (0, 1, "False", "TRUE"),
        (-1, 1, -1, 1),
    ],
)
@pytest.mark.parametrize("share", [0.26, 0.74])
def test_several_label_columns_of_a_test_table(
    tmp_path, suffix, no, yes, other_no, other_yes, share
):
    """What says yes in the training table does so however often others have it."""
    rows, is_wet = table(), RNG.random(ROWS) < share
    rows["wet"] = pd.Series([no, yes]).iloc[np.arange(ROWS) % 5 // 4].to_numpy()
    rows["hot"] = np.arange(ROWS) % 2
    others = rows.copy()
    others["wet"] = pd.Series([other_no, other_yes]).iloc[is_wet * 1].to_numpy()
    path = tmp_path / f"t.{suffix}"
    data = read_with_test(path, rows, others, "wet", "hot")
    np.testing.assert_array_equal(data.test[1][:, 0], is_wet)
    np.testing.assert_array_equal(data.test[1][:, 1], rows["hot"])


@pytest.mark.parametrize(
    ("no", "yes"), [("P", "Q"), (0, 1), ("Dry", "Wet"), ("dry", "rain")]
)
def test_other_answers_in_a_test_table(tmp_path, no, yes):
    rows = table().assign(wet=["dry", "wet"] * 100, hot=[0, 0, 1, 1] * 50)
    others = rows.assign(wet=[no, yes] * 100)
    path = tmp_path / "t.csv"
    message = f"column 'wet', has labels that the training data lacks: .*'{yes}'"
    with pytest.raises(ValueError, match=message):
        read_with_test(path, rows, others, "wet", "hot")
    data = read_with_test(path, rows, rows.assign(wet="wet"), "wet", "hot")
    assert data.test[1].mean(axis=0).tolist() == [1, 0.5]
    assert have_all(data, "test.csv") == "'wet'"


def test_rows_without_a_label_are_left_out_and_counted(tmp_path):
    rows = table()
    rows.loc[:6, "kind"] = None
    data = read(tmp_path / "t.csv", rows, "kind")
    assert len(data.train[1]) + len(data.validation[1]) == ROWS - 7
    assert "7 of 200 rows have no label and are left out." in data.notes


def with_unknown():
    """A table with two labels, of which 9 rows lack one, and one row both."""
    rows = table()
    rows["wet"], rows["hot"] = RNG.choice(["no", "yes"], (2, ROWS))
    rows.loc[:3, "wet"], rows.loc[3:8, "hot"] = None, None
    return rows


def test_rows_without_one_of_several_labels(tmp_path):
    rows = with_unknown()
    rows.to_csv(tmp_path / "test.csv", index=False)
    path = tmp_path / "t.csv"
    data = read(path, rows, "wet", "hot", test=tmp_path / "test.csv")
    assert "1 of 200 rows have no label and are left out." in data.notes
    said = "of 398 answers in", "are not known and do not count: 5 of hot, 3 of wet."
    assert any(all(part in note for part in said) for note in data.notes)
    labels = np.concatenate([data.train[1], data.validation[1]])
    assert labels.shape == (ROWS - 1, 2)
    assert (labels == -1).sum(axis=0).tolist() == [3, 5]
    known = rows[["wet", "hot"]]  # a row without an answer does no harm
    expected = np.where(known.isna(), -1, known == "yes")
    np.testing.assert_array_equal(data.test[1], expected)
    assert data.has_unknown
    assert not read(path, rows[9:], "wet", "hot").has_unknown


def test_several_labels_without_an_answer(tmp_path):
    rows = with_unknown()
    rows["wet"] = None
    with pytest.raises(ValueError, match=r"'wet' holds nothing. Leave it out of `--la"):
        read(tmp_path / "t.csv", rows, "wet", "hot")
    rows["wet"] = "no"
    with pytest.raises(ValueError, match=r"'wet' holds 'no'. Leave it out of `--label"):
        read(tmp_path / "t.csv", rows, "wet", "hot")
    rows["wet"] = None
    rows["hot"] = None
    with pytest.raises(ValueError, match=r"columns with values.*'wet', 'hot'"):
        read(tmp_path / "t.csv", rows, "wet", "hot")


def test_a_mark_of_unknown_answers_in_another_table(tmp_path):
    rows = with_unknown()
    rows.assign(wet=rows["wet"].fillna("-1")).to_csv(tmp_path / "test.csv", index=False)
    with pytest.raises(ValueError, match=r"lacks: '-1'.* Empty the cells of answers"):
        read(tmp_path / "t.csv", rows, "wet", "hot", test=tmp_path / "test.csv")


def test_a_test_table_whose_known_answers_are_yes(tmp_path):
    rows = with_unknown()
    test = rows.assign(wet=rows["wet"].where(rows["wet"] == "yes"))
    test.to_csv(tmp_path / "test.csv", index=False)
    path = tmp_path / "t.csv"
    notes = read(path, rows, "wet", "hot", test=tmp_path / "test.csv").notes
    assert any("All known answers of" in note and "'wet'" in note for note in notes)


def test_unknown_answers_of_groups(tmp_path):
    rows = with_unknown().assign(patient=np.arange(ROWS) // 4)
    data = read(tmp_path / "t.csv", rows, "wet", "hot", group="patient")
    for _, labels in (data.train, data.validation):
        assert all({0, 1} <= set(column) for column in labels.T)
    assert data.has_unknown


def test_an_empty_cell_of_tags_in_a_test_table(tmp_path):
    rows = table().assign(tags=["a;b", "b", "", "a"] * 50)
    rows.to_csv(tmp_path / "test.csv", index=False)
    options = {"separator": ";", "test": tmp_path / "test.csv"}
    data = read(tmp_path / "t.csv", rows, "tags", **options)
    assert data.test[1].sum(axis=0).tolist() == [100, 100]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_tags_of_a_test_table(tmp_path, suffix):
    """Tags that are unknown are no answers of no; rare ones may be dropped."""
    tags = [["a", "b c"], ["b c"], [], ["a"]] * 50
    tags[0] = ["a", "rare"]
    is_csv, path = suffix == "csv", tmp_path / f"t.{suffix}"
    separator = ";" if is_csv else None

    def labelled(tags, separator=separator):
        texts = [separator.join(each) for each in tags] if is_csv else tags
        return table().assign(tags=texts)

    rows = labelled(tags)
    data = read_with_test(path, rows, rows, "tags", separator=separator)
    expected = [[tag in row for tag in ("a", "b c")] for row in tags]
    np.testing.assert_array_equal(data.test[1], expected)
    (note,) = [note for note in data.notes if "left out of the training data" in note]
    assert note.endswith("too: 'rare'.")
    others = [["A"], ["a", "b"], *tags]
    refused = [(labelled(others[:ROWS]), "'A', 'b'")]
    if is_csv:
        refused.append((labelled(tags, "|"), r"'a\|b c', 'a\|rare'"))
    else:
        plain = [" ".join(each) for each in tags]
        refused.append((table().assign(tags=plain), "'a b c', 'a rare'"))
    for rows_of_test, names in refused:
        message = rf"labels that the training data lacks: {names}\. Write them as"
        with pytest.raises(ValueError, match=message):
            read_with_test(path, rows, rows_of_test, "tags", separator=separator)
    every = labelled([["a"], ["a", "b c"]] * 100)
    data = read_with_test(path, rows, every, "tags", separator=separator)
    assert data.test[1].mean(axis=0).tolist() == [1, 0.5]
    assert have_all(data, path.with_name(f"test{path.suffix}").name) == "'a'"


def have_all(data, name):
    """The labels that all rows of a file have, as a note says."""
    (found,) = re.findall(
        rf"Warning: All examples of \S*{re.escape(name)} have (.+?)\. What is measured",
        " ".join(data.notes),
    )
    return found


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_file_of_positives_alone_is_measured_but_chooses_nothing(tmp_path, suffix):
    rows = table().assign(answer=["no", "no", "no", "yes"] * 50)
    positives = rows[rows["answer"] == "yes"]
    path = tmp_path / f"t.{suffix}"
    data = read_with_test(path, rows, positives, "answer")
    assert data.test[1].tolist() == [1] * 50
    assert have_all(data, f"test.{suffix}") == "'yes'"
    with pytest.raises(ValueError, match=r"lacks 'yes'\."):
        read_with_test(path, rows, rows[rows["answer"] == "no"], "answer")
    validation = write(tmp_path / f"val.{suffix}", positives)
    with pytest.raises(ValueError, match=r"have 'yes', and validation data choose"):
        read(path, rows, "answer", validation=validation)


def test_nothing_among_tags_is_no_tag(tmp_path):
    rows = table().assign(tags=[["a", None], ["b", ""], ["a", "b"], []] * 50)
    data = read_with_test(tmp_path / "t.parquet", rows, rows, "tags")
    assert data.class_names == ("a", "b")
    assert data.test[1].sum(axis=0).tolist() == [100, 100]


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_columns_that_are_dropped(tmp_path, name):
    rows = table().rename(columns={"age": "age in years"})
    rows.drop(columns=["age in years", "name"]).to_csv(tmp_path / "test.csv")
    options = {"drop": ("age in years", "comment"), "test": tmp_path / "test.csv"}
    data = read(tmp_path / name, rows, "kind", **options)
    assert sorted(data.inputs) == ["Job title!", "member"]
    assert data.train[0].shape[1] == data.test[0].shape[1] == 5 + 1
    assert "lack values in Job title! (" in " ".join(data.notes)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"drop": ("colour",)},
            "`--drop` must .*: 'colour'; expected .*'age'",
        ),
        (
            {"keep": ("colour",)},
            "`--keep` must .*: 'colour'; expected .*'age'",
        ),
        ({"drop": ("kind",)}, "`--label` and `--drop` must .* in both: 'kind'"),
        ({"drop": ("age",), "keep": ("age",)}, "`--drop` and `--keep` must name diff"),
        ({"keep": ("planet",)}, r"`--keep` must .* Received: planet \(one value\)"),
        (
            {"drop": ("age", "Job title!", "comment", "member")},
            r"must have a column beside the label.* Left out: name \(",
        ),
    ],
)
def test_columns_that_cannot_be_dropped_or_kept(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path / "t.csv", table(), "kind", **options)


def test_a_test_table(tmp_path):
    rows = table()
    rows.iloc[:60].to_csv(tmp_path / "test.csv", index=False)
    data = read(tmp_path / "t.csv", rows.iloc[60:], "kind", test=tmp_path / "test.csv")
    assert data.test[0].shape == (60, data.train[0].shape[1])
    both = {"validation": tmp_path / "test.csv", "test": 0.25}
    data = read(tmp_path / "t.csv", rows.iloc[60:], "kind", **both)
    assert data.validation[0].shape == (60, data.train[0].shape[1])
    assert len(data.train[0]) + len(data.test[0]) == ROWS - 60
    assert len(data.test[0]) == pytest.approx(35, abs=2)  # of each class its share
    only = {"validation": tmp_path / "test.csv"}
    assert len(read(tmp_path / "t.csv", rows.iloc[60:], "kind", **only).train[0]) == 140
    rows.drop(columns="age").to_csv(tmp_path / "test.csv", index=False)
    with pytest.raises(ValueError, match="It lacks 'age'"):
        read(tmp_path / "t.csv", rows, "kind", test=tmp_path / "test.csv")


def test_labels_that_look_alike(tmp_path):
    rows = table().assign(answer="yes", tags="a;b")
    rows.loc[:30, "answer"], rows.loc[31:60, "answer"] = "YES", "no"
    rows.loc[:49, "tags"], rows.loc[50:99, "tags"] = "A;b", "A"
    for label, separator, names in (
        ("answer", None, "'YES', 'yes'"),
        ("tags", ";", "'A', 'a'"),
    ):
        options = {"separator": separator}
        notes = " ".join(read(tmp_path / "t.csv", rows, label, **options).notes)
        assert f"in how a number is written, {names}, are classes of" in notes
    assert read(tmp_path / "t.csv", rows, "answer").kind == "softmax"
    rows["wet"], rows["hot"] = ["yes", "YES"] * 100, ["no", "yes"] * 100
    assert "'YES', 'yes', are" in " ".join(
        read(tmp_path / "t.csv", rows, "wet", "hot").notes
    )


@pytest.mark.parametrize(
    ("kinds", "classes"),
    [
        (["01", "1", "2"], ["01", "1", "2"]),
        (["01", "02", "10"], ["01", "02", "10"]),
        (["1.10", "1.1", "2", "3", "4"], ["1.1", "1.10", "2", "3", "4"]),
        (["1e2", "100", "7"], ["7", "100", "1e2"]),
        (["1", "1.0", "2.0", "3"], ["1", "2", "3"]),
        (["1.0", "2.0", "", "3.0"], ["1", "2", "3"]),
        (["12345678901234567", "12345678901234568", "7", ""], None),
        (["1", "2", "?", "007"], ["1", "2", "007"]),
        (["True", "false", "TRUE", "False"], ["false", "true"]),
        (["+1", "-1", "1.0"], ["-1", "1"]),
        (["0.0", "1.0", ""], ["0", "1"]),
    ],
)
@pytest.mark.parametrize("divider", [",", ";"])
def test_labels_are_classes_as_they_are_written(tmp_path, kinds, classes, divider):
    """Pandas would take texts of digits for numbers, and these for floats at a gap."""
    if classes is None:
        classes = ["7", "12345678901234567", "12345678901234568"]
    rows = table()[["Job title!", "member"]]
    rows.insert(1, " kind ", [kinds[i % len(kinds)] for i in range(ROWS)])
    path, test = tmp_path / "t.csv", tmp_path / "test.csv"
    rows.to_csv(path, sep=divider, index=False)
    is_filled = ~rows[" kind "].isin(["", "?"])
    others = rows[is_filled]
    others.to_csv(test, sep=divider, index=False)
    data = read_data(path, SourceOptions(label=("kind",), test=test))
    assert list(data.class_names) == classes
    same = {"1.0": "1", "2.0": "2", "3.0": "3", "0.0": "0", "+1": "1"}
    same |= {"True": "true", "TRUE": "true", "False": "false"}
    expected = [classes.index(same.get(kind, kind)) for kind in others[" kind "]]
    np.testing.assert_array_equal(data.test[1], expected)
    used = len(data.train[1]) + len(data.validation[1])
    assert used == is_filled.sum()


def test_numbers_that_are_no_classes_as_written(tmp_path):
    rows = table().assign(kind=[f"{i % 40 / 10:.2f}" for i in range(ROWS)])
    with pytest.raises(ValueError, match=r"numbers with fractions, such as '0\.10'"):
        read(tmp_path / "t.csv", rows, "kind")


def test_tags_of_digits(tmp_path):
    """Pandas would take cells of one tag for numbers, and floats beside empty ones."""
    rows = table().assign(tags=["1", "2", "", "2.0"] * 50)
    options = {"separator": ";"}
    data = read_with_test(tmp_path / "t.csv", rows, rows, "tags", **options)
    assert data.class_names == ("1", "2")
    np.testing.assert_array_equal(data.test[1], [[1, 0], [0, 1], [0, 0], [0, 1]] * 50)
    rows = table().assign(tags=["01;1", "1", "", "1;x"] * 50)
    data = read_with_test(tmp_path / "t.csv", rows, rows, "tags", **options)
    assert data.class_names == ("01", "1", "x")
    assert "a number is written, '01', '1', are classes" in " ".join(data.notes)


def test_labels_of_typed_values_and_of_texts(tmp_path):
    """A class of a Parquet table is that of a CSV table, and the reverse."""
    rows = table().assign(kind=[1, 2, 3, 3] * 50)
    writings = [
        rows,
        rows.astype({"kind": "float64"}),
        rows.astype({"kind": "str"}),
        rows.assign(kind=rows["kind"].astype("float64").astype(str)),
    ]
    for training, others in zip(writings, reversed(writings), strict=True):
        for suffix in ("csv", "parquet"):
            other = write(tmp_path / f"other.{suffix}", others)
            data = read(tmp_path / "t.parquet", training, "kind", test=other)
            assert data.class_names == ("1", "2", "3")
            np.testing.assert_array_equal(data.test[1], rows["kind"] - 1)


DAYS = pd.date_range("1999-12-25", periods=ROWS, freq="37h")


@pytest.mark.parametrize(
    "pattern", ["%Y-%m-%d %H:%M:%S", "%d.%m.%Y-%H:%M", "%d/%m/%y %H:%M", "%b %d, %Y"]
)
def test_dates_are_called_dates_and_numbers_are_advised(tmp_path, pattern):
    rows = table().assign(when=DAYS.strftime(pattern))
    rows.loc[:9, "when"] = "unknown"
    notes = " ".join(read(tmp_path / "t.csv", rows, "kind").notes)
    assert "dates; put numbers made of them, such as the day of the week" in notes or (
        "Dates that are read as texts: when; put numbers made of them" in notes
    )
    assert notes.count("numbers made of them") == 1


def test_dates_of_other_types_and_dates_that_repeat(tmp_path):
    rows = table().assign(when=DAYS, year=DAYS.strftime("1.1.%Y"))
    notes = " ".join(read(tmp_path / "t.parquet", rows, "kind").notes)
    assert "is not read; put numbers made of them" in notes
    assert "Dates that are read as texts: year; put numbers made of them" in notes


def test_other_texts_are_no_dates(tmp_path):
    number = np.arange(ROWS)
    rows = table().assign(
        code=[f"A{i}-{i % 12}" for i in number],
        ratio=[f"{i % 12}/{i}" for i in number],
        address=[f"10.0.{i % 9}.{i}" for i in number],
        phone=[f"030-{i}-1999" for i in number],
        hour=[f"{i % 24}:{i:03}" for i in number],
    )
    notes = " ".join(read(tmp_path / "t.csv", rows, "kind").notes)
    assert "numbers made of them" not in notes
    assert notes.count("which hardly repeat") == 6


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ((), "A table needs `--label COLUMN`.*'age'"),
        (("colour",), r"must name columns of .* Received: 'colour'; expected some of"),
        (("age",), "numbers with fractions"),
        (("kind", "member"), "'kind' holds 3 classes"),
    ],
)
def test_labels_that_do_not_fit(tmp_path, label, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path / "t.csv", table(), *label)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "must be a table with a line of column names"),
        ("a.csv", b"a,b\n", "must have rows"),
        ("a.csv", b"a,b\n\xff\xfe,1\n", "in UTF-8"),
        ("a.parquet", b"nothing", "is no Parquet file"),
        ("a.txt", b"nothing", "must be a folder with one folder of images"),
    ],
)
def test_files_that_are_no_tables(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    label = ("a",) if name != "a.txt" else ()
    with pytest.raises(ValueError, match=message):
        read_data(path, SourceOptions(label=label))


def test_numbers_with_marks_for_missing_ones(tmp_path):
    path = tmp_path / "t.csv"
    lines = [
        f"{'?' if i % 9 == 0 else i * i % 50},{'-' if i == 5 else i % 7},{i % 2}"
        for i in range(60)
    ]
    path.write_text("\n".join(["a,b,y", *lines]))
    data = read_data(path, SourceOptions(label=("y",)))
    assert data.train[0].shape[1] == 2
    assert np.isfinite(data.train[0]).all()


def test_a_mark_of_unknown_answers(tmp_path):
    rows = table()
    rows["wet"], rows["hot"] = np.arange(ROWS) % 2, np.arange(ROWS) % 4 // 2
    marked = rows.copy()
    marked.loc[:9, "wet"] = -1
    with pytest.raises(ValueError, match=r"If '-1' stands for .* empty these cells"):
        read(tmp_path / "t.csv", marked, "wet", "hot")
    emptied = marked.assign(wet=marked["wet"].where(marked["wet"] != -1))
    data = read(tmp_path / "t.csv", emptied, "wet", "hot")
    assert sum((part[1] == -1).sum() for part in (data.train, data.validation)) == 10
