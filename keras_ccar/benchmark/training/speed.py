"""Measures how many images a second a network is trained on, and guesses beforehand."""

import math
import time
from collections.abc import Callable
from typing import Any

import keras

from keras_ccar.benchmark.spec.loss_options import LossOptions
from keras_ccar.benchmark.spec.methods import Method
from keras_ccar.benchmark.spec.recipes import Recipe
from keras_ccar.benchmark.training.networks import build_network
from keras_ccar.benchmark.training.setup import build_training, image_shape
from keras_ccar.callbacks import CCARCallback
from keras_ccar.datasets import LongTailedData
from keras_ccar.keras_internals import batches_done

# The first executions compile the step and fill caches.
_EXECUTIONS_BEFORE = 3
# Forward pass and gradient, a multiplication and an addition each.
_OPERATIONS_PER_MULTIPLICATION = 6


class _Stopwatch(keras.callbacks.Callback):
    """Ends a training some seconds after its first executions.

    Attributes:
        steps: steps that were timed.
        elapsed: the seconds that they took.
    """

    def __init__(self, seconds: float, on_step: Callable[[], Any]) -> None:
        super().__init__()
        self._seconds = seconds
        self._on_step = on_step
        self._executions = 0
        self._done = 0
        self._begun = 0.0
        self.steps = 0
        self.elapsed = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._done = 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        float(logs["loss"])  # Waits for the device.
        self._on_step()
        now = time.perf_counter()
        done = min(batches_done(self.model, batch), self.params["steps"])
        self._executions += 1
        if self._executions <= _EXECUTIONS_BEFORE:
            self._begun = now
        else:
            self.steps += done - self._done
            self.elapsed = now - self._begun
            self.model.stop_training = self.elapsed >= self._seconds
        self._done = done


def images_per_second(
    data: LongTailedData,
    recipe: Recipe,
    method: Method,
    seconds: float,
    on_step: Callable[[], Any] = lambda: None,
) -> float:
    """Trains for some seconds, and returns the images that one second was enough for.

    It is the training of a run, with its loss, its augmentation and its statistics.
    `on_step` is called after each execution of steps.
    """
    loss = method.build_loss(data.class_counts.tolist(), LossOptions())
    _, trainer, batches = build_training(data, recipe, loss, 0, method.head)
    stopwatch = _Stopwatch(seconds, on_step)
    trainer.fit(
        batches,
        epochs=1_000_000,  # The stopwatch ends it.
        shuffle=False,
        verbose=0,
        callbacks=[
            keras.callbacks.LambdaCallback(
                on_epoch_begin=lambda epoch, logs: batches.begin_epoch(epoch)
            ),
            CCARCallback(),
            stopwatch,
        ],
    )
    return stopwatch.steps * recipe.batch_size / stopwatch.elapsed


def operations_per_image(data: LongTailedData, recipe: Recipe) -> float:
    """Returns about how many operations of arithmetic a training image takes."""
    network = build_network(recipe, image_shape(data, recipe), data.num_classes)
    return _OPERATIONS_PER_MULTIPLICATION * _multiplications(network)


def _multiplications(layer: Any, before: Any = None) -> float:
    """Returns the multiplications of kernels with the output of their layers.

    A pretrained backbone is one of the layers, and takes what the layer `before` it
    returns. It was built for images of any size, so that its outputs have none.
    """
    parts = getattr(layer, "layers", None)
    if parts is not None:
        if before is not None:
            sized = keras.Input(before.output.shape[1:])
            inputs = keras.tree.map_structure(lambda _: sized, layer.input)
            parts = keras.models.clone_model(layer, input_tensors=inputs).layers
        pairs = zip(parts, [None, *parts], strict=False)
        return sum(_multiplications(part, previous) for part, previous in pairs)
    kernel = getattr(layer, "kernel", None)
    if kernel is None:
        return 0.0
    # A convolution applies its kernel at every place of its output.
    places = [size for size in layer.output.shape[1:-1] if size]
    return float(math.prod(kernel.shape) * math.prod(places))
