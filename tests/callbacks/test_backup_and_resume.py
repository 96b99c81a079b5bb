import keras
import numpy as np
import pytest
from backed_up_training import COUNTS, STEPS, Batches, Interrupt, classifier, fit
from keras import ops

import keras_ccar

CASES = [
    ("epoch", (1, 3), (1, 0), 1),
    (2, (0, 3), (0, 4), 1),
    (2, (1, 5), (1, 4), 1),
    (4, (2, 1), (2, 0), 1),
    (100, (0, 3), (0, 0), 1),
]
if keras.backend.backend() != "torch":
    CASES.append((2, (1, 5), (1, 4), 2))


@pytest.mark.parametrize(
    ("save_freq", "killed_at", "position", "steps_per_execution"), CASES
)
def test_ends_as_if_never_interrupted(
    save_freq, killed_at, position, steps_per_execution, tmp_path
):
    options = {"steps_per_execution": steps_per_execution}
    whole = keras_ccar.BackupAndResume(tmp_path / "whole", save_freq)
    history, weights = fit(classifier(**options), whole)
    folder = tmp_path / "killed"
    backup = keras_ccar.BackupAndResume(folder, save_freq)
    with pytest.raises(InterruptedError):
        fit(classifier(**options), backup, Interrupt(*killed_at))
    backup = keras_ccar.BackupAndResume(folder, save_freq)
    assert (backup.epoch, backup.batch) == position
    resumed, resumed_weights = fit(classifier(**options), backup)
    np.testing.assert_equal(resumed, history[position[0] :])
    for actual, expected in zip(resumed_weights, weights, strict=True):
        np.testing.assert_array_equal(actual, expected)
    assert not list(folder.glob("*.h5"))


def test_last_two_backups_stay_where_asked(tmp_path):
    backup = keras_ccar.BackupAndResume(tmp_path, delete_checkpoint=False)
    _, weights = fit(classifier(), backup)
    before, path = sorted(tmp_path.glob("*.h5"))
    assert before.name.startswith("epoch-2-batch-0-")
    model = classifier()
    model.optimizer.build(model.trainable_variables)
    model.load_weights(path)
    for actual, expected in zip(model.weights, weights, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(actual), expected)
    assert keras_ccar.BackupAndResume(tmp_path).epoch == 3
    # Started once more, it has nothing left to train, and no epoch to count.
    fit(classifier(), keras_ccar.BackupAndResume(tmp_path, delete_checkpoint=False))
    assert keras_ccar.BackupAndResume(tmp_path).epoch == 3


def test_the_loss_has_the_frequencies_that_were_reached(tmp_path):
    outcomes = []
    for _ in range(2):  # The second time there is nothing left to train.
        model = classifier()
        model.compile("sgd", keras_ccar.CCARLoss([1, 1, 1], from_logits=True))
        fit(model, keras_ccar.BackupAndResume(tmp_path, delete_checkpoint=False))
        outcomes.append(model.loss.get_config()["prior"][0])
    np.testing.assert_allclose(*outcomes, rtol=1e-6)
    assert outcomes[0][0] > 0.5


class Stop(keras.callbacks.Callback):
    def __init__(self, batch):
        super().__init__()
        self.batch = batch

    def on_train_batch_end(self, batch, logs=None):
        if batch == self.batch:
            self.model.stop_training = True


def stopped_after(folder, batch, data=None):
    """Returns where a training that is stopped after a batch is to go on."""
    backup = keras_ccar.BackupAndResume(folder, delete_checkpoint=False)
    classifier().fit(
        Batches(backup.epoch) if data is None else data,
        shuffle=False,
        epochs=3,
        verbose=0,
        callbacks=[Stop(batch), backup],
    )
    left = keras_ccar.BackupAndResume(folder)
    return left.epoch, left.batch


def test_stopped_in_mid_epoch_it_goes_on_at_the_batch(tmp_path):
    assert stopped_after(tmp_path, 3) == (0, 4)
    # Stopped while it passes over those, it has come no further and no less far.
    assert stopped_after(tmp_path, 1) == (0, 4)
    assert stopped_after(tmp_path, 4) == (0, 5)


def test_stopped_in_an_epoch_of_unknown_length(tmp_path):
    data = (Batches(0)[index] for index in range(STEPS))
    assert stopped_after(tmp_path, 2, data) == (0, 3)


def test_interrupted_while_passing_over_the_model_still_trains(tmp_path):
    stopped_after(tmp_path, 3)
    model = classifier()
    with pytest.raises(InterruptedError):
        fit(model, keras_ccar.BackupAndResume(tmp_path), Interrupt(0, 1))
    before = int(ops.convert_to_numpy(model.optimizer.iterations))
    model.fit(Batches(0), verbose=0)
    assert int(ops.convert_to_numpy(model.optimizer.iterations)) == before + STEPS


def test_half_written_backup_is_no_backup(tmp_path):
    (tmp_path / "partial-0.weights.h5").write_bytes(b"half")
    backup = keras_ccar.BackupAndResume(tmp_path)
    assert (backup.epoch, backup.batch) == (0, 0)
    history, _ = fit(classifier(), backup)
    assert len(history) == 3


def test_model_that_is_not_built(tmp_path):
    backup = keras_ccar.BackupAndResume(tmp_path, 2)
    with pytest.raises(InterruptedError):
        fit(classifier(), backup, Interrupt(0, 3))
    model = keras.Sequential([keras.layers.Dense(3)])
    model.compile("sgd", keras_ccar.CCARLoss(COUNTS, from_logits=True))
    backup = keras_ccar.BackupAndResume(tmp_path, 2)
    backup.set_model(model)
    with pytest.raises(ValueError, match="needs a built model"):
        backup.on_train_begin()


@pytest.mark.parametrize("save_freq", [0, -1, 1.5, "batch"])
def test_bad_save_freq(save_freq, tmp_path):
    with pytest.raises(ValueError, match="`save_freq`"):
        keras_ccar.BackupAndResume(tmp_path, save_freq)


def test_keras_checkpoints_keep_statistics(tmp_path):
    model = classifier()
    path = tmp_path / "model.weights.h5"
    callback = keras_ccar.CCARCallback(update_frequencies=True)
    checkpoint = keras.callbacks.ModelCheckpoint(
        path, save_weights_only=True, save_freq=4
    )
    callbacks = [callback, checkpoint]
    model.fit(Batches(0), epochs=1, verbose=0, callbacks=callbacks)
    resumed = classifier()
    callback = keras_ccar.CCARCallback()
    callback.set_model(resumed)
    resumed.optimizer.build(resumed.trainable_variables)
    resumed.load_weights(path)
    assert callback.statistics()["count"].sum() == 4 * 16
