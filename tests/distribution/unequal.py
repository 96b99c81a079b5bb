"""Trains where the replicas have unequal numbers of samples that count.

Every batch has short sequences in its first half and long ones in its second, and its
ignored labels and weights of zero in its second half.
`python unequal.py '{"setup": "single", "cases": ["mask"]}' outcome.json`
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np
from distribution import train

import keras_ccar
from keras_ccar.metrics import BalancedAccuracy, ExpectedCalibrationError

COUNTS = [150, 40, 20, 10, 4]
NUM_CLASSES, STEPS, FEATURES, BATCH = len(COUNTS), 6, 8, 8
IGNORED = 255
# "masked" sequences are padded, with labels of -1. "rows" are examples. "untrained" has
# losses before training too.
CASES = {
    "mask": {"masked": True, "untrained": True},
    "ignore_class": {"ignored": True, "untrained": True},
    "weights": {"weighted": True},
    "all, normalized": {
        **{"masked": True, "ignored": True, "weighted": True, "untrained": True},
        "loss": lambda **options: keras_ccar.CCARLoss(normalize=True, **options),
    },
    "mean by weight": {
        **{"masked": True, "weighted": True},
        "loss": lambda **options: keras_ccar.CCARLoss(
            reduction="mean_with_sample_weight", **options
        ),
    },
    "sum": {
        **{"masked": True, "weighted": True, "learning_rate": 0.01},
        "loss": lambda **options: keras_ccar.CCARLoss(reduction="sum", **options),
    },
    "class weights": {
        "masked": True,
        "loss": lambda **options: keras_ccar.ClassBalancedLoss(
            normalize=True, **options
        ),
    },
    "class weights of the batch": {
        **{"masked": True, "ignored": True, "weighted": True, "untrained": True},
        "loss": lambda **options: keras_ccar.ClassBalancedLoss(
            normalize="batch", **options
        ),
    },
    "adjusted": {
        "ignored": True,
        "loss": lambda **options: keras_ccar.LogitAdjustedLoss(
            label_smoothing=0.1, **options
        ),
    },
    "distributions": {"masked": True, "one_hot": True},
    "binary": {
        **{"masked": True, "weighted": True, "one_hot": True},
        "loss": lambda class_counts, **options: keras_ccar.BinaryCCARLoss(
            class_counts, sum(COUNTS), normalize=True, **options
        ),
        "metrics": list,
    },
    # Incomplete last batches: of 5 rows, and of 1, which leaves a replica without.
    "5 rows": {"masked": True, "ignored": True, "rows": 21},
    "1 row": {"weighted": True, "rows": 17},
    "1 row, sum": {
        **{"masked": True, "rows": 17, "learning_rate": 0.01},
        "loss": lambda **options: keras_ccar.CCARLoss(reduction="sum", **options),
    },
}
# What Keras's own losses do, which the page about scaling tells.
KERAS = {
    "Keras, sum": {"masked": True, "padding": 0, "learning_rate": 0.01, "loss": "sum"},
    "Keras, mean": {"masked": True, "padding": 0, "loss": "sum_over_batch_size"},
}
WHOLE_BATCHES = [name for name, case in CASES.items() if "rows" not in case]


def data(case):
    rng = np.random.default_rng(0)
    rows = case.get("rows", 3 * BATCH)
    frequency = np.array(COUNTS) / sum(COUNTS)
    labels = rng.choice(NUM_CLASSES, (rows, STEPS), p=frequency)
    x = rng.normal(size=(NUM_CLASSES, FEATURES))[labels]
    x = (x + rng.normal(size=x.shape)).astype("float32")
    is_first = (np.arange(rows) % BATCH < BATCH // 2)[:, None]
    step = np.arange(STEPS)
    weights = None
    if case.get("masked"):
        is_padding = step >= np.where(is_first, 2, 5)
        x[is_padding], labels[is_padding] = 0.0, case.get("padding", -1)
    if case.get("ignored"):
        labels[~is_first & (step < 3) & (labels >= 0)] = IGNORED
    if case.get("weighted"):
        weights = rng.uniform(0.5, 2.0, labels.shape)
        weights = np.where(~is_first & (step % 2 == 0), 0.0, weights).astype("float32")
    if case.get("one_hot"):
        labels = np.eye(NUM_CLASSES, dtype="float32")[labels * (labels >= 0)]
    return x, labels, weights


def metrics(ignore_class):
    return [
        BalancedAccuracy(NUM_CLASSES, ignore_class=ignore_class),
        ExpectedCalibrationError(from_logits=True, ignore_class=ignore_class),
    ]


def make_loss(case):
    make = case.get("loss", keras_ccar.CCARLoss)
    if isinstance(make, str):
        return keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction=make
        )
    options = {"class_counts": COUNTS, "from_logits": True}
    if case.get("ignored"):
        options["ignore_class"] = IGNORED
    return make(**options)


def build(case):
    keras.utils.set_random_seed(0)
    inputs = hidden = keras.Input((STEPS, FEATURES))
    if case.get("masked"):
        hidden = keras.layers.Masking()(hidden)
    hidden = keras.layers.Dense(6, activation="tanh")(hidden)
    model = keras.Model(inputs, keras.layers.Dense(NUM_CLASSES)(hidden))
    ignore_class = IGNORED if case.get("ignored") else None
    make = case.get("metrics", lambda: metrics(ignore_class))
    model.compile(
        keras.optimizers.SGD(case.get("learning_rate", 0.5), momentum=0.9),
        make_loss(case),
        metrics=make(),
        weighted_metrics=make() if case.get("weighted") else None,
        jit_compile=keras.backend.backend() == "jax",
    )
    return model


def outcome(case):
    model = build(case)
    x, labels, weights = data(case)
    arguments = {"sample_weight": weights, "verbose": 0, "batch_size": BATCH}
    once = {}
    if case.get("untrained"):
        (loss, *_) = model.evaluate(x, labels, **{**arguments, "batch_size": len(x)})
        once["untrained_loss"] = loss
        once["loss_of_own_loop"] = own_loop(model, x, labels, weights)
        once["logits"] = model.predict(x, batch_size=len(x), verbose=0).tolist()
    if case in KERAS.values():
        history = model.fit(x, labels, shuffle=False, epochs=2, **arguments)
        return {
            "loss": history.history["loss"],
            "weights": [keras.ops.convert_to_numpy(w).tolist() for w in model.weights],
        }
    callback = keras_ccar.CCARCallback(update_frequencies=True, momentum=0.5)
    history = model.fit(
        x, labels, shuffle=False, epochs=2, callbacks=[callback], **arguments
    )
    evaluation = model.evaluate(x, labels, return_dict=True, **arguments)
    return {
        **train.outcome(model, callback, history),
        "logs": history.history,
        "evaluation": evaluation,
        **once,
    }


def own_loop(model, x, labels, weights):
    """The loss of one batch of all rows, without `fit`; None on JAX."""
    if keras.backend.backend() != "tensorflow":
        return None
    import tensorflow as tf

    strategy = model.distribute_strategy
    weights = np.ones(labels.shape[:2], "float32") if weights is None else weights
    dataset = tf.data.Dataset.from_tensor_slices((x, labels, weights)).batch(len(x))

    def loss(x, labels, weights):
        return model.loss(labels, model(x), weights)

    @tf.function
    def step(batch):
        return strategy.reduce("SUM", strategy.run(loss, args=batch), axis=None)

    (batch,) = strategy.experimental_distribute_dataset(dataset)
    return step(batch).numpy().item()


def main(options, path):
    outcomes = {}
    with train.scope(options):
        for name in options["cases"]:
            outcomes[name] = outcome({**CASES, **KERAS}[name])
    Path(path).write_text(json.dumps(outcomes))


if __name__ == "__main__":
    main({**train.DEFAULTS, **json.loads(sys.argv[1])}, sys.argv[2])
