import errno
import os
import re
import subprocess
import sys
import warnings

import h5py
import keras
import numpy as np
import pytest
from backed_up_training import full_disk

import keras_ccar
from keras_ccar.callbacks.backup_files import BackupFiles, DamagedBackupError
from keras_ccar.keras_internals import save_weights_to_memory

CONTENTS = [np.random.default_rng(seed).bytes(3000) for seed in range(4)]


def files_in(folder):
    return BackupFiles(folder, is_usable=lambda path: True)


def paths_in(folder):
    """All files in the folder, the older backup first."""
    return sorted(folder.iterdir())


@pytest.fixture
def pair(tmp_path):
    """An older and a newer backup."""
    files = files_in(tmp_path)
    for batch in (2, 4):
        assert files.write(1, batch, memoryview(CONTENTS[batch - 1]))
    return paths_in(tmp_path)


def assert_falls_back(older, newer):
    message = f"{re.escape(str(newer))} is damaged: its checksum.*{older.name}"
    with pytest.warns(UserWarning, match=message):
        found = files_in(older.parent).find_newest()
    assert (found.path, found.epoch, found.batch) == (older, 1, 2)


def flipped(content, bit):
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_the_newest_of_two_is_found(pair):
    found = files_in(pair[0].parent).find_newest()
    assert (found.path, found.epoch, found.batch) == (pair[1], 1, 4)
    assert found.path.read_bytes() == CONTENTS[3]


@pytest.mark.parametrize("bit", range(0, 8 * 3000, 8 * 3000 // 60 + 1))
def test_a_flipped_bit_is_noticed(bit, pair):
    older, newer = pair
    newer.write_bytes(flipped(CONTENTS[3], bit))
    assert_falls_back(older, newer)


@pytest.mark.parametrize(
    "content",
    [
        *(CONTENTS[3][:length] for length in (0, 1, 8, 512, 2048, 2999)),
        bytes(3000),
        CONTENTS[3] + b"\0",
        CONTENTS[3][1500:] + CONTENTS[3][:1500],
        CONTENTS[0],
    ],
)
def test_other_damage_is_noticed(content, pair):
    older, newer = pair
    newer.write_bytes(content)
    assert_falls_back(older, newer)


def test_a_warning_comes_once_for_each_file(pair):
    older, newer = pair
    newer.write_bytes(b"")
    files = files_in(older.parent)
    with pytest.warns(UserWarning, match="is damaged"):
        files.find_newest()
    assert files.find_newest().path == older


def test_what_cannot_be_read_is_damaged(pair):
    older, newer = pair
    newer.unlink()
    newer.mkdir()  # Root may read any file.
    with pytest.warns(UserWarning, match=f"{newer} is damaged: it cannot be read"):
        assert files_in(older.parent).find_newest().path == older


def test_where_none_is_whole_the_message_names_the_files(pair):
    for path in pair:
        path.write_bytes(b"")
    folder = pair[0].parent
    with pytest.raises(DamagedBackupError, match="`directory` must hold") as error:
        files_in(folder).find_newest()
    advice = str(error.value).partition("To begin the training again, delete ")[2]
    assert advice.removesuffix(".").split(" and ") == [str(pair[1]), str(pair[0])]
    for path in advice.removesuffix(".").split(" and "):
        os.unlink(path)
    assert files_in(folder).find_newest() is None


def test_two_are_kept_and_a_damaged_one_is_not_among_them(tmp_path):
    files = files_in(tmp_path)
    for batch in (1, 2, 3):
        assert files.write(0, batch, memoryview(CONTENTS[batch]))
    second, third = paths_in(tmp_path)
    assert [path.name[:15] for path in (second, third)] == [
        "epoch-0-batch-2",
        "epoch-0-batch-3",
    ]
    third.write_bytes(b"")
    files = files_in(tmp_path)
    with pytest.warns(UserWarning, match="is damaged"):
        files.find_newest()
    # The same position again, this time whole.
    assert files.write(0, 3, memoryview(CONTENTS[0]))
    assert paths_in(tmp_path)[0] == second
    assert paths_in(tmp_path)[1].read_bytes() == CONTENTS[0]


def test_writing_one_position_twice_leaves_the_one_before_it(pair):
    files = files_in(pair[0].parent)
    files.find_newest()
    assert files.write(1, 4, memoryview(CONTENTS[0]))
    assert paths_in(pair[0].parent)[0] == pair[0]
    assert files.find_newest().path.read_bytes() == CONTENTS[0]
    assert files.write(1, 4, memoryview(CONTENTS[0]))  # The very same content.
    assert len(paths_in(pair[0].parent)) == 2


@pytest.mark.parametrize("written", [0, 1500, 3000])
def test_a_kill_before_the_renaming(written, pair):
    folder = pair[0].parent
    digest = 64 * "a"
    name = f".epoch-1-batch-6-sha256-{digest}.weights.h5.a_b1c2d3.tmp"
    (folder / name).write_bytes(CONTENTS[0][:written])
    (folder / "partial-0.weights.h5").write_bytes(CONTENTS[0][:written])
    (folder / ".notes.tmp").touch()
    files = files_in(folder)
    assert files.find_newest().path == pair[1]
    files.prepare(is_writer=False)
    assert len(paths_in(folder)) == 5
    files.prepare(is_writer=True)
    assert paths_in(folder) == [folder / ".notes.tmp", *pair]


def test_a_kill_between_the_renaming_and_the_deletion(pair):
    folder = pair[0].parent
    before = {path: path.read_bytes() for path in pair}
    files = files_in(folder)
    files.find_newest()
    files.write(1, 6, memoryview(CONTENTS[0]))
    for path, content in before.items():
        path.write_bytes(content)  # as if it had not come to the deletion
    assert len(paths_in(folder)) == 3
    files = files_in(folder)
    assert files.find_newest().batch == 6
    files.write(1, 8, memoryview(CONTENTS[2]))
    assert [path.name[:15] for path in paths_in(folder)] == [
        "epoch-1-batch-6",
        "epoch-1-batch-8",
    ]


# Forked processes write backups in a row, and are killed at random moments.
KILLS = """
import os, pathlib, random, signal, sys, time, warnings
from keras_ccar.callbacks.backup_files import BackupFiles

folder, choose, reached, half = pathlib.Path(sys.argv[1]), random.Random(0), 0, 0
for _ in range(60):
    with warnings.catch_warnings():  # JAX warns of forking.
        warnings.simplefilter("ignore")
        child = os.fork()
    if child == 0:
        files = BackupFiles(folder, lambda path: True)
        files.find_newest()
        files.prepare(is_writer=True)
        while True:
            reached += 1
            files.write(reached, 0, memoryview(os.urandom(200_000)))
    time.sleep(choose.random() * 0.05)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    half += any(folder.glob(".*.tmp"))
    warnings.simplefilter("error")
    newest = BackupFiles(folder, lambda path: True).find_newest()
    epoch = newest.epoch if newest else 0
    assert epoch >= reached, (epoch, reached)
    reached = epoch
assert reached and half, (reached, half)
BackupFiles(folder, lambda path: True).prepare(is_writer=True)
assert not list(folder.glob(".*.tmp"))
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_kill_at_any_moment_leaves_a_whole_backup(tmp_path):
    subprocess.run([sys.executable, "-c", KILLS, str(tmp_path)], check=True)


def test_content_and_name_are_on_disk_before_an_older_file_goes(pair, monkeypatch):
    calls = []

    def spy(module, name):
        function = getattr(module, name)

        def call(*arguments, **named):
            calls.append(name)
            return function(*arguments, **named)

        monkeypatch.setattr(module, name, call)

    files = files_in(pair[0].parent)
    files.find_newest()
    for name in ("fsync", "replace", "unlink"):
        spy(os, name)
    files.write(1, 6, memoryview(CONTENTS[0]))
    assert calls == ["fsync", "replace", "fsync", "unlink"]


def test_other_backups_are_passed_over(pair):
    files = BackupFiles(pair[0].parent, is_usable=lambda path: path == pair[0])
    assert files.find_newest().path == pair[0]
    assert BackupFiles(pair[0].parent, lambda path: False).find_newest() is None


def test_a_file_without_a_checksum_is_believed_if_hdf5_can_open_it(tmp_path):
    path = tmp_path / "epoch-2-batch-4.weights.h5"
    with h5py.File(path, "w") as file:
        file["x"] = np.arange(100)
    found = files_in(tmp_path).find_newest()
    assert (found.path, found.epoch, found.batch) == (path, 2, 4)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(DamagedBackupError, match=f"delete {path}"):
        files_in(tmp_path).find_newest()


@pytest.mark.parametrize("name", ["file/backup", "file"])
def test_a_folder_that_cannot_be(name, tmp_path):
    (tmp_path / "file").touch()
    files = files_in(tmp_path / name)
    assert files.find_newest() is None
    for is_writer in (True, False):
        with pytest.raises(ValueError, match="`directory` must be a folder that"):
            files.prepare(is_writer)


def test_a_folder_on_a_full_disk_is_refused(tmp_path):
    files = files_in(tmp_path)
    with full_disk(100), pytest.raises(ValueError, match="where writing fails"):
        files.prepare(is_writer=True)
    files.prepare(is_writer=True)
    assert paths_in(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may")
def test_a_folder_that_forbids_writing_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(ValueError, match="where writing fails"):
        files_in(tmp_path).prepare(is_writer=True)


@pytest.mark.parametrize("size", [0, 1000, 2999])
def test_a_disk_that_becomes_full(size, pair):
    files = files_in(pair[0].parent)
    files.find_newest()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with full_disk(size):
            assert not files.write(1, 6, memoryview(CONTENTS[0]))
    (warning,) = caught
    assert str(pair[0].parent / "epoch-1-batch-6") in str(warning.message)
    assert os.strerror(errno.EFBIG) in str(warning.message)
    assert paths_in(pair[0].parent) == pair
    assert files_in(pair[0].parent).find_newest().path == pair[1]
    # Once there is room, the next backup is written.
    assert files.write(1, 8, memoryview(CONTENTS[2]))
    assert files_in(pair[0].parent).find_newest().batch == 8


def test_weights_in_memory_are_those_of_a_weights_file(tmp_path):
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3)])
    model.compile("adam", keras_ccar.CCARLoss([3, 2, 1], from_logits=True))
    model.train_on_batch(np.ones((4, 5)), np.zeros(4))
    model.save_weights(tmp_path / "x.weights.h5")

    def contents(file):
        found = {}
        with h5py.File(file) as opened:
            opened.visititems(
                lambda name, item: found.update(
                    {name: (dict(item.attrs), getattr(item, "dtype", None))}
                )
            )
            for name, (_, dtype) in found.items():
                if dtype is not None:
                    found[name] = (*found[name], opened[name][()].tolist())
        return found

    expected = contents(tmp_path / "x.weights.h5")
    assert contents(save_weights_to_memory(model)) == expected
    assert len(expected) > 6
