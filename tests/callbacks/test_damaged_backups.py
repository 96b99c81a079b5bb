"""Trainings whose backups are damaged, or cannot be written."""

import contextlib
import os
import warnings

import h5py
import keras
import numpy as np
import pytest
from backed_up_training import STEPS, Interrupt, classifier, fit, full_disk

import keras_ccar
from keras_ccar.callbacks.backup_files import BackupFiles


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    return fit(classifier(), keras_ccar.BackupAndResume(folder, 2))


@pytest.fixture
def pair(tmp_path):
    """The two backups that a training has when it is killed."""
    with pytest.raises(InterruptedError):
        fit(classifier(), keras_ccar.BackupAndResume(tmp_path, 2), Interrupt(1, 4))
    pair = sorted(tmp_path.glob("*.h5"))
    assert [path.name[:15] for path in pair] == ["epoch-1-batch-2", "epoch-1-batch-4"]
    return pair


def flip_a_weight(path):
    """Flips the lowest bit of a weight: a wrong number that any reader would load."""
    with h5py.File(path) as file:
        weight = file["layers/dense/vars/0"][()].tobytes()
    content = bytearray(path.read_bytes())
    content[content.index(weight)] ^= 1
    path.write_bytes(content)


def zero(path):
    path.write_bytes(bytes(path.stat().st_size))


def truncate(path):
    os.truncate(path, path.stat().st_size // 2)


def assert_ends_alike(outcome, expected, first_epoch=0):
    history, weights = outcome
    np.testing.assert_equal(history, expected[0][first_epoch:])
    for actual, wanted in zip(weights, expected[1], strict=True):
        np.testing.assert_array_equal(actual, wanted)


@pytest.mark.slow
@pytest.mark.parametrize("damage", [flip_a_weight, zero, truncate])
def test_the_older_backup_leads_to_the_same_end(damage, pair, undisturbed):
    older, newer = pair
    damage(newer)
    with pytest.warns(UserWarning, match=f"{newer} is damaged.*{older.name}"):
        backup = keras_ccar.BackupAndResume(older.parent, 2)
    assert (backup.epoch, backup.batch) == (1, 2)
    # No second warning when the training begins.
    assert_ends_alike(fit(classifier(), backup), undisturbed, first_epoch=1)


def test_the_damaged_file_goes_with_the_next_backup(pair, tmp_path):
    zero(pair[1])
    with pytest.warns(UserWarning, match="is damaged"):
        backup = keras_ccar.BackupAndResume(tmp_path, 2)
    with pytest.raises(InterruptedError):
        fit(classifier(), backup, Interrupt(1, 4))
    again = sorted(tmp_path.glob("*.h5"))
    assert again[0] == pair[0]
    assert BackupFiles(tmp_path, lambda path: True).find_newest().path == again[1]


@pytest.mark.slow
def test_the_advice_of_the_message_works(pair, undisturbed):
    for path in pair:
        truncate(path)
    folder = pair[0].parent
    with pytest.raises(ValueError, match="To begin the training again, delete") as info:
        keras_ccar.BackupAndResume(folder, 2)
    files = str(info.value).rpartition("again, delete ")[2].removesuffix(".")
    for path in files.split(" and "):
        os.unlink(path)
    backup = keras_ccar.BackupAndResume(folder, 2)
    assert (backup.epoch, backup.batch) == (0, 0)
    assert_ends_alike(fit(classifier(), backup), undisturbed)


def test_damage_that_comes_after_the_construction_is_noticed(pair):
    backup = keras_ccar.BackupAndResume(pair[0].parent, 2)
    for path in pair:
        zero(path)
    with pytest.raises(ValueError, match="all are damaged"):
        fit(classifier(), backup)


@pytest.mark.slow
def test_a_backup_without_a_checksum_is_resumed(pair, undisturbed):
    pair[0].unlink()
    pair[1].rename(pair[1].with_name("epoch-1-batch-4.weights.h5"))
    backup = keras_ccar.BackupAndResume(pair[0].parent, 2)
    assert (backup.epoch, backup.batch) == (1, 4)
    assert_ends_alike(fit(classifier(), backup), undisturbed, first_epoch=1)


def test_a_folder_that_cannot_be_is_refused_when_training_begins(tmp_path):
    (tmp_path / "file").touch()
    model = classifier()
    before = [keras.ops.convert_to_numpy(weight) for weight in model.weights]
    backup = keras_ccar.BackupAndResume(tmp_path / "file" / "backup")
    with pytest.raises(ValueError, match="`directory` must be a folder") as error:
        fit(model, backup)
    assert str(tmp_path / "file" / "backup") in str(error.value)
    for weight, other in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(weight), other)


class OnFullDisk(keras_ccar.BackupAndResume):
    """A backup that finds the disk full in the middle of one epoch."""

    def __init__(self, directory, full_in_epoch):
        super().__init__(directory, 2, delete_checkpoint=False)
        self.full_in_epoch = full_in_epoch
        self.kept = []

    def on_epoch_begin(self, epoch, logs=None):
        self.is_full = epoch == self.full_in_epoch
        super().on_epoch_begin(epoch, logs)

    def on_train_batch_end(self, batch, logs=None):
        with full_disk(1000) if self.is_full else contextlib.nullcontext():
            super().on_train_batch_end(batch, logs)
        if self.is_full:
            self.kept.append(names_in(self.directory))


def names_in(folder):
    return [path.name[:15] for path in sorted(folder.iterdir())]


def test_a_disk_that_becomes_full_does_not_end_the_training(tmp_path, undisturbed):
    backup = OnFullDisk(tmp_path, full_in_epoch=1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        outcome = fit(classifier(), backup)
    assert_ends_alike(outcome, undisturbed)
    messages = [str(warning.message) for warning in caught]
    failures = [text for text in messages if "could not be written" in text]
    assert len(failures) == 2
    assert f"The backup {tmp_path}/epoch-1-batch-2-" in failures[0]
    assert f"The backup {tmp_path}/epoch-1-batch-4-" in failures[1]
    # The last two stayed, and nothing half written was there beside them.
    assert backup.kept == [["epoch-0-batch-4", "epoch-1-batch-0"]] * STEPS
    # With room on the disk, the later ones were written.
    assert names_in(tmp_path) == ["epoch-2-batch-4", "epoch-3-batch-0"]


@pytest.mark.slow
def test_after_a_failed_backup_the_one_before_it_is_resumed(tmp_path, undisturbed):
    backup = OnFullDisk(tmp_path, full_in_epoch=0)
    with (
        pytest.warns(UserWarning, match="epoch-0-batch-[24]-.* could not be written"),
        pytest.raises(InterruptedError),
    ):
        fit(classifier(), backup, Interrupt(0, 4))
    # The next `fit` may ask the callback where it begins.
    assert (backup.epoch, backup.batch) == (0, 0)
    backup.full_in_epoch = None
    assert_ends_alike(fit(classifier(), backup), undisturbed)
