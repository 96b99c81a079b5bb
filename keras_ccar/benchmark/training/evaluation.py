"""What a network reaches on the test set, in the course of training and at its end."""

import keras
import numpy as np

from keras_ccar.benchmark.training import devices
from keras_ccar.benchmark.training.standardiser import Standardiser
from keras_ccar.datasets import evaluation_batches
from keras_ccar.metrics import ExpectedCalibrationError, PerClassRecall, ShotAccuracy

# Enough for a curve, and a quarter of the size in a results file.
DECIMALS = 5
# Enough to see where a curve turns, at a small share of the time of the training.
_POINTS = 10
_TEST_BATCH = 500


class Evaluation:
    """Measures a network on a test set.

    Args:
        network: a model with logits of standardised images.
        data: the `keras_ccar.datasets.LongTailedData`.
        recipe: the `Recipe`.
        correction: layer that the logits pass through, or None.
    """

    def __init__(self, network, data, recipe, correction=None):
        self._network = network
        self._data = data
        self._recipe = recipe
        self._correction = correction
        self._every = -(-recipe.epochs // _POINTS)
        self._predictor = None
        # What devices share on JAX, no host has the whole answer of: there a copy of
        # the network answers, on each host by itself.
        # On TensorFlow each device would give the whole answer, but for a model that is
        # not built to be shared.
        self._shared_network = None
        if devices.num_devices() > 1 and keras.backend.backend() == "jax":
            self._shared_network = network
            with devices.unsharded():
                self._network = keras.models.clone_model(network)
        elif devices.num_devices() > 1:
            self._network = keras.Model(network.inputs, network.outputs)

    def is_due(self, epoch):
        """Tells whether an epoch, counted from 1, is one of those of the curve.

        The last epoch is measured at the end of the run anyway.
        """
        return epoch % self._every == 0 and epoch < self._recipe.epochs

    def curve_point(self, epoch):
        """Returns a point of the curve: the accuracies after an epoch, in percent."""
        with devices.unsharded():
            logits, labels = self._logits()
            return {"epoch": epoch, **self._accuracies(logits, labels)}

    def measure(self):
        """Measures accuracies by class and by group, and calibration.

        Returns:
            A dict of `top1`, `balanced`, `many`, `medium`, `few` and `ece` in percent,
            and `per_class_accuracy`, a list of percents.
        """
        with devices.unsharded():
            return self._measure()

    def _measure(self):
        logits, labels = self._logits()
        recalls = PerClassRecall(len(self._data.class_counts))
        calibration = ExpectedCalibrationError(from_logits=True)
        for metric in (recalls, calibration):
            metric.update_state(labels, logits)
        return {
            "top1": _percent(np.mean(logits.argmax(axis=-1) == labels)),
            **self._accuracies(logits, labels),
            "ece": _percent(calibration.result()),
            "per_class_accuracy": [
                _percent(recall)
                for recall in keras.ops.convert_to_numpy(recalls.result())
            ],
        }

    def _accuracies(self, logits, labels):
        shots = ShotAccuracy(self._data.class_counts)
        shots.update_state(labels, logits)
        accuracies = {"many": None, "medium": None, "few": None, **shots.result()}
        return {group: _percent(accuracy) for group, accuracy in accuracies.items()}

    def _logits(self):
        """Returns the logits of the test set and its labels, as numpy."""
        if self._shared_network is not None:
            self._network.set_weights(self._shared_network.get_weights())
        predict = self._predict_stream if self._recipe.image_size else self._predict
        logits, labels = predict()
        if self._correction is not None:
            logits = keras.ops.convert_to_numpy(self._correction(logits))
        return logits, labels

    def _predict_stream(self):
        recipe = self._recipe
        batches = evaluation_batches(self._data, recipe.batch_size, recipe.image_size)
        # -1 takes all.
        batches = batches.take(recipe.limit_batches or -1).as_numpy_iterator()
        logits, labels = zip(
            *(
                (self._network.predict_on_batch(images), labels)
                for images, labels in batches
            ),
            strict=True,
        )
        return np.concatenate(logits), np.concatenate(labels)

    def _predict(self):
        images, labels = self._data.test_arrays
        if self._predictor is None:
            # A quarter of the memory, and standardised in the compiled function.
            pixels = keras.Input(images.shape[1:], dtype=images.dtype.name)
            standardised = Standardiser(self._data.name)(pixels)
            self._predictor = keras.Model(pixels, self._network(standardised))
        logits = self._predictor.predict(images, batch_size=_TEST_BATCH, verbose=0)
        return logits, labels


def _percent(share):
    """Returns a share in percent; None stays None."""
    return None if share is None else round(100 * float(share), DECIMALS)
