"""Two stages of a training with one folder for their backups."""

import re

import keras
import numpy as np
import pytest
from backed_up_training import COUNTS
from keras import ops

import keras_ccar
from keras_ccar.callbacks.compile_identity import begin_training, end_training

LABELS = np.repeat([0, 1, 2], COUNTS)
X = np.random.default_rng(0).normal(size=(len(LABELS), 5)) + LABELS[:, None]
OTHERWISE = "holds a backup of a model that was compiled otherwise"


class Stop(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self.at = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.at:
            raise InterruptedError


def two_stages(folders, stopped_in=None, **options):
    """Trains the last layer, then all at a lower rate: rates, epochs and weights."""
    keras.utils.set_random_seed(0)
    body = keras.layers.Dense(4, activation="tanh")
    model = keras.Sequential([keras.Input((5,)), body, keras.layers.Dense(3)])
    trained = []
    for stage, rate in enumerate((0.1, 0.001)):
        body.trainable = stage == 1
        loss = keras_ccar.CCARLoss(COUNTS, from_logits=True)
        model.compile(keras.optimizers.SGD(rate), loss)
        backup = keras_ccar.BackupAndResume(folders[stage], **options)
        callbacks = [keras_ccar.CCARCallback(), backup]
        if stage == stopped_in:
            callbacks.append(Stop(2))
        history = model.fit(
            *(X, LABELS),
            epochs=3,
            shuffle=False,
            verbose=0,
            callbacks=callbacks,
        )
        used = float(ops.convert_to_numpy(model.optimizer.learning_rate))
        trained.append((len(history.epoch), round(used, 6)))
    return trained, [ops.convert_to_numpy(weight) for weight in model.weights]


@pytest.mark.slow
@pytest.mark.filterwarnings(f"ignore:.*{OTHERWISE}")
@pytest.mark.parametrize("delete", [True, False])
@pytest.mark.parametrize("stopped_in", [0, 1])
def test_one_folder_for_two_stages_is_as_good_as_two(tmp_path, stopped_in, delete):
    options = {"delete_checkpoint": delete}
    ends = []
    for folders in ([tmp_path / "one"] * 2, [tmp_path / "a", tmp_path / "b"]):
        with pytest.raises(InterruptedError):
            two_stages(folders, stopped_in, **options)
        ends.append(two_stages(folders, **options))
    (trained, weights), (expected, expected_weights) = ends
    assert trained == expected
    assert [rate for _, rate in trained] == [0.1, 0.001]
    _, undisturbed = two_stages([tmp_path / "c", tmp_path / "d"], **options)
    for actual, other, never in zip(
        weights, expected_weights, undisturbed, strict=True
    ):
        np.testing.assert_array_equal(actual, other)
        np.testing.assert_array_equal(actual, never)


def test_a_finished_first_stage_does_not_finish_the_second(tmp_path):
    message = (
        rf"{OTHERWISE}: learning rate 0\.1, not 0\.001\. It stays there, and this "
        r"training begins at epoch 0; data that begin at `backup\.epoch` began at "
        r"epoch 3\."
    )
    with pytest.warns(UserWarning, match=message):
        trained, _ = two_stages([tmp_path] * 2, delete_checkpoint=False)
    assert trained == [(3, 0.1), (3, 0.001)]
    names = [path.name for path in tmp_path.glob("*.h5")]
    assert len({re.search("compiled-(.{16})", name)[1] for name in names}) == 2
    assert len(names) == 4


def model_with(rate=0.1, trainable=True, loss=None, kind=keras.optimizers.SGD):
    layers = [keras.layers.Dense(4, trainable=trainable), keras.layers.Dense(3)]
    model = keras.Sequential([keras.Input((5,)), *layers])
    loss = loss or keras_ccar.CCARLoss(COUNTS, from_logits=True)
    model.compile(kind(rate), loss)
    return model


def decay(rate):
    return keras.optimizers.schedules.ExponentialDecay(rate, 10, 0.9)


@pytest.mark.parametrize(
    ("options", "difference"),
    [
        ({}, None),
        ({"rate": 0.2}, "learning rate 0.1, not 0.2"),
        ({"rate": decay(0.1)}, "learning rate 0.1, not ExponentialDecay"),
        ({"kind": keras.optimizers.RMSprop}, "optimizer SGD, not RMSprop"),
        ({"trainable": False}, "trainable weights 4, not 2"),
        (
            {"loss": keras_ccar.BalancedSoftmaxLoss(COUNTS, from_logits=True)},
            "loss CCARLoss, not BalancedSoftmaxLoss",
        ),
    ],
)
def test_what_tells_trainings_apart(options, difference, tmp_path, recwarn):
    def fit(model):
        model.fit(
            X,
            LABELS,
            verbose=0,
            callbacks=[keras_ccar.BackupAndResume(tmp_path, delete_checkpoint=False)],
        )

    fit(model_with())
    with_other_names = model_with(**options)
    fit(with_other_names)
    found = [str(warning.message) for warning in recwarn if OTHERWISE in str(warning)]
    assert len(found) == (difference is not None)
    assert all(difference in message for message in found)


def test_a_callback_that_lowers_the_rate_does_not_make_it_another_training():
    model = model_with()
    compiled = begin_training(model)
    model.optimizer.learning_rate = 0.01  # as `ReduceLROnPlateau` does
    assert begin_training(model) == compiled  # after an interruption
    end_training(model)
    assert begin_training(model) == compiled
    end_training(model)
    model.optimizer.learning_rate = 0.001  # as a user does between two calls of fit
    assert begin_training(model) != compiled
    assert begin_training(model_with(decay(0.1))) == begin_training(
        model_with(decay(0.1))
    )
