"""What is no number in a column of numbers is said, of every file."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from keras_ccar.benchmark.sources.options import SourceOptions
from keras_ccar.benchmark.sources.read import read_data

ROWS = 60


def table(seed=0):
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "amount": random.uniform(0, 3000, ROWS).round(2),
            "is_new": random.random(ROWS) < 0.5,
            "kind": ["a", "b", "c"] * (ROWS // 3),
        }
    )


def read(folder, rows, **others):
    paths = {"train": folder / "t.csv"}
    rows.to_csv(paths["train"], index=False)
    for part, other in others.items():
        other.to_csv(folder / f"{part}.csv", index=False)
        paths[part] = folder / f"{part}.csv"
    del paths["train"]
    return read_data(folder / "t.csv", SourceOptions(label=("kind",), **paths))


def with_commas(rows):
    return rows.assign(amount=rows["amount"].map("{:,.2f}".format))


def test_thousands_are_read_alike_in_all_files(tmp_path):
    train, held_out = table(), table(1)
    plain = read(tmp_path, train, validation=held_out)
    for one, other in ((1, 1), (1, 0), (0, 1)):
        rows = with_commas(train) if one else train
        others = with_commas(held_out) if other else held_out
        marked = read(tmp_path, rows, validation=others)
        np.testing.assert_array_equal(marked.train[0], plain.train[0])
        np.testing.assert_array_equal(marked.validation[0], plain.validation[0])
        notes = [note for note in marked.notes if "commas between" in note]
        names = ["t"] * one + ["validation"] * other
        assert notes == [
            f"The numbers of amount in {tmp_path / name}.csv have commas between their "
            "thousands."
            for name in names
        ]


def test_decimals_of_parquet_are_numbers(tmp_path):
    rows = table()
    rows["amount"] = [Decimal(f"{amount:.2f}") for amount in rows["amount"]]
    rows.loc[3, "amount"] = None
    rows.to_parquet(tmp_path / "t.parquet")
    data = read_data(tmp_path / "t.parquet", SourceOptions(label=("kind",)))
    assert sorted(data.inputs) == ["amount", "is_new"]
    assert "Training rows lack values in amount (1)" in " ".join(data.notes)


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_what_is_no_number_is_said(tmp_path, part):
    frames = {"train": table(), "validation": table(1), "test": table(2)}
    rows = frames[part].astype({"amount": object})
    rows.loc[[3, 4, 5, 6], "amount"] = ["12 EUR", "none of it", "inf", "-"]
    rows.loc[7, "amount"] = None
    frames[part] = rows
    notes = read(tmp_path, frames.pop("train"), **frames).notes
    (warning,) = [note for note in notes if note.startswith("Warning")]
    name = "t" if part == "train" else part
    assert warning.startswith(
        f"Warning: values of {tmp_path / name}.csv that are no numbers are read as "
        "missing: amount (4 of 59, such as '12 EUR', 'none of it', 'inf'). Write them"
    )


def test_empty_cells_are_missing_without_a_warning(tmp_path):
    rows = table()
    rows.loc[:5, "amount"] = None
    notes = read(tmp_path, rows, validation=rows).notes
    assert not [note for note in notes if note.startswith("Warning")]


@pytest.mark.parametrize("part", ["validation", "test"])
def test_held_out_columns_that_are_written_otherwise(tmp_path, part):
    other = table(1)
    for column, values, received in (
        ("amount", other["amount"].astype(str) + " EUR", "60 of 60, such as .* EUR'"),
        ("is_new", np.where(other["is_new"], "new", "old"), "60 of 60, .*'(new|old)'"),
    ):
        message = (
            f"{column} of .*{part}.csv must hold numbers, as .*t.csv does.*{received}.*"
            f"or leave it out by `--drop {column}`"
        )
        with pytest.raises(ValueError, match=message):
            read(tmp_path, table(), **{part: other.assign(**{column: values})})
        dropped = SourceOptions(
            label=("kind",), drop=(column,), **{part: tmp_path / f"{part}.csv"}
        )
        read_data(tmp_path / "t.csv", dropped)


@pytest.mark.parametrize("writing", [("no", "yes"), (0, 1), ("FALSE", "TRUE")])
def test_answers_match_in_all_files(tmp_path, writing):
    train, held_out = table(), table(1)
    plain = read(tmp_path, train, test=held_out)
    texts = np.array(writing, object)
    written = held_out.assign(is_new=texts[held_out["is_new"].astype(int)])
    same = read(tmp_path, train, test=written)
    np.testing.assert_array_equal(same.test[0], plain.test[0])
    train = train.assign(is_new=np.where(train["is_new"], "yes", "no"))
    assert np.isfinite(read(tmp_path, train, test=held_out).test[0]).all()
    notes = " ".join(read(tmp_path, train, test=held_out).notes)
    assert "that no training row has" not in notes


def test_a_held_out_column_that_is_empty(tmp_path):
    notes = read(tmp_path, table(), test=table(1).assign(amount=None)).notes
    (warning,) = [note for note in notes if note.startswith("Warning")]
    assert "amount is empty in all rows of" in warning
    assert "`--drop amount`" in warning
