"""Trains a small model on the devices it is told to use, and writes down the outcome.

Run by the tests in processes of their own: devices are fixed when a backend starts.
`python train.py '{"setup": "mirrored", "devices": 2}' outcome.json`
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np

import keras_ccar

COUNTS = [150, 40, 20, 10, 4]
NUM_CLASSES = len(COUNTS)
FEATURES = 8
BATCH = 32
DEFAULTS = {
    "setup": "single",
    "devices": 1,
    "epochs": 3,
    "normalize": False,
    "one_hot": False,
    "outputs": 1,
    "samples": sum(COUNTS),  # 7 whole batches
    "jit_compile": "auto",
    "process": 0,
    "processes": 1,
    "port": None,
    "heartbeat": None,  # seconds without which a process is taken for dead
}


def data(samples):
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.repeat(np.arange(NUM_CLASSES), COUNTS))[:samples]
    centres = rng.normal(size=(NUM_CLASSES, FEATURES))
    x = centres[labels] + rng.normal(size=(len(labels), FEATURES))
    return x.astype("float32"), labels


def scope(options):
    """Makes the devices; what is built inside the scope is spread over them."""
    import contextlib

    setup, devices = options["setup"], options["devices"]
    if setup == "mirrored":
        import tensorflow as tf

        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(
            cpu, [tf.config.LogicalDeviceConfiguration()] * devices
        )
        names = [f"CPU:{index}" for index in range(devices)]
        return tf.distribute.MirroredStrategy(names).scope()
    if setup == "processes":
        import jax

        jax.config.update("jax_cpu_collectives_implementation", "gloo")
        address = f"127.0.0.1:{options['port']}"
        if options["heartbeat"] is None:
            keras.distribution.initialize(
                address, options["processes"], options["process"]
            )
        else:  # which Keras's function does not take
            jax.distributed.initialize(
                address,
                options["processes"],
                options["process"],
                heartbeat_timeout_seconds=options["heartbeat"],
            )
    if setup in ("data", "processes"):
        keras.distribution.set_distribution(
            keras.distribution.DataParallel(auto_shard_dataset=False)
        )
    if setup == "model":
        mesh = keras.distribution.DeviceMesh(
            (devices // 2, 2), ["batch", "model"], keras.distribution.list_devices()
        )
        layout = keras.distribution.LayoutMap(mesh)
        layout["hidden/kernel"] = (None, "model")
        layout["hidden/bias"] = ("model",)
        keras.distribution.set_distribution(
            keras.distribution.ModelParallel(
                layout_map=layout, batch_dim_name="batch", auto_shard_dataset=False
            )
        )
    return contextlib.nullcontext()


def build(options):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((FEATURES,))
    hidden = keras.layers.Dense(6, activation="tanh", name="hidden")(inputs)
    outputs = {
        name: keras.layers.Dense(NUM_CLASSES, name=name)(hidden)
        for name in ("species", "genus")[: options["outputs"]]
    }
    losses = {
        name: keras_ccar.CCARLoss(
            COUNTS, normalize=options["normalize"], from_logits=True
        )
        for name in outputs
    }
    if options["outputs"] == 1:
        (outputs,), (losses,) = outputs.values(), losses.values()
    model = keras.Model(inputs, outputs)
    model.compile(
        keras.optimizers.SGD(0.5, momentum=0.9),
        losses,
        jit_compile=options["jit_compile"],
    )
    return model


class ProcessShare(keras.utils.PyDataset):
    """The rows of every batch that are this process's, in an order of the epoch."""

    def __init__(self, x, y, options, epoch=None):
        super().__init__()
        self.x, self.y, self.epoch = x, y, epoch
        self.process, self.processes = options["process"], options["processes"]

    def __len__(self):
        return -(-len(self.x) // BATCH)

    def __getitem__(self, index):
        share = BATCH // self.processes
        start = index * BATCH + self.process * share
        order = np.arange(len(self.x))
        if self.epoch is not None:
            order = np.random.default_rng(self.epoch).permutation(order)
        rows = order[start : start + share]
        return self.x[rows], keras.tree.map_structure(lambda y: y[rows], self.y)

    def on_epoch_end(self):
        if self.epoch is not None:
            self.epoch += 1


def outcome(model, callback, history):
    """Everything that must not depend on the devices, as plain JSON."""
    plain = keras.tree.map_structure(
        lambda v: v.tolist() if isinstance(v, np.ndarray) else v, callback.history
    )
    return {
        "loss": history.history["loss"],
        "logs": {k: v for k, v in history.history.items() if "ccar" in k},
        "history": plain,
        "frequency": [
            np.asarray(loss.frequency).tolist()
            for loss in keras.tree.flatten(model.loss)
        ],
        "weights": [
            keras.ops.convert_to_numpy(w).ravel().tolist() for w in model.weights
        ],
    }


def main(options, path):
    with scope(options):
        model = build(options)
    x, labels = data(options["samples"])
    y = np.eye(NUM_CLASSES, dtype="float32")[labels] if options["one_hot"] else labels
    if options["outputs"] > 1:
        y = {"species": y, "genus": y[::-1].copy()}
    callback = keras_ccar.CCARCallback(update_frequencies=True, momentum=0.5)
    arguments = {"epochs": options["epochs"], "verbose": 0, "callbacks": [callback]}
    if options["processes"] > 1:
        history = model.fit(ProcessShare(x, y, options), shuffle=False, **arguments)
    else:
        history = model.fit(x, y, batch_size=BATCH, shuffle=False, **arguments)
    Path(path).write_text(json.dumps(outcome(model, callback, history)))


if __name__ == "__main__":
    main({**DEFAULTS, **json.loads(sys.argv[1])}, sys.argv[2])
