"""Accuracies and calibration on the test set, during training and at its end."""

from typing import Any

import keras
import numpy as np

from keras_ccar.benchmark.spec.recipes import Recipe
from keras_ccar.benchmark.training import devices
from keras_ccar.benchmark.training.networks import input_preparation
from keras_ccar.datasets import LongTailedData, evaluation_batches
from keras_ccar.metrics import ExpectedCalibrationError, PerClassRecall, ShotAccuracy
from keras_ccar.replicas import unsharded

# Enough for a curve, and a quarter of the size in a results file.
DECIMALS = 5
# Enough to show where a curve turns, for a small share of the training time.
_POINTS = 10
# Small images, or features, that are measured at a time.
_BATCH = 500


class Evaluation:
    """Measures a network, from prepared images to logits, on a test set.

    A `correction` is a layer that corrects the logits.
    """

    def __init__(
        self,
        network: keras.Model,
        data: LongTailedData,
        recipe: Recipe,
        correction: Any = None,
    ) -> None:
        self._network = network
        self._data = data
        self._recipe = recipe
        self._correction = correction
        self._every = -(-recipe.epochs // _POINTS)
        self._predictor: Any = None
        # On JAX, no single host holds the whole output of a sharded model, so each host
        # evaluates an unsharded copy. On TensorFlow, every replica returns the whole
        # output, except for a model that is built outside the strategy.
        self._shared_network = None
        if devices.num_devices() > 1 and keras.backend.backend() == "jax":
            self._shared_network = network
            with unsharded():
                self._network = keras.models.clone_model(network)
        elif devices.num_devices() > 1:
            self._network = keras.Model(network.inputs, network.outputs)

    def is_due(self, epoch: int) -> bool:
        """Whether an epoch, counted from 1, belongs to the curve.

        The last epoch does not: it is measured at the end of the run anyway.
        """
        return epoch % self._every == 0 and epoch < self._recipe.epochs

    def curve_point(self, epoch: int) -> dict[str, Any]:
        """Returns a point of the curve: the accuracies after an epoch, in percent."""
        with unsharded():
            logits, labels = self._logits()
            return {"epoch": epoch, **self._accuracies(logits, labels)}

    def measure(self) -> dict[str, Any]:
        """Measures accuracies by class and by group, and calibration.

        Returns:
            A dict of `top1`, `balanced`, `many`, `medium`, `few` and `ece` in percent,
            and `per_class_accuracy`, a list of percents.
        """
        with unsharded():
            logits, labels = self._logits()
            recalls = PerClassRecall(len(self._data.class_counts))
            calibration = ExpectedCalibrationError(from_logits=True)
            for metric in (recalls, calibration):
                metric.update_state(labels, logits)
            per_class = keras.ops.convert_to_numpy(recalls.result())
            return {
                "top1": _percent(np.mean(logits.argmax(axis=-1) == labels)),
                **self._accuracies(logits, labels),
                "ece": _percent(calibration.result()),
                "per_class_accuracy": list(map(_percent, per_class)),
            }

    def _accuracies(self, logits: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
        shots = ShotAccuracy(self._data.class_counts)
        shots.update_state(labels, logits)
        accuracies = {"many": None, "medium": None, "few": None, **shots.result()}
        return {group: _percent(accuracy) for group, accuracy in accuracies.items()}

    def _logits(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the logits and the labels of the test set."""
        if self._shared_network is not None:
            self._network.set_weights(self._shared_network.get_weights())
        predict = self._predict_stream if self._recipe.image_size else self._predict
        logits, labels = predict()
        if self._correction is not None:
            logits = keras.ops.convert_to_numpy(self._correction(logits))
        return logits, labels

    def _predict_stream(self) -> tuple[np.ndarray, np.ndarray]:
        recipe = self._recipe
        batches = evaluation_batches(self._data, recipe.batch_size, recipe.image_size)
        # -1 takes all.
        batches = batches.take(recipe.limit_batches or -1).as_numpy_iterator()
        parts = [(self._network.predict_on_batch(x), labels) for x, labels in batches]
        logits, labels = map(np.concatenate, zip(*parts, strict=True))
        return logits, labels

    def _predict(self) -> tuple[np.ndarray, np.ndarray]:
        assert self._data.test_arrays is not None
        images, labels = self._data.test_arrays
        if self._predictor is None:
            # Takes uint8, a quarter of the memory of float32.
            pixels = keras.Input(images.shape[1:], dtype=images.dtype.name)
            prepared = input_preparation(self._data, self._recipe)(pixels)
            self._predictor = keras.Model(pixels, self._network(prepared))
        # Images of a backbone are large, and what it makes of them is larger.
        size = self._recipe.batch_size if self._recipe.backbone else _BATCH
        return self._predictor.predict(images, batch_size=size, verbose=0), labels


def _percent(share: Any) -> float | None:
    """Returns a share in percent; None stays None."""
    return None if share is None else round(100 * float(share), DECIMALS)
