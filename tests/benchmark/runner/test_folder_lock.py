import os
import signal
import subprocess
import sys

import pytest

from keras_ccar.benchmark.runner import folder_lock
from keras_ccar.benchmark.runner.folder_lock import (
    FolderInUseError,
    lock_folder,
    on_first_host,
)
from keras_ccar.files import write_atomic

HOLD = """
import sys
from keras_ccar.benchmark.runner.folder_lock import lock_folder
with lock_folder(sys.argv[1]):
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def second_host(monkeypatch):
    monkeypatch.setattr(folder_lock, "process_index", lambda: 1)


def test_a_folder_has_one_user_at_a_time(tmp_path):
    folder = tmp_path / "new" / "folder"
    with lock_folder(folder):
        message = "another comparison is at work in"
        with pytest.raises(FolderInUseError, match=message), lock_folder(folder):
            pass
        # That attempt has not ended the first use.
        with pytest.raises(FolderInUseError), lock_folder(folder):
            pass
    with lock_folder(folder):
        pass
    assert list(folder.iterdir()) == []


def test_an_error_unlocks(tmp_path):
    with pytest.raises(RuntimeError), lock_folder(tmp_path):
        raise RuntimeError
    with lock_folder(tmp_path):
        pass


@pytest.mark.slow
def test_a_killed_process_unlocks(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline() == "locked\n"
        with pytest.raises(FolderInUseError), lock_folder(tmp_path):
            pass
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    with lock_folder(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_first_host_locks_for_all(tmp_path, second_host):
    with lock_folder(tmp_path), lock_folder(tmp_path):
        assert list(tmp_path.iterdir()) == []


def test_the_first_host_writes(tmp_path):
    on_first_host(write_atomic, tmp_path / "x", "content")
    assert (tmp_path / "x").read_text() == "content"


def test_other_hosts_do_not_write(tmp_path, second_host):
    on_first_host(write_atomic, tmp_path / "x", "content")
    assert list(tmp_path.iterdir()) == []
