"""One run: trains one method under one recipe with one seed, and measures it."""

import math

import keras
import numpy as np

from keras_ccar.benchmark.training.evaluation import DECIMALS, Evaluation
from keras_ccar.benchmark.training.resumption import ResumeFromCheckpoint
from keras_ccar.benchmark.training.setup import build_training
from keras_ccar.callbacks import CCARCallback, DeferredReweighting


class _StopAtBadLoss(keras.callbacks.Callback):
    """Ends a training whose loss became infinite or NaN.

    Keras's `TerminateOnNaN` looks at every batch, for which the device has to wait.
    """

    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = not np.isfinite(logs["loss"])


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
        # `batch` jumps where several steps are executed at once, at the end of an
        # epoch beyond it.
        done = min(batch + 1, self.params["steps"])
        self._on_progress(self._epoch, done - self._done)
        self._done = done


def train_and_evaluate(
    data,
    recipe,
    method,
    options,
    seed,
    on_progress=lambda epoch, steps: None,
    checkpoint=None,
):
    """Trains a network from scratch and returns what it reached at the last epoch.

    The seed alone decides the initial weights, the order of the batches and their
    augmentation, so that methods under one seed differ by themselves only.

    Args:
        data: a `keras_ccar.datasets.LongTailedData`.
        recipe: a `Recipe`.
        method: a `keras_ccar.benchmark.spec.methods.Method`.
        options: the `LossOptions`.
        seed: non-negative integer.
        on_progress: called as `(epoch, steps)` after each execution, with the
            epoch, counted from 0, and the number of steps just done.
        checkpoint: a `Checkpoint`, which is gone on
            from and kept up to date. On a CPU the outcome is the same, to the last
            digit, as without a break; on a GPU as far as two runs without a break
            are the same. None to train without.

    Returns:
        A dict of plain numbers and lists: accuracies and calibration error in
        percent, `mean_weight` over all of the training, `seconds` of it (of all its
        parts, without what was lost between them), `per_class_accuracy`, and
        `history` with one entry an epoch, but for `test`, the accuracies after some of
        them. A group without classes has accuracy None.

    Raises:
        FloatingPointError: if the loss became infinite or NaN.
    """
    class_counts = data.class_counts.tolist()
    loss = method.build_loss(class_counts, options)
    network, trainer, batches = build_training(data, recipe, loss, seed, method.head)
    statistics = CCARCallback()
    correct = method.build_correction or (lambda *_: None)
    evaluation = Evaluation(network, data, recipe, correct(class_counts, options))
    resumption = ResumeFromCheckpoint(checkpoint, network, statistics, evaluation)
    state = resumption.state
    trainer.fit(
        batches,
        epochs=recipe.epochs,
        initial_epoch=state.epoch,
        shuffle=False,
        verbose=0,
        callbacks=training_callbacks(
            recipe,
            batches,
            statistics,
            on_progress,
            [*method_callbacks(method, recipe), resumption],
        ),
    )
    if not np.isfinite(state.losses).all():
        raise FloatingPointError(
            f"the loss became {state.losses[-1]} in epoch {state.epoch}; "
            "try a smaller learning rate."
        )
    counts = np.array([epoch["count"] for epoch in statistics.history])
    weights = np.array([epoch["mean_weight"] for epoch in statistics.history])
    # A class that an epoch has not seen has no mean.
    weights[counts == 0] = 0
    return {
        **evaluation.measure(),
        "mean_weight": float(np.average(weights, weights=counts)),
        "seconds": round(state.seconds, 2),
        "history": {
            "loss": np.round(state.losses, DECIMALS).tolist(),
            "confidence": _by_epoch(statistics.history, "mean_confidence"),
            "weight": _by_epoch(statistics.history, "mean_weight"),
            "below_pivot": _by_epoch(statistics.history, "below_pivot"),
            "test": state.tests,
        },
    }


def training_callbacks(recipe, batches, statistics, on_progress, own=()):
    """Returns the callbacks of a training.

    Args:
        recipe: the `Recipe`.
        batches: the `SeededBatches` that it trains on.
        statistics: a `CCARCallback`.
        on_progress: see `train_and_evaluate`.
        own: callbacks of the method.
    """
    return [
        keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda epoch, logs: batches.begin_epoch(epoch)
        ),
        keras.callbacks.LearningRateScheduler(recipe.learning_rate_at),
        _StopAtBadLoss(),
        statistics,
        *own,
        _StepCounter(on_progress),
    ]


def method_callbacks(method, recipe):
    """Returns what a method does in the course of a training.

    Args:
        method: the `Method`.
        recipe: the `Recipe`.
    """
    if not method.deferral:
        return []
    # Rounded down, so that the weights come on in the shortest of runs too; 0.8 of
    # 200 shall be 160 whatever binary fractions make of it.
    return [DeferredReweighting(math.floor(method.deferral * recipe.epochs + 1e-6))]


def _by_epoch(history, name):
    """Returns one of the callback's statistics as a list of epochs of classes."""
    return np.round([epoch[name] for epoch in history], DECIMALS).tolist()
