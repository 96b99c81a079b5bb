"""Small data and models of a user's own: classes, one yes-or-no label, several."""

import keras
import numpy as np
from rich.console import Console

import keras_ccar
from keras_ccar.benchmark.own_data.request import OwnRequest, run_own

COUNTS = (40, 20, 10)


def classes(seed=0, counts=COUNTS, shift=1.5):
    """Features and classes, of which each has its own mean."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(counts)), counts)
    x = rng.normal(size=(len(labels), 6)) + shift * np.eye(6)[labels]
    return x.astype("float32"), labels


def answers(seed=0, yes=15, no=60):
    """Features and one yes-or-no label."""
    x, labels = classes(seed, (no, yes))
    return x, labels.astype("float32")


def tags(seed=0, examples=80):
    """Features and three yes-or-no labels, which do not exclude each other."""
    rng = np.random.default_rng(seed)
    labels = (rng.random((examples, 3)) < [0.5, 0.3, 0.2]).astype("float32")
    x = rng.normal(size=(examples, 6)) + 1.5 * labels @ np.eye(6)[:3]
    return x.astype("float32"), labels


def without_some(data, value, every=4):
    """The same data, in which every fourth label stands for one that is not known."""
    x, labels = data
    if value is None:
        return data
    labels = labels.astype("float32" if labels.ndim > 1 else labels.dtype)
    labels.reshape(-1)[::every] = value
    return x, labels


def network(units=3, activation=None):
    """A function that builds a small network."""

    def build():
        return keras.Sequential(
            [
                keras.Input((6,)),
                keras.layers.Dense(8, activation="relu"),
                keras.layers.Dense(units, activation=activation),
            ]
        )

    return build


LOSSES = {
    "ce": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    "ccar": lambda counts: keras_ccar.CCARLoss(counts, from_logits=True),
}


def compare(folder, **changes):
    """A comparison of two losses on three classes, or as the changes say."""
    arguments = {
        "build_model": network(),
        "train": classes(),
        "validation": classes(1),
        "losses": LOSSES,
        "seeds": 2,
        "epochs": 2,
        "batch_size": 16,
        "optimizer": keras.optimizers.Adam(0.01),
        "output": folder,
        **changes,
    }
    comparison, failed = run_own(OwnRequest(**arguments), Console(quiet=True))
    return comparison, failed


def measured(comparison):
    """What was measured, without what differs between two of the same."""
    differing = ("seconds", "date", "environment")
    return [
        {key: value for key, value in run.items() if key not in differing}
        for run in comparison.run_entries
    ]


def compare_as_command(data, losses, batch_size, output):
    """Compares in Python what a short `keras-ccar compare` does with the same data."""
    return keras_ccar.compare(
        data.build_model,
        data.train,
        data.validation,
        losses=losses,
        class_names=data.class_names,
        seeds=1,
        epochs=2,
        batch_size=batch_size,
        optimizer=keras.optimizers.Adam(1e-3),
        output=output,
    )
