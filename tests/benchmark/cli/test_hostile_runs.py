"""`keras-ccar compare` says in one sentence which file of a run stops it."""

import json

import pytest
from small_comparison import compare


@pytest.mark.slow
def test_a_damaged_run_is_named_and_trained_again_once_deleted(copied, capsys):
    path, *_ = sorted((copied / "runs").glob("*.json"))
    record = json.loads(path.read_text("utf-8"))
    before = (copied / "results.json").read_bytes()
    for field, value in (("balanced", "38"), ("environment", None), ("history", [])):
        path.write_text(json.dumps({**record, field: value}))
        capsys.readouterr()
        assert compare(copied) == 2
        error = capsys.readouterr().err
        assert f"{field!r} of {path} must be" in error
        assert "Delete the file" in error
        assert error.count("\n") == 1
        assert (copied / "results.json").read_bytes() == before
    path.unlink()
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
