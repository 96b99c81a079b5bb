import json
import re
import warnings

import numpy as np
import pytest
from finished_run import OUTCOME, RUN

from keras_ccar.benchmark.runner.records import (
    load_run,
    make_record,
    record_path,
    save_run,
)
from keras_ccar.benchmark.runner.results import remove_half_written


@pytest.fixture
def record():
    return make_record(RUN, **OUTCOME)


@pytest.fixture
def path(record, tmp_path):
    """The file of a record."""
    save_run(RUN, tmp_path, record)
    return record_path(RUN, tmp_path)


def test_a_record_is_read_as_it_was_written(record, path, tmp_path):
    assert load_run(RUN, tmp_path) == record
    assert record["history"] == OUTCOME["history"]
    content = json.loads(path.read_text("utf-8"))
    assert content.pop("checksum").startswith("sha256:")
    assert content == record


def test_a_record_of_an_earlier_version_is_read(record, path, tmp_path):
    path.write_text(json.dumps(record, indent=1), "utf-8")
    assert load_run(RUN, tmp_path) == record


@pytest.mark.parametrize(
    ("field", "value"),
    [("balanced", "38"), ("history", []), ("per_class_accuracy", [1.0])],
)
def test_an_incomplete_record_is_named(field, value, record, path, tmp_path):
    save_run(RUN, tmp_path, {**record, field: value})
    with pytest.warns(UserWarning, match=f"the field {field!r} of {path}"):
        assert load_run(RUN, tmp_path) is None


def test_spaces_do_not_matter(record, path, tmp_path):
    path.write_text(json.dumps(json.loads(path.read_text("utf-8"))))
    assert load_run(RUN, tmp_path) == record


def load_damaged(path, content):
    """Returns what is read of a damaged record, and the warnings."""
    path.write_bytes(content)
    with pytest.warns(UserWarning, match=re.escape(str(path))) as caught:
        found = load_run(RUN, path.parents[1])
    assert "The run is trained again" in str(caught[0].message)
    return found


def test_a_flipped_bit_never_changes_a_result(record, path, tmp_path):
    whole = path.read_bytes()
    noticed = 0
    bits = np.linspace(0, 8 * len(whole) - 1, 300, dtype=int).tolist()
    for bit in bits:
        content = bytearray(whole)
        content[bit // 8] ^= 1 << bit % 8
        path.write_bytes(content)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = load_run(RUN, tmp_path)
        if found is None:
            (warning,) = caught
            assert str(path) in str(warning.message)
            noticed += 1
        else:  # A space became another.
            assert found == record
    assert noticed > 0.8 * len(bits)


@pytest.mark.parametrize("length", [0, 1, 100, -3, -100])
def test_a_record_that_is_cut_off(length, path):
    assert load_damaged(path, path.read_bytes()[:length]) is None


def test_other_damage(path):
    whole = path.read_bytes()
    assert load_damaged(path, bytes(len(whole))) is None
    assert load_damaged(path, whole + b"}") is None
    assert load_damaged(path, b"\xff" + whole) is None
    changed = whole.replace(b'"balanced": 33', b'"balanced": 34')
    assert load_damaged(path, changed) is None
    # Not even where the name of the checksum is damaged too.
    assert load_damaged(path, changed.replace(b"checksum", b"checkrum")) is None


def test_a_record_of_another_run_is_none_without_a_warning(path, record, tmp_path):
    save_run(RUN, tmp_path, {**record, "identity": {"seed": 4}})
    assert load_run(RUN, tmp_path) is None
    save_run(RUN, tmp_path, {**record, "status": "failed"})
    assert load_run(RUN, tmp_path) is None
    path.unlink()
    assert load_run(RUN, tmp_path) is None


def test_what_was_half_written_is_removed(path, tmp_path):
    half = [
        path.with_name(f".{path.name}.ab12cd_3.tmp"),
        path.with_name(".another-seed0-1.json.ab12cd_3.tmp"),
        tmp_path / ".results.json.ab12cd_3.tmp",
        tmp_path / ".report.html.ab12cd_3.tmp",
    ]
    other = tmp_path / ".notes.txt.ab12cd_3.tmp"
    for file in (*half, other):
        file.write_text("half")
    remove_half_written(tmp_path)
    assert sorted(tmp_path.iterdir()) == [other, path.parent]
    assert list(path.parent.iterdir()) == [path]
