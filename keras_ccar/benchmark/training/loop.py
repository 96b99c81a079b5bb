"""One run: trains one method under one recipe with one seed, and measures it."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from keras_ccar.benchmark.spec.loss_options import LossOptions
from keras_ccar.benchmark.spec.methods import Method
from keras_ccar.benchmark.spec.recipes import Recipe
from keras_ccar.benchmark.training.batches import SeededEpochs
from keras_ccar.benchmark.training.epoch_weights import EpochWeights
from keras_ccar.benchmark.training.evaluation import DECIMALS, Evaluation
from keras_ccar.benchmark.training.run_backup import RunBackup, TrainingRecorder
from keras_ccar.benchmark.training.setup import build_training
from keras_ccar.callbacks import CCARCallback, DeferredReweighting
from keras_ccar.datasets import LongTailedData
from keras_ccar.keras_internals import batches_done


class StopAtBadLoss(keras.callbacks.Callback):
    """Ends a training whose loss became infinite or NaN.

    Keras's `TerminateOnNaN` checks every batch, which makes the device wait.
    """

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Looks at the loss of an epoch."""
        if not np.isfinite(logs["loss"]):
            self.model.stop_training = True


class StepCounter(keras.callbacks.Callback):
    """Calls `on_progress(epoch, steps)` with the number of steps just done."""

    def __init__(self, on_progress: Callable[[int, int], Any]) -> None:
        super().__init__()
        self._on_progress = on_progress
        self._epoch = 0
        self._done = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Begins to count anew."""
        self._epoch = epoch
        self._done = 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Reports the steps since the last call."""
        # `batch` jumps if several steps are executed at once, and may pass the end of
        # the epoch.
        done = min(batches_done(self.model, batch), self.params["steps"])
        self._on_progress(self._epoch, done - self._done)
        self._done = done


def train_and_evaluate(
    data: LongTailedData,
    recipe: Recipe,
    method: Method,
    options: LossOptions,
    seed: int,
    on_progress: Callable[[int, int], Any] = lambda epoch, steps: None,
    backup: RunBackup | None = None,
) -> dict[str, Any]:
    """Trains a network from scratch and returns what it reached at the last epoch.

    The seed alone decides the initial weights, the order of the batches and their
    augmentation, so under one seed only the methods differ.

    After each execution, `on_progress` is called with the epoch, counted from 0, and
    the number of steps just done. The training resumes from a `backup`, and keeps it up
    to date. On a CPU, a resumed training has the same result, to the last digit, as one
    without a break; on a GPU, it differs no more than two trainings without a break.

    Returns:
        A dict of plain numbers and lists: accuracies and calibration error in
        percent, `mean_weight` over the whole training, its `seconds` (without work
        that was lost before it was resumed), `per_class_accuracy`, and `history` with
        one entry per epoch, except for `test`, the accuracies after some epochs. There
        `weight` is by class and `mean_weight` over all examples. A group without
        classes has accuracy None.

    Raises:
        FloatingPointError: if the loss or a weight became infinite or NaN.
    """
    class_counts = data.class_counts.tolist()
    loss = method.build_loss(class_counts, options)
    network, trainer, batches = build_training(data, recipe, loss, seed, method.head)
    statistics = CCARCallback()
    correct = method.build_correction or (lambda *_: None)
    evaluation = Evaluation(network, data, recipe, correct(class_counts, options))
    recorder = TrainingRecorder(statistics, evaluation)
    own = method_callbacks(method, recipe, options)
    if backup is not None:
        backup.recorder = recorder
        own.append(backup)
    own.append(recorder)
    callbacks = training_callbacks(recipe, batches, statistics, on_progress, own)
    trainer.fit(
        batches, epochs=recipe.epochs, shuffle=False, verbose=0, callbacks=callbacks
    )
    losses = recorder.losses
    check_converged(network, losses)
    counts = np.array([epoch["count"] for epoch in statistics.history])
    weights = np.array([epoch["mean_weight"] for epoch in statistics.history])
    # Classes without samples in an epoch have no mean.
    weights[counts == 0] = 0
    return {
        **evaluation.measure(),
        "mean_weight": float(np.average(weights, weights=counts)),
        "seconds": round(recorder.seconds, 2),
        "history": {
            "loss": np.round(losses, DECIMALS).tolist(),
            "confidence": _by_epoch(statistics.history, "mean_confidence"),
            "weight": _by_epoch(statistics.history, "mean_weight"),
            "mean_weight": [
                float(np.average(of_epoch, weights=seen))
                for of_epoch, seen in zip(weights, counts, strict=True)
            ],
            "below_pivot": _by_epoch(statistics.history, "below_pivot"),
            "test": recorder.tests,
        },
    }


def check_converged(
    model: keras.Model, losses: Sequence[float], hint: str = ""
) -> None:
    """Raises an error unless the losses of all epochs and the weights are finite.

    The loss alone does not tell: TensorFlow's oneDNN may compute `relu(NaN)` as 0, and
    a network of NaN then predicts what the bias of its last layer says.

    Args:
        model: after the training.
        losses: of each epoch.
        hint: what else to try first.

    Raises:
        FloatingPointError: if one of them is infinite or NaN.
    """
    advice = f"{hint}try a smaller learning rate."
    if not np.isfinite(losses).all():
        raise FloatingPointError(
            f"the loss became {losses[-1]} in epoch {len(losses)}; {advice}"
        )
    for weight in model.weights:
        if not np.isfinite(keras.ops.convert_to_numpy(weight)).all():
            raise FloatingPointError(
                f"the weight {weight.path} became infinite or NaN; {advice}"
            )


def training_callbacks(
    recipe: Recipe,
    batches: SeededEpochs,
    statistics: CCARCallback,
    on_progress: Callable[[int, int], Any],
    own: Sequence[keras.callbacks.Callback] = (),
) -> list[keras.callbacks.Callback]:
    """Returns the callbacks of a training, among them its `own`."""
    return [
        keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda epoch, logs: batches.begin_epoch(epoch)
        ),
        keras.callbacks.LearningRateScheduler(recipe.learning_rate_at),
        StopAtBadLoss(),
        statistics,
        *own,
        StepCounter(on_progress),
    ]


def method_callbacks(
    method: Method, recipe: Recipe, options: LossOptions
) -> list[keras.callbacks.Callback]:
    """Returns the callbacks of a method."""
    if method.scales_by_epoch:
        return [EpochWeights(options.epoch_scales)]
    if not method.deferral:
        return []
    # Rounds down, so that the weights are switched on in the shortest run too. The
    # addition makes 0.8 of 200 exactly 160 in spite of binary fractions.
    return [DeferredReweighting(math.floor(method.deferral * recipe.epochs + 1e-6))]


def _by_epoch(history: list[dict[str, np.ndarray]], name: str) -> list[list[float]]:
    """Returns one of the callback's statistics as a list of epochs of classes."""
    return np.round([epoch[name] for epoch in history], DECIMALS).tolist()
