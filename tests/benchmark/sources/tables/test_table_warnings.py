"""Columns that name people are warned of, and those that no held-out row knows."""

import numpy as np
import pandas as pd
import pytest

from keras_ccar.benchmark.sources.options import SourceOptions
from keras_ccar.benchmark.sources.read import read_data

RNG = np.random.default_rng(0)
PATIENTS, VISITS = 40, 5


def table(**columns):
    """Visits of patients, each of whom has one class."""
    kinds = RNG.permutation(np.repeat(["a", "b", "c"], [20, 12, 8]))
    rows = {"x": RNG.normal(size=PATIENTS * VISITS), **columns}
    rows = pd.DataFrame({**rows, "kind": np.repeat(kinds, VISITS)})
    return rows.sample(frac=1, random_state=0, ignore_index=True)


WHO = np.repeat(range(PATIENTS), VISITS)
TEXTS = np.char.add("P", WHO.astype(str))


def warnings(path, rows, **options):
    rows.to_csv(path, index=False) if path.suffix == ".csv" else rows.to_parquet(path)
    given = {"label": ("kind",), **options}
    notes = read_data(path, SourceOptions(**given)).notes
    return [note for note in notes if note.startswith("Warning")]


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
@pytest.mark.parametrize(
    ("column", "values", "why"),
    [
        ("who is it", TEXTS, "all rows of each value have one class"),
        ("patient_id", TEXTS, "it is called like an id"),
        ("patient_id", WHO, "it is called like an id"),
        ("patientId", np.where(WHO % 4, WHO, np.nan), "it is called like an id"),
    ],
)
def test_columns_that_may_name_people(tmp_path, name, column, values, why):
    (warning,) = warnings(tmp_path / name, table(**{column: values}))
    word = f"'{column}'" if " " in column else column
    assert warning.startswith(f"Warning: {column} may name people, devices or other")
    assert (
        f"{why}, and there are {len(set(values[values == values]))} values" in warning
    )
    assert warning.endswith(f"`--group {word}` keeps them in one.")
    # What is advised is heard.
    rows = table(**{column: values})
    assert not warnings(tmp_path / name, rows, group=column)
    assert not warnings(tmp_path / name, rows, drop=(column,))


def test_columns_of_more_texts_than_are_read(tmp_path):
    kinds = RNG.choice(["a", "b"], 300)
    rows = pd.DataFrame({"user": np.arange(600) // 2, "x": RNG.random(600)})
    rows = rows.assign(user="U" + rows["user"].astype(str), kind=np.repeat(kinds, 2))
    (warning,) = warnings(tmp_path / "t.csv", rows)
    assert "there are 300 values in 600 rows" in warning


def test_columns_that_name_nobody(tmp_path):
    rows = table(
        colour=RNG.choice(["red", "green", "blue"], 200),
        town=RNG.permutation(TEXTS),  # each of several classes
        rings=WHO,  # a measurement that decides the class
        row_id=np.arange(200),
        name=[f"name{i}" for i in range(200)],
        text=[f"the same long text of {who}" for who in WHO],
    )
    assert not warnings(tmp_path / "t.csv", rows)


def test_one_class_by_chance_is_no_sign(tmp_path):
    rows = table(town=np.repeat([f"T{i}" for i in range(100)], 2))
    rows["kind"] = "a"
    rows.loc[rows["town"] == "T7", "kind"] = "b"
    rows["x"] = RNG.normal(size=200)
    assert not warnings(tmp_path / "t.csv", rows)


def test_several_labels_have_no_class(tmp_path):
    rows = table(town=TEXTS)
    rows["wet"], rows["hot"] = (rows["kind"] == "a"), (rows["kind"] == "b")
    rows = rows.drop(columns="kind")
    assert not warnings(tmp_path / "t.csv", rows, label=("wet", "hot"))


@pytest.mark.parametrize("part", ["validation", "test"])
def test_texts_that_training_lacks(tmp_path, part):
    rows = table(town=RNG.permutation(TEXTS), colour=["red", "blue"] * 100)
    other = rows.assign(town="new " + rows["town"])
    other.loc[:9, "town"] = rows.loc[:9, "town"]  # a twentieth is known
    other.loc[10:19, "town"] = None
    other.to_csv(tmp_path / "other.csv", index=False)
    (warning,) = warnings(tmp_path / "t.csv", rows, **{part: tmp_path / "other.csv"})
    assert (
        f"Warning: 180 of 190 {part} rows have a town that no training row" in warning
    )
    assert "`--drop town`, or, if it names people or devices, keep" in warning
    assert "`--group town`" in warning
    other.loc[:29, "town"] = rows.loc[:29, "town"]
    other.to_csv(tmp_path / "other.csv", index=False)
    assert not warnings(tmp_path / "t.csv", rows, **{part: tmp_path / "other.csv"})


def test_texts_that_name_groups(tmp_path):
    rows = table(patient=WHO, town=np.char.add("T", (WHO // 2).astype(str)))
    rows["kind"] = RNG.permutation(rows["kind"])
    later = rows["patient"] >= 30
    rows[later].to_csv(tmp_path / "test.csv", index=False)
    options = {"group": "patient", "test": tmp_path / "test.csv"}
    (warning,) = warnings(tmp_path / "t.csv", rows[~later], **options)
    assert "50 of 50 test rows have a town that no training row has" in warning
    assert warning.endswith("Leave it out by `--drop town`.")


@pytest.mark.parametrize("part", ["validation", "test"])
def test_groups_that_other_files_share(tmp_path, part):
    rows, path = table(patient_id=WHO), tmp_path / "other.csv"
    rows.sample(80, random_state=0).to_csv(path, index=False)
    (warning,) = warnings(tmp_path / "t.csv", rows, **{part: path})
    advice = f"values are in {path} too. Leave the column out by `--drop patient_id`"
    assert advice in warning
    assert not warnings(tmp_path / "t.csv", rows, drop=("patient_id",), **{part: path})
    # Of a column that is left out anyway, there is nothing to advise.
    many = pd.DataFrame({"user": [f"U{i // 2}" for i in range(600)]})
    many = many.assign(x=RNG.random(600), kind=["a", "b"] * 300)
    many["kind"] = np.repeat(RNG.choice(["a", "b"], 300), 2)
    many.to_csv(path, index=False)
    assert not warnings(tmp_path / "t.csv", many, **{part: path})


def test_groups_that_other_files_do_not_share(tmp_path):
    rows, path = table(patient_id=WHO), tmp_path / "other.csv"
    rows[rows["patient_id"] >= 30].to_csv(path, index=False)
    train = rows[rows["patient_id"] < 30]
    (warning,) = warnings(tmp_path / "t.csv", train, test=path)
    assert warning.endswith("`--group patient_id` keeps them in one.")
    assert not warnings(tmp_path / "t.csv", train, test=path, group="patient_id")
