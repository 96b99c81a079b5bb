"""`keras-ccar compare` says in one sentence which file of a run stops it."""

import json

import pytest
from small_comparison import compare


@pytest.mark.slow
@pytest.mark.parametrize(
    ("field", "value"), [("balanced", "38"), ("environment", None), ("history", [])]
)
def test_an_incomplete_run_is_named_and_trained_again(copied, field, value):
    path, *_ = sorted((copied / "runs").glob("*.json"))
    record = json.loads(path.read_text("utf-8"))
    # A person who edits a record deletes its checksum.
    edited = {key: record[key] for key in record if key != "checksum"}
    path.write_text(json.dumps({**edited, field: value}))
    with pytest.warns(UserWarning, match=f"the field {field!r} of {path}"):
        assert compare(copied) == 0
    assert json.loads(path.read_text("utf-8"))["balanced"] == record["balanced"]


def test_a_file_where_the_folder_of_runs_should_be(tmp_path, capsys):
    (tmp_path / "runs").touch()
    assert compare(tmp_path) == 2
    assert f"error: {tmp_path / 'runs'}" in capsys.readouterr().err


def test_a_folder_where_the_results_should_be(tmp_path, capsys):
    (tmp_path / "results.json").mkdir()
    assert compare(tmp_path) == 2
    message = f"error: {tmp_path / 'results.json'}: Is a directory."
    assert message in capsys.readouterr().err
