import signal
import subprocess
import sys

import pytest

from keras_ccar.serving.atomic_folder import atomic_folder

# Begins a folder beside the one that its argument names, and never ends it.
BEGIN = """
import pathlib, sys, time
import importlib.util
spec = importlib.util.spec_from_file_location("atomic_folder", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
with module.atomic_folder(pathlib.Path(sys.argv[2])) as folder:
    (folder / "half").touch()
    print("begun", flush=True)
    time.sleep(600)
"""


def names(folder):
    return {path.name for path in folder.iterdir()}


def make(target):
    with atomic_folder(target) as folder:
        (folder / "whole").touch()


def test_leftovers_are_removed_and_nothing_else(tmp_path):
    leftover = tmp_path / f".7.{'0af' * 10}9d"
    (leftover / "variables").mkdir(parents=True)
    (leftover / "variables" / "x").touch()
    others = {
        "7",
        ".git",
        f".a.{'0' * 32}",
        f".1.{'0' * 31}",
        f"1.{'0' * 32}",
        f".1.{'0' * 32}.txt",
    }
    for name in others:
        (tmp_path / name).mkdir()
    file = f".1.{'1' * 32}"
    (tmp_path / file).touch()
    make(tmp_path / "8")
    assert names(tmp_path) == {*others, file, "8"}
    assert names(tmp_path / "8") == {"whole"}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks no folders")
def test_what_another_process_writes_stays_until_it_is_killed(tmp_path):
    source = sys.modules[atomic_folder.__module__].__file__
    process = subprocess.Popen(
        [sys.executable, "-c", BEGIN, source, str(tmp_path / "1")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "begun\n"
    make(tmp_path / "2")
    assert len(names(tmp_path)) == 2
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert len(names(tmp_path)) == 2  # It cleaned nothing up.
    make(tmp_path / "3")
    assert names(tmp_path) == {"2", "3"}


def test_a_failure_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), atomic_folder(tmp_path / "new" / "1"):
        raise KeyboardInterrupt
    assert names(tmp_path / "new") == set()
