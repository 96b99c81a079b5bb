"""`--group`: rows of a patient are in one part, and the patient is no feature."""

import re

import numpy as np
import pandas as pd
import pytest

from keras_ccar.benchmark.sources.options import SourceOptions
from keras_ccar.benchmark.sources.read import read_data
from keras_ccar.benchmark.sources.splitting.groups import read_groups

PATIENTS, VISITS = 60, 6
RNG = np.random.default_rng(0)


def table():
    """Visits, each with a code that only its patient has."""
    patient = np.repeat(range(PATIENTS), VISITS)
    kinds = RNG.permutation(np.repeat(["a", "b", "c"], [36, 12, 12]))
    columns = {"patient": patient, "code": patient + 0.5, "kind": kinds[patient]}
    rows = pd.DataFrame({**columns, "x": RNG.normal(size=len(patient))})
    return rows.sample(frac=1, random_state=0, ignore_index=True)


def write(path, rows):
    rows.to_csv(path, index=False) if path.suffix == ".csv" else rows.to_parquet(path)
    return path


def read(path, rows, **options):
    given = {"label": ("kind",), "group": "patient", **options}
    return read_data(write(path, rows), SourceOptions(**given))


def codes(data, *names):
    """The codes of the patients in each part, as the network sees them."""
    assert {"code", "x"} <= set(data.inputs)
    column = sorted(data.inputs).index("code")
    return [set(getattr(data, name)[0][:, column].tolist()) for name in names]


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
@pytest.mark.parametrize("prefix", ["", "P"])
def test_rows_of_a_patient_are_in_one_part(tmp_path, name, prefix):
    rows = table()
    if prefix:
        rows["patient"] = prefix + rows["patient"].astype(str)
    data = read(tmp_path / name, rows, test=0.2)
    assert sorted(data.inputs) == ["code", "x"]
    found = codes(data, "train", "validation", "test")
    assert sum(map(len, found)) == len(set.union(*found)) == PATIENTS
    parts = zip(("train", "validation", "test"), found, strict=True)
    counts = ", ".join(f"{len(f)} in {n} ({6 * len(f)} rows)" for n, f in parts)
    note = "Rows with the same patient, which is no feature, stay in one part: "
    assert f"{note}{counts}." in data.notes
    # Without the option the rows of most patients are divided.
    apart = codes(read(tmp_path / name, rows, group=None), "train", "validation")
    assert len(apart[0] & apart[1]) > PATIENTS / 2


def test_rows_without_a_group_are_groups_of_their_own(tmp_path):
    rows = table()
    rows["patient"] = rows["patient"].astype(str).mask(rows.index < 12, " ")
    data = read(tmp_path / "t.csv", rows)
    assert len(data.train[0]) + len(data.validation[0]) == len(rows)
    assert "12 of 360 rows of" in data.notes[0]
    assert "have no patient. Each is a group of its own." in data.notes[0]


@pytest.mark.parametrize("part", ["validation", "test"])
def test_groups_in_two_files(tmp_path, part):
    rows = table()
    later = rows["patient"] >= 30
    other = write(tmp_path / "other.csv", rows[later])
    data = read(tmp_path / "t.csv", rows[~later], **{part: other})
    assert f"30 in {part} (180 rows)" in data.notes[-1]
    # With a missing one, numbers are floats, but of the same patients.
    more = pd.concat([rows[later], rows[~later].iloc[:2], rows.iloc[:1]])
    more = more.astype({"patient": "float"}).reset_index(drop=True)
    more.loc[len(more) - 1, "patient"] = np.nan
    write(other, more)
    message = r": 2 of 183 rows of .*other\.csv have one of \d values that .*t\.csv has"
    with pytest.raises(ValueError, match=message) as caught:
        read(tmp_path / "t.csv", rows[~later], **{part: other})
    assert "`--drop patient` in place of `--group patient`" in str(caught.value)
    dropped = {"group": None, "drop": ("patient",), part: other}
    read(tmp_path / "t.csv", rows[~later], **dropped)
    write(other, rows.drop(columns="patient"))
    with pytest.raises(ValueError, match="It lacks 'patient'"):
        read(tmp_path / "t.csv", rows[~later], **{part: other})


PLAIN = [str(1000 + number) for number in range(40)]
MARKED = [f"{1000 + number:,}" for number in range(40)]
LONG = [str(12345678901234500 + number) for number in range(40)]
PADDED = [f"{number:03d}" for number in range(40)]


@pytest.mark.parametrize(
    ("own", "others"),
    [
        (PLAIN, [f"{name}.0" for name in PLAIN]),
        (MARKED, PLAIN),
        (PLAIN, MARKED),
        (PLAIN, [name.replace(",", ".") for name in MARKED]),
        ([name.replace(",", " ") for name in MARKED], MARKED),
        (LONG, [f"{name}.0" for name in LONG]),
        (PADDED, PADDED),
        ([*PLAIN[:-1], "P7"], [f"{name}.0" for name in PLAIN]),
        ([int(name) for name in PLAIN], PLAIN),
        ([int(name) for name in PLAIN], [f"{name}.0" for name in PLAIN]),
    ],
)
def test_groups_of_another_file_in_any_writing(tmp_path, own, others):
    """Those that are the same are found, and no others are taken for the same."""
    kinds = [["a", "b", "c"][number % 3] for number in range(40)]

    def rows(names):
        columns = {"patient": names, "kind": kinds, "x": RNG.normal(size=40)}
        return pd.DataFrame(columns).iloc[np.tile(np.arange(40), 3)]

    for suffix, other_suffix in (
        ("csv", "csv"),
        ("parquet", "csv"),
        ("csv", "parquet"),
    ):
        path = write(tmp_path / f"other.{other_suffix}", rows(others))
        with pytest.raises(ValueError, match=r"Received: 1\d\d of 120 rows") as caught:
            read(tmp_path / f"t.{suffix}", rows(own), test=path)
        assert "must keep rows of one value in one part" in str(caught.value)
        fresh = rows([f"{name}9" for name in PLAIN])
        write(tmp_path / f"other.{other_suffix}", fresh)
        data = read(tmp_path / f"t.{suffix}", rows(own), test=path)
        assert "40 in test (120 rows)" in data.notes[-1]


def test_truths_are_the_same_groups_in_any_writing():
    typed = read_groups(pd.Series([True, False, True]), "t.parquet", [])
    texts = read_groups(pd.Series(["True", "FALSE", "true"]), "t.csv", [])
    assert typed.tolist() == texts.tolist() == ["true", "false", "true"]


def test_long_numbers_beside_a_gap_are_groups_of_their_own(tmp_path):
    """As floats, eight of them would be one."""
    names = np.repeat(LONG, 4).astype(object)
    names[0] = ""
    kinds = np.array(["a", "b", "c"])[np.arange(160) // 4 % 3]
    rows = pd.DataFrame({"patient": names, "kind": kinds, "x": np.arange(160) % 13})
    for name in ("t.csv", "t.parquet"):
        data = read(tmp_path / name, rows)
        (note,) = [note for note in data.notes if "stay in one part" in note]
        train, validation = re.findall(r"(\d+) in", note)
        assert int(train) + int(validation) == 41


def test_groups_that_look_alike(tmp_path):
    rows = table().astype({"patient": str})
    rows["patient"] = rows["patient"].str.zfill(3)
    later = rows["patient"] >= "030"
    others = rows[later].assign(patient=rows["patient"].str.lstrip("0"))
    others.loc[others.index[0], "patient"] = "7"
    other = write(tmp_path / "other.csv", others)
    notes = read(tmp_path / "t.csv", rows[~later], test=other).notes
    expected = "how a number is written, '007', '7', are groups of their own. Write"
    assert expected in " ".join(notes)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"group": "who"}, "`--group` must .*: 'who'; expected some of 'patient'"),
        ({"group": "kind"}, "`--label` and `--group` must name different columns"),
        ({"keep": ("patient",)}, "`--keep` and `--group` must name different columns"),
        ({"group": "same"}, r"2 groups or more, .* in fewer: a \(1\), b \(1\)"),
    ],
)
def test_columns_that_are_no_groups(tmp_path, options, message):
    rows = table()
    rows["same"] = rows["kind"]
    with pytest.raises(ValueError, match=message):
        read(tmp_path / "t.csv", rows, **options)
    read(tmp_path / "t.csv", rows, drop=("patient",))


def test_groups_of_one_row(tmp_path):
    rows = table()
    rows["visit id"] = [f"V{i}" for i in range(len(rows))]
    notes = read(tmp_path / "t.csv", rows, group="visit id", drop=("patient",)).notes
    expected = (
        "Warning: visit id has another value in every row, so `--group 'visit id'`"
    )
    assert any(note.startswith(expected) for note in notes)
    assert not any("another value" in n for n in read(tmp_path / "t.csv", rows).notes)


def test_groups_are_for_tables(tmp_path):
    np.savez(tmp_path / "t.npz", x=np.zeros((9, 2)), y=np.arange(9) % 3)
    with pytest.raises(ValueError, match="`--group` is for tables"):
        read_data(tmp_path / "t.npz", SourceOptions(group="patient"))
