import numpy as np
import pytest

from keras_ccar import datasets
from keras_ccar.benchmark.runner.checkpoint import Checkpoint
from keras_ccar.benchmark.spec.loss_options import LossOptions
from keras_ccar.benchmark.spec.methods import METHODS
from keras_ccar.benchmark.spec.recipe_book import get_recipe
from keras_ccar.benchmark.training import resumption
from keras_ccar.benchmark.training.loop import train_and_evaluate
from keras_ccar.benchmark.training.resumption import TrainingState

EPOCHS = 3
STEPS = 4  # an epoch


class Killed(BaseException):
    pass


def train(checkpoint=None, steps=None, method="ccar+la"):
    """Trains, until killed after a number of steps; returns the epochs of the steps."""
    data = datasets.load("digits-lt")
    recipe = get_recipe("digits-lt").with_settings(epochs=EPOCHS, batch_size=100)
    options = LossOptions()
    seen = []

    def on_progress(epoch, count):
        seen.extend([epoch] * count)
        if steps is not None and len(seen) >= steps:
            raise Killed

    outcome = train_and_evaluate(
        data, recipe, METHODS[method], options, 0, on_progress, checkpoint
    )
    return outcome, seen


@pytest.fixture(scope="module")
def undisturbed():
    return train()[0]


@pytest.fixture
def checkpoint(tmp_path):
    return Checkpoint(tmp_path / "run.npz", {"method": "ccar+la", "seed": 0})


@pytest.fixture
def always(monkeypatch):
    monkeypatch.setattr(resumption, "SECONDS_BETWEEN", 0.0)


def without_seconds(outcome):
    return {key: value for key, value in outcome.items() if key != "seconds"}


def state(**changes):
    values = {
        "epoch": 2,
        "seconds": 1.25,
        "losses": [0.1 + 0.2, 2.0],
        "statistics": [
            {"count": np.array([3.0, 0.0]), "mean_confidence": np.array([0.5, np.nan])},
            {"count": np.array([3.0, 1.0]), "mean_confidence": np.array([0.6, 0.1])},
        ],
        "variables": [np.float32([[1, 2]]), np.int64(7), np.zeros((0, 2), "uint32")],
    }
    return TrainingState(**values | changes)


# With deferred weights, the switch that turns them on after two epochs is restored too.
@pytest.mark.parametrize(
    "method", ["ccar+la", pytest.param("ldam-drw", marks=pytest.mark.slow)]
)
def test_a_killed_training_ends_as_if_undisturbed(checkpoint, always, method):
    undisturbed, _ = train(method=method)
    with pytest.raises(Killed):
        train(checkpoint, STEPS + 1, method)
    assert checkpoint.epoch() == 1
    seconds = checkpoint.load().seconds
    with pytest.raises(Killed):  # in the second epoch again: nothing is gained
        train(checkpoint, STEPS - 1, method)
    assert checkpoint.epoch() == 1
    outcome, seen = train(checkpoint, method=method)
    assert seen == [1] * STEPS + [2] * STEPS
    assert without_seconds(outcome) == without_seconds(undisturbed)
    assert outcome["seconds"] > seconds > 0
    # Killed after the last epoch, before the outcome was kept.
    assert checkpoint.epoch() == EPOCHS
    outcome, seen = train(checkpoint, method=method)
    assert seen == []
    assert without_seconds(outcome) == without_seconds(undisturbed)


def test_short_epochs_are_not_kept(checkpoint, undisturbed):
    assert undisturbed["seconds"] < resumption.SECONDS_BETWEEN * EPOCHS
    outcome, _ = train(checkpoint)
    assert without_seconds(outcome) == without_seconds(undisturbed)
    # At most one, should the machine be slow.
    assert checkpoint.epoch() <= outcome["seconds"] / resumption.SECONDS_BETWEEN


def test_what_is_saved_is_loaded(checkpoint):
    saved = state()
    checkpoint.save(saved)
    loaded = checkpoint.load()
    assert (loaded.epoch, loaded.seconds, loaded.losses) == (2, 1.25, saved.losses)
    for one, other in zip(loaded.statistics, saved.statistics, strict=True):
        assert one.keys() == other.keys()
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])
    for one, other in zip(loaded.variables, saved.variables, strict=True):
        np.testing.assert_array_equal(one, other, strict=True)
    checkpoint.save(state(epoch=3))
    assert checkpoint.epoch() == 3
    checkpoint.remove()
    assert checkpoint.load() == TrainingState()
    assert list(checkpoint.path.parent.iterdir()) == []


def test_damaged_files_are_not_used(checkpoint):
    checkpoint.save(state())
    whole = checkpoint.path.read_bytes()
    for content in [whole[:length] for length in (0, 10, 200, len(whole) - 1)]:
        checkpoint.path.write_bytes(content)
        assert checkpoint.load() == TrainingState()
        assert not checkpoint.path.exists()
    position = whole.index(np.float32([[1, 2]]).tobytes())
    checkpoint.path.write_bytes(
        whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :]
    )
    assert checkpoint.load() == TrainingState()


def test_a_file_of_another_run_is_neither_used_nor_removed(checkpoint):
    checkpoint.save(state())
    other = Checkpoint(checkpoint.path, {"method": "ccar+la", "seed": 1})
    assert other.load() == TrainingState()
    assert other.epoch() == 0
    assert checkpoint.epoch() == 2


class Trap:
    def __reduce__(self):
        return (pytest.fail, ("a file was unpickled",))


def test_nothing_is_unpickled(checkpoint):
    np.savez(checkpoint.path, header=np.array(Trap(), dtype=object))
    assert checkpoint.load() == TrainingState()
    np.save(checkpoint.path.with_suffix(".npy"), np.array([Trap()], dtype=object))
    checkpoint.path.with_suffix(".npy").rename(checkpoint.path)
    assert checkpoint.load() == TrainingState()


def test_what_was_half_written_is_removed_with_the_file(checkpoint):
    checkpoint.save(state())
    (checkpoint.path.parent / f".{checkpoint.path.name}.x1y2.tmp").write_text("half")
    checkpoint.remove()
    assert list(checkpoint.path.parent.iterdir()) == []


def test_one_that_does_not_fit_is_an_error_once(checkpoint, undisturbed):
    statistics = [{"count": np.ones(10), "mean_weight": np.ones(10)}] * 2
    checkpoint.save(state(statistics=statistics))
    with pytest.raises(ValueError, match="did not fit the network, and was removed"):
        train(checkpoint)
    outcome, _ = train(checkpoint)
    assert without_seconds(outcome) == without_seconds(undisturbed)
