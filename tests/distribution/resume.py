"""Trains with a backup; kills itself where it is told to, or is killed from outside.

`python resume.py '{"directory": "backup", "kill_at": 9}' outcome.json`
"""

import json
import os
import signal
import sys
from pathlib import Path

import keras
from distribution import train

import keras_ccar

DEFAULTS = {
    **train.DEFAULTS,
    "callback": "BackupAndResume",
    "save_freq": 2,
    "dropout": 0.2,
    "kill_at": None,  # the number of steps after which to kill, counted over epochs
    "steps_per_execution": 1,
    "samples": 200,  # 6 whole batches and a part of one
}


class Kill(keras.callbacks.Callback):
    def __init__(self, step):
        super().__init__()
        self.step, self.steps = step, 0

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1
        if self.steps == self.step:
            os.kill(os.getpid(), signal.SIGKILL)


def build(options):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((8,)),
            keras.layers.Dense(6, activation="tanh"),
            keras.layers.Dropout(options["dropout"]),
            keras.layers.Dense(train.NUM_CLASSES),
        ]
    )
    model.compile(
        keras.optimizers.Adam(0.05),
        keras_ccar.CCARLoss(train.COUNTS, from_logits=True),
        metrics=["accuracy"],
        steps_per_execution=options["steps_per_execution"],
    )
    return model


def main(options, path):
    with train.scope(options):
        model = build(options)
    x, y = train.data(options["samples"])
    callback = keras_ccar.CCARCallback(update_frequencies=True, momentum=0.5)
    directory = options["directory"]
    if options["callback"] == "BackupAndResume":
        backup = keras_ccar.BackupAndResume(directory, options["save_freq"])
        epoch = backup.epoch
    else:
        backup = keras.callbacks.BackupAndRestore(directory, options["save_freq"])
        metadata = Path(directory, "training_metadata.json")
        epoch = json.loads(metadata.read_text())["epoch"] if metadata.exists() else 0
    Path(f"{path}.ready").touch()
    history = model.fit(
        train.ProcessShare(x, y, options, epoch),
        shuffle=False,
        epochs=options["epochs"],
        verbose=0,
        callbacks=[callback, backup, Kill(options["kill_at"])],
    )
    Path(path).write_text(json.dumps(train.outcome(model, callback, history)))


if __name__ == "__main__":
    main({**DEFAULTS, **json.loads(sys.argv[1])}, sys.argv[2])
