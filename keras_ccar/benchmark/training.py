"""One run: train one method under one recipe with one seed, and measure it."""

import time

import keras
import numpy as np

from keras_ccar.benchmark.batches import SeededBatches
from keras_ccar.benchmark.models import build_model
from keras_ccar.benchmark.optimizer import CoupledSGD
from keras_ccar.benchmark.pixels import Standardiser
from keras_ccar.callbacks import CCARCallback
from keras_ccar.metrics import (
    ExpectedCalibrationError,
    PerClassRecall,
    ShotAccuracy,
)

# Enough for a curve, and a quarter of the size in a results file.
_DECIMALS = 5
_TEST_BATCH = 500


class _StepCounter(keras.callbacks.Callback):
    """Tells the caller how many steps and epochs are done."""

    def __init__(self, on_progress):
        super().__init__()
        self._on_progress = on_progress
        self._epoch = 0
        self._done = 0

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch
        self._done = 0

    def on_train_batch_end(self, batch, logs=None):
        # `batch` jumps where several steps are executed at once.
        self._on_progress(self._epoch, batch + 1 - self._done)
        self._done = batch + 1


def train_and_evaluate(data, recipe, loss, seed, on_progress=lambda epoch, steps: None):
    """Trains a network from scratch and returns what it reached at the last epoch.

    The seed alone decides the initial weights, the order of the batches and their
    augmentation, so that methods under one seed differ by their loss only.

    Args:
        data: a `keras_ccar.datasets.LongTailedData` with its images in memory.
        recipe: a `Recipe`.
        loss: a `keras_ccar.LongTailedCrossentropy` on logits.
        seed: non-negative integer.
        on_progress: called as `(epoch, steps)` after each execution, with the
            epoch, counted from 0, and the number of steps just done.

    Returns:
        A dict of plain numbers and lists: accuracies and calibration error in
        percent, `mean_weight` over all of the training, `seconds` of it,
        `per_class_accuracy`, and `history` with one entry an epoch. A group
        without classes has accuracy None.

    Raises:
        FloatingPointError: if the loss became infinite or NaN.
    """
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(seed)
    images, labels = data.train_arrays
    batches = SeededBatches(
        images,
        labels,
        recipe.batch_size,
        seed,
        standardise=Standardiser(data.name),
        crop_padding=recipe.crop_padding,
        flip=recipe.flip,
    )
    model = build_model(recipe.model, images.shape[1:], len(data.class_counts))
    model.compile(
        CoupledSGD(recipe.learning_rate, recipe.momentum, recipe.weight_decay), loss
    )
    statistics = CCARCallback(class_names=data.class_names)
    started = time.perf_counter()
    history = model.fit(
        batches,
        epochs=recipe.epochs,
        steps_per_epoch=batches.steps_per_epoch,
        shuffle=False,
        verbose=0,
        callbacks=[
            keras.callbacks.LearningRateScheduler(recipe.learning_rate_at),
            keras.callbacks.TerminateOnNaN(),
            statistics,
            _StepCounter(on_progress),
        ],
    ).history
    seconds = time.perf_counter() - started
    if not np.isfinite(history["loss"]).all():
        raise FloatingPointError(
            f"the loss became {history['loss'][-1]} in epoch {len(history['loss'])}; "
            "try a smaller learning rate."
        )
    counts = np.array([epoch["count"] for epoch in statistics.history])
    weights = np.array([epoch["mean_weight"] for epoch in statistics.history])
    return {
        **evaluate(model, data),
        "mean_weight": float(np.average(weights, weights=counts)),
        "seconds": round(seconds, 2),
        "history": {
            "loss": np.round(history["loss"], _DECIMALS).tolist(),
            "confidence": _by_epoch(statistics.history, "mean_confidence"),
            "weight": _by_epoch(statistics.history, "mean_weight"),
            "below_pivot": _by_epoch(statistics.history, "below_pivot"),
        },
    }


def evaluate(model, data):
    """Measures a model on the test set.

    Args:
        model: a model with logits.
        data: the `keras_ccar.datasets.LongTailedData`.

    Returns:
        A dict of `top1`, `balanced`, `many`, `medium`, `few` and `ece` in percent,
        and `per_class_accuracy`, a list of percents.
    """
    images, labels = data.test_arrays
    logits = model.predict(
        Standardiser(data.name)(images), batch_size=_TEST_BATCH, verbose=0
    )
    shots = ShotAccuracy(data.class_counts)
    recalls = PerClassRecall(len(data.class_counts))
    calibration = ExpectedCalibrationError(from_logits=True)
    for metric in (shots, recalls, calibration):
        metric.update_state(labels, logits)
    accuracies = {"many": None, "medium": None, "few": None, **shots.result()}
    return {
        "top1": _percent(np.mean(logits.argmax(axis=-1) == labels)),
        **{group: _percent(accuracy) for group, accuracy in accuracies.items()},
        "ece": _percent(calibration.result()),
        "per_class_accuracy": [
            _percent(recall) for recall in keras.ops.convert_to_numpy(recalls.result())
        ],
    }


def _percent(share):
    """Returns a share in percent; None stays None."""
    return None if share is None else round(100 * float(share), _DECIMALS)


def _by_epoch(history, name):
    """Returns one of the callback's statistics as a list of epochs of classes."""
    return np.round([epoch[name] for epoch in history], _DECIMALS).tolist()
