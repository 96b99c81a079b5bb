import json
import pickle
import types

import h5py
import keras
import numpy as np
import pytest

from keras_ccar import datasets
from keras_ccar.benchmark.spec.loss_options import LossOptions
from keras_ccar.benchmark.spec.methods import METHODS
from keras_ccar.benchmark.spec.recipe_book import get_recipe
from keras_ccar.benchmark.training import run_backup
from keras_ccar.benchmark.training.loop import train_and_evaluate
from keras_ccar.benchmark.training.run_backup import RunBackup, TrainingRecorder

EPOCHS = 3
STEPS = 4  # an epoch
IDENTITY = {"method": "ccar+la", "seed": 0}


class Killed(BaseException):
    pass


def train(directory=None, steps=None, method="ccar+la"):
    """Trains, until killed after a number of steps; returns the epochs of the steps."""
    data = datasets.load("digits-lt")
    recipe = get_recipe("digits-lt").with_settings(epochs=EPOCHS, batch_size=100)
    options = LossOptions(epoch_scales=(1.6, 0.7, 1.1))
    seen = []

    def on_progress(epoch, count):
        seen.extend([epoch] * count)
        if steps is not None and len(seen) >= steps:
            raise Killed

    backup = directory and RunBackup(directory, IDENTITY)
    outcome = train_and_evaluate(
        data, recipe, METHODS[method], options, 0, on_progress, backup
    )
    return outcome, seen


@pytest.fixture(scope="module")
def undisturbed():
    return train()[0]


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "run"


@pytest.fixture
def always(monkeypatch):
    monkeypatch.setattr(run_backup, "SECONDS_BETWEEN", 0.0)


def without_seconds(outcome):
    return {key: value for key, value in outcome.items() if key != "seconds"}


def epoch_in(directory, identity=IDENTITY):
    """The epoch that a run is to go on with."""
    return RunBackup(directory, identity).epoch


class Training:
    """A small model and its backup, in the third epoch of a training or before it."""

    def __init__(self, directory, identity=IDENTITY):
        keras.utils.set_random_seed(0)
        self.model = keras.Sequential(
            [
                keras.Input((2,)),
                keras.layers.Dense(3),
                keras.layers.Dropout(0.5, seed=1),
            ]
        )
        self.model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
        self.statistics = types.SimpleNamespace(history=[])
        self.recorder = TrainingRecorder(self.statistics, None)
        self.backup = RunBackup(directory, identity)
        self.backup.recorder = self.recorder
        self.backup.set_model(self.model)

    def save(self, epoch=2):
        self.model.train_on_batch(np.ones((4, 2)), np.ones((4, 3)))
        self.recorder.seconds = 1.25
        self.recorder.losses = [0.1 + 0.2] + [2.0] * (epoch - 1)
        self.recorder.tests = [{"epoch": 1, "balanced": 12.5, "few": None}]
        self.statistics.history[:] = [
            {"count": np.array([3.0, 0.0]), "mean_confidence": np.array([0.5, np.nan])},
            {"count": np.array([3.0, 1.0]), "mean_confidence": np.array([0.6, 0.1])},
        ] + [{"count": np.ones(2), "mean_confidence": np.ones(2)}] * (epoch - 2)
        self.backup._save(epoch, 0)
        return self

    def load(self):
        self.backup.on_train_begin()
        return self

    @property
    def values(self):
        variables = [*self.model.variables, *self.model.optimizer.variables]
        return [keras.ops.convert_to_numpy(variable) for variable in variables]

    def is_at_its_beginning(self):
        self.load()
        recorder, new = self.recorder, Training("nowhere")
        np.testing.assert_equal(
            [v.tolist() for v in self.values[:2]], [v.tolist() for v in new.values[:2]]
        )
        return not (
            self.backup.epoch
            or recorder.seconds
            or recorder.losses
            or recorder.tests
            or self.statistics.history
        )


def file_in(directory):
    (path,) = directory.glob("*.h5")
    return path


# With deferred weights, the switch that turns them on after two epochs is restored too.
@pytest.mark.parametrize(
    "method", ["ccar+la", pytest.param("ldam-drw", marks=pytest.mark.slow)]
)
def test_a_killed_training_ends_as_if_undisturbed(directory, always, method):
    undisturbed, _ = train(method=method)
    with pytest.raises(Killed):
        train(directory, STEPS + 1, method)
    assert epoch_in(directory) == 1
    with h5py.File(file_in(directory)) as file:
        seconds = json.loads(file["record"][()])["seconds"]
    with pytest.raises(Killed):  # in the second epoch again: nothing is gained
        train(directory, STEPS - 1, method)
    assert epoch_in(directory) == 1
    outcome, seen = train(directory, method=method)
    assert seen == [1] * STEPS + [2] * STEPS
    assert without_seconds(outcome) == without_seconds(undisturbed)
    assert outcome["seconds"] > seconds > 0
    # Killed after the last epoch, before the outcome was kept.
    assert epoch_in(directory) == EPOCHS
    outcome, seen = train(directory, method=method)
    assert seen == []
    assert without_seconds(outcome) == without_seconds(undisturbed)


def test_short_epochs_are_not_kept(directory, undisturbed):
    assert undisturbed["seconds"] < run_backup.SECONDS_BETWEEN * EPOCHS
    outcome, _ = train(directory)
    assert without_seconds(outcome) == without_seconds(undisturbed)
    # At most one, should the machine be slow.
    assert epoch_in(directory) <= outcome["seconds"] / run_backup.SECONDS_BETWEEN


def test_what_is_saved_is_loaded(directory):
    saved = Training(directory).save()
    loaded = Training(directory).load()
    assert loaded.backup.epoch == 2
    for name in ("seconds", "losses", "tests"):
        assert getattr(loaded.recorder, name) == getattr(saved.recorder, name)
    np.testing.assert_equal(loaded.statistics.history, saved.statistics.history)
    assert len(loaded.values) == len(saved.values) == 7
    for one, other in zip(loaded.values, saved.values, strict=True):
        np.testing.assert_array_equal(one, other, strict=True)
    saved.save(epoch=3)
    assert epoch_in(directory) == 3
    run_backup.remove_backup(saved.backup.directory)
    assert list(directory.parent.iterdir()) == []
    assert Training(directory).is_at_its_beginning()


def begins_again(directory):
    """Whether a run begins again, after a warning that names its one, damaged file."""
    path = file_in(directory)
    with pytest.warns(UserWarning, match=f"backups of a run are damaged: {path}"):
        training = Training(directory)
    assert not path.exists()
    return training.is_at_its_beginning()


def test_damaged_files_are_not_used(directory):
    saved = Training(directory).save()
    path = file_in(directory)
    whole = path.read_bytes()
    for content in [whole[:length] for length in (0, 10, 200, len(whole) - 1)]:
        path.write_bytes(content)
        assert begins_again(directory)
    position = whole.index(saved.values[0].tobytes())
    path.write_bytes(
        whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :]
    )
    assert begins_again(directory)


def test_the_file_before_a_damaged_one_is_used(directory):
    expected = Training(directory).save()
    older = file_in(directory)
    expected_values = expected.values
    expected.save(epoch=3)
    (newer,) = set(directory.glob("*.h5")) - {older}
    newer.write_bytes(bytes(newer.stat().st_size))
    with pytest.warns(UserWarning, match=f"{newer} is damaged"):
        training = Training(directory).load()
    assert training.backup.epoch == len(training.recorder.losses) == 2
    for one, other in zip(training.values, expected_values, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_file_of_another_run_is_neither_used_nor_removed(directory):
    Training(directory).save()
    other = {"method": "ccar+la", "seed": 1}
    assert Training(directory, other).is_at_its_beginning()
    assert epoch_in(directory, other) == 0
    assert epoch_in(directory) == 2


class Trap:
    def __reduce__(self):
        return (pytest.fail, ("a file was unpickled",))


def test_nothing_is_unpickled(directory):
    Training(directory).save()
    path = file_in(directory)
    with h5py.File(path, "a") as file:
        del file["record"]
        file["record"] = np.void(pickle.dumps(Trap()))
    # As if an earlier version had written it, which added no checksum.
    whole = path.rename(directory / "epoch-2-batch-0.weights.h5").read_bytes()
    with pytest.raises(TypeError, match="JSON"):
        Training(directory).load()
    path.write_bytes(whole)
    (directory / "epoch-2-batch-0.weights.h5").unlink()
    assert begins_again(directory)
    path.write_bytes(pickle.dumps(Trap()))
    assert begins_again(directory)


def test_what_was_half_written_is_removed_with_the_file(directory):
    training = Training(directory).save()
    (directory / "partial-0.weights.h5").write_text("half")
    run_backup.remove_backup(training.backup.directory)
    assert list(directory.parent.iterdir()) == []


def test_one_that_does_not_fit_is_an_error_once(directory, undisturbed):
    Training(directory).save()  # another network
    with pytest.raises(ValueError, match="did not fit the network, and was removed"):
        train(directory)
    outcome, _ = train(directory)
    assert without_seconds(outcome) == without_seconds(undisturbed)
