"""A file beside the training table is read as that one, however few rows it has."""

import numpy as np
import pandas as pd
import pytest

from keras_ccar.benchmark.sources.options import SourceOptions
from keras_ccar.benchmark.sources.read import read_data

ROWS = 240
RNG = np.random.default_rng(0)


def table():
    """Codes of digits beside others, and whole numbers with points in thousands."""
    return pd.DataFrame(
        {
            "code": RNG.choice(["007", "012", "A1"], ROWS),
            "size": RNG.choice(["1", "2", "XL"], ROWS),
            "price": [f"{v:,}".replace(",", ".") for v in RNG.integers(5, 9000, ROWS)],
            "length": [f"{v:.1f}".replace(".", ",") for v in RNG.gamma(2, 8, ROWS)],
            "visits": RNG.integers(0, 9, ROWS).astype(str),
            "patient": RNG.choice(["01", "1", "x7", "x8"], ROWS),
            "kind": RNG.choice(["1", "2", "XL"], ROWS, p=[0.5, 0.3, 0.2]),
        }
    )


def parts(folder, rows, **other):
    """The arrays of the training part and of rows of another file."""
    rows.to_csv(folder / "t.csv", sep=";", index=False)
    (part, (path, others)), *_ = other.items()
    if path.suffix == ".csv":
        others.to_csv(path, sep=";", index=False)
    else:
        others.to_parquet(path)
    options = SourceOptions(label=("kind",), drop=("patient",), **{part: path})
    data = read_data(folder / "t.csv", options)
    return getattr(data, part), data


@pytest.mark.parametrize("part", ["validation", "test"])
def test_rows_of_digits_alone_are_read_as_in_the_whole_file(tmp_path, part):
    rows = table()
    path = tmp_path / "new.csv"
    (whole, labels), _ = parts(tmp_path, rows, **{part: (path, rows)})
    is_thousand = rows["price"].str.contains(".", regex=False)
    digits = rows["code"].str.isdigit() & rows["size"].str.isdigit() & is_thousand
    # Every class must be in a part.
    kinds = [
        np.flatnonzero(digits & (rows["kind"] == kind)) for kind in ("1", "2", "XL")
    ]
    for count in (1, 3):
        indices = np.sort(np.concatenate([found[:count] for found in kinds]))
        (x, y), data = parts(tmp_path, rows, **{part: (path, rows.iloc[indices])})
        np.testing.assert_array_equal(x, whole[indices])
        np.testing.assert_array_equal(y, labels[indices])
        assert "that no training row has" not in " ".join(data.notes)


def test_a_gap_beside_digits(tmp_path):
    rows = table()
    path = tmp_path / "new.csv"
    (whole, _), _ = parts(tmp_path, rows, test=(path, rows))
    indices = np.flatnonzero(rows["size"].isin(["1", "2"]))[:50]
    some = rows.iloc[indices].copy()
    some.iloc[0, some.columns.get_loc("size")] = ""
    (x, _), _ = parts(tmp_path, rows, test=(path, some))
    np.testing.assert_array_equal(x[1:], whole[indices[1:]])


def test_numbers_of_parquet_for_texts(tmp_path):
    rows = table()
    path = tmp_path / "new.parquet"
    (whole, _), _ = parts(tmp_path, rows, test=(path, rows))
    indices = np.flatnonzero(rows["size"].isin(["1", "2"]))[:50]
    some = rows.iloc[indices].copy()
    for dtype in ("int64", "float64"):
        typed = some.assign(size=some["size"].astype(dtype))
        (x, _), _ = parts(tmp_path, rows, test=(path, typed))
        np.testing.assert_array_equal(x, whole[indices])


def test_groups_of_digits_stay_apart(tmp_path):
    """ "01" is not "1", where the training file has both."""
    rows = table()
    is_new = rows["patient"] == "01"
    rows[~is_new].to_csv(tmp_path / "t.csv", sep=";", index=False)
    rows[is_new].to_csv(tmp_path / "new.csv", sep=";", index=False)
    paths = {"validation": tmp_path / "new.csv"}
    options = SourceOptions(label=("kind",), group="patient", **paths)
    data = read_data(tmp_path / "t.csv", options)
    assert len(data.validation[0]) == is_new.sum()
    rows[rows["patient"] == "1"].to_csv(tmp_path / "new.csv", sep=";", index=False)
    with pytest.raises(ValueError, match="must keep rows of one value in one part"):
        read_data(tmp_path / "t.csv", options)


def test_labels_of_digits_stay_apart(tmp_path):
    """ "01" is not "1", however few rows the other file has, and of which classes."""
    rows = table().drop(columns="patient")
    rows["kind"] = RNG.choice(["01", "1", "2"], ROWS)
    rows.to_csv(tmp_path / "t.csv", sep=";", index=False)
    for kinds, numbers in ((["1", "01", "2"], [1, 0, 2]), (["2.0", "1.0", "01"], None)):
        others = rows.iloc[:3].assign(kind=kinds)
        others.to_csv(tmp_path / "new.csv", sep=";", index=False)
        options = SourceOptions(label=("kind",), test=tmp_path / "new.csv")
        data = read_data(tmp_path / "t.csv", options)
        assert data.class_names == ("01", "1", "2")
        assert data.test[1].tolist() == (numbers or [2, 1, 0])
    others.assign(kind=["1", "002", "2"]).to_csv(tmp_path / "new.csv", index=False)
    with pytest.raises(ValueError, match="labels that the training data lacks: '002'"):
        read_data(tmp_path / "t.csv", options)


@pytest.mark.parametrize("header", ["x, x ,kind", "kind,x,kind ", "x,x,kind"])
def test_columns_of_one_name(tmp_path, header):
    (tmp_path / "t.csv").write_text(f"{header}\n" + "1,2,a\n2,3,b\n" * 9)
    with pytest.raises(ValueError, match=r"columns of different names\. Received"):
        read_data(tmp_path / "t.csv", SourceOptions(label=("kind",)))


@pytest.mark.slow
def test_a_part_of_a_long_column_does_not_decide_what_it_holds(tmp_path):
    """Pandas reads long files in parts, of which the first may hold digits alone."""
    rows = 200_000
    codes = np.array(["007"] * rows, object)
    codes[-60_000:] = "A1"
    frame = pd.DataFrame({"code": codes, "x": np.arange(rows) % 7})
    frame["kind"] = np.where(np.arange(rows) % 10, "a", "b")
    frame.to_csv(tmp_path / "t.csv", index=False)
    data = read_data(tmp_path / "t.csv", SourceOptions(label=("kind",)))
    assert "category: code" in " ".join(data.notes)
    # No code, another one, and two; not the "7" of a first part too.
    assert data.train[0].shape[1] == 1 + 3


@pytest.mark.parametrize("writing", ["True False", "1 0", "yes no", "TRUE FALSE"])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_answers_with_gaps(tmp_path, writing, suffix):
    """And with values that are no answers."""
    yes, no = writing.split()
    rows = pd.DataFrame({"x": np.arange(40.0), "kind": ["a", "b"] * 20})
    rows["is_new"] = [True, False, None, False] * 10
    path = tmp_path / f"t.{suffix}"
    rows.to_csv(path, index=False) if suffix == "csv" else rows.to_parquet(path)
    texts = {True: yes, False: no, None: ""}
    other = rows.assign(is_new=[texts[answer] for answer in rows["is_new"]])
    options = SourceOptions(label=("kind",), test=tmp_path / "new.csv")
    for gap in ("", "maybe"):
        other.replace({"is_new": ""}, gap).to_csv(tmp_path / "new.csv", index=False)
        data = read_data(path, options)
        column = sorted(data.inputs).index("is_new")
        values = data.test[0][:, column]
        assert len(np.unique(values)) == 3
        assert values[0] > values[2] > values[1] == values[3]
        assert ("'maybe'" in " ".join(data.notes)) == bool(gap)


def test_a_category_that_is_called_none(tmp_path):
    """Of Parquet it is one, and so it is in another file."""
    rows = pd.DataFrame({"x": np.arange(40.0), "kind": ["a", "b"] * 20})
    rows["size"] = ["None", "Half", "Full", None] * 10
    rows.to_parquet(tmp_path / "t.parquet")
    rows.to_csv(tmp_path / "new.csv", index=False)
    rows.to_parquet(tmp_path / "new.parquet")
    parts = {"validation": tmp_path / "new.csv", "test": tmp_path / "new.parquet"}
    data = read_data(tmp_path / "t.parquet", SourceOptions(label=("kind",), **parts))
    np.testing.assert_array_equal(data.validation[0], data.test[0])


def test_what_is_no_number_in_the_training_table_either(tmp_path):
    rows = pd.DataFrame({"x": ["n/k", *map(str, range(19))] * 5})
    rows["kind"] = ["a", "b"] * 50
    rows.to_csv(tmp_path / "t.csv", index=False)
    options = SourceOptions(label=("kind",), test=tmp_path / "new.csv")
    some = pd.DataFrame({"x": ["n/k"] * 4, "kind": ["a", "b"] * 2})
    some.to_csv(tmp_path / "new.csv", index=False)
    notes = read_data(tmp_path / "t.csv", options).notes
    assert "x (4 of 4, such as 'n/k')" in " ".join(notes)
    rows.assign(x="?k").to_csv(tmp_path / "new.csv", index=False)
    with pytest.raises(ValueError, match=r"x of .*new.csv must hold numbers"):
        read_data(tmp_path / "t.csv", options)
