import json
import os
import signal
import sys

import numpy as np
import pytest

from keras_ccar.files import (
    add_checksum,
    read_checked_json,
    read_json,
    remove_file,
    remove_leftovers,
    write_atomic,
    write_json,
)


def test_numpy_becomes_plain_json(tmp_path):
    path = tmp_path / "new" / "folder" / "x.json"
    value = {"a": np.arange(2), "b": np.float32(0.5), 3: (np.nan, np.inf), "c": "Ω"}
    write_json(path, value)
    assert read_json(path) == {"a": [0, 1], "b": 0.5, "3": [None, None], "c": "Ω"}
    assert "NaN" not in path.read_text("utf-8")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "x.json"
    write_atomic(path, "old")

    def no_space(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", no_space)
    with pytest.raises(OSError, match="No space"):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files")
def test_an_error_of_the_disk_names_the_file(tmp_path):
    """As of a full disk, whose error comes from writing, without a name."""
    import resource

    path = tmp_path / "x.json"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        with pytest.raises(OSError, match="too large") as raised:
            write_atomic(path, b"x" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert raised.value.filename == str(path)
    assert list(tmp_path.iterdir()) == []


def test_what_json_cannot_hold_is_not_written(tmp_path):
    path = tmp_path / "x.json"
    with pytest.raises(TypeError):
        write_json(path, {"x": object()})
    assert not path.exists()


def test_files_can_be_read_by_others(tmp_path):
    before = os.umask(0o022)
    try:
        write_atomic(tmp_path / "x", b"1")
    finally:
        os.umask(before)
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o644


def test_json_on_disk_is_strict(tmp_path):
    write_json(tmp_path / "x.json", [float("nan")])

    def refuse(name):
        raise AssertionError(name)

    assert json.loads((tmp_path / "x.json").read_text(), parse_constant=refuse) == [
        None
    ]


def test_infinity_is_kept_only_where_asked(tmp_path):
    path = tmp_path / "x.json"
    value = {"a": np.array([np.nan, np.inf]), "b": "Ω"}
    write_json(path, value, indent=None, keep_infinity=True)
    assert path.read_text("utf-8") == '{"a": [null, Infinity], "b": "Ω"}\n'
    write_json(path, value)
    assert path.read_text("utf-8") == (
        '{\n "a": [\n  null,\n  null\n ],\n "b": "Ω"\n}\n'
    )


def test_what_was_half_written_is_removed_with_the_file(tmp_path):
    write_atomic(tmp_path / "x.json", "whole")
    (tmp_path / ".x.json.x1y2.tmp").write_text("half")
    (tmp_path / "y.json").write_text("another")
    remove_file(tmp_path / "x.json")
    remove_file(tmp_path / "x.json")
    assert [path.name for path in tmp_path.iterdir()] == ["y.json"]


def test_a_checksum_covers_the_content(tmp_path):
    path = tmp_path / "x.json"
    content = {"a": np.float64(0.1) + 0.2, "b": [1, None, "Ω"], "c": {"d": np.nan}}
    write_json(path, add_checksum(content))
    read = read_checked_json(path)
    assert read == {"a": 0.1 + 0.2, "b": [1, None, "Ω"], "c": {"d": None}}
    path.write_text(path.read_text("utf-8").replace("0.30000000000000004", "0.3"))
    with pytest.raises(ValueError, match="is damaged, or was edited"):
        read_checked_json(path)
    for text, value in (("[1]", [1]), ('{"a": 1}', {"a": 1})):
        path.write_text(text)
        assert read_checked_json(path) == value
    path.write_text("{")
    with pytest.raises(ValueError, match="is not JSON"):
        read_checked_json(path)


def test_leftovers_of_these_files_alone_are_removed(tmp_path):
    for name in (".a.json.x1y2.tmp", ".b.csv.x1y2.tmp", ".a.tmp", "a.json"):
        (tmp_path / name).touch()
    remove_leftovers(tmp_path, "*.json")
    remove_leftovers(tmp_path / "none", "*")
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == [".a.tmp", ".b.csv.x1y2.tmp", "a.json"]
