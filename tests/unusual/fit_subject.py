"""Callbacks in `fit`: a step of a model whose logits are its inputs."""

import tempfile
import warnings

import keras
import numpy as np
from unusual import oracle
from unusual.calls import K, sane_call
from unusual.subjects import BACKEND, LossSubject, Subject, _balanced, reduced

import keras_ccar


class FitSubject(Subject):
    """All callbacks and metrics of one output in one training step."""

    family = "callbacks"
    is_compiled = False
    in_fit = True

    def __init__(self):
        super().__init__(
            "CCARCallback",
            None,
            ("CCARCallback", "DeferredReweighting", "BackupAndResume"),
        )
        self.loss = LossSubject("CCARLoss", keras_ccar.CCARLoss, oracle.ccar())

    def sane_call(self, shape):
        return sane_call(shape, from_logits=True)

    def takes(self, call):
        """Keras reads lists as several inputs, and has no nullable dtypes."""
        is_nullable = str(getattr(call.labels, "dtype", "")) == "Int64"
        return not is_nullable and not any(
            isinstance(x, list) for x in (call.labels, call.weights)
        )

    def run_eagerly(self, call):
        arguments = dict(call.arguments)
        class_names = arguments.pop("class_names", None)
        ignored = arguments.get("ignore_class")
        axis = arguments.get("axis", -1)
        model = _identity_model(call.predictions.shape[1:])
        model.compile(
            keras.optimizers.SGD(0.0),
            keras_ccar.CCARLoss(call.counts, **arguments),
            weighted_metrics=[keras_ccar.BalancedAccuracy(K, ignored, axis)],
            jit_compile=BACKEND == "jax",
        )
        followed = keras_ccar.CCARCallback(
            update_frequencies=True, class_names=class_names
        )
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            # The value is NaN, which is what the table shows.
            warnings.filterwarnings("ignore", "The loss is NaN")
            callbacks = [
                followed,
                keras_ccar.DeferredReweighting(0),
                keras_ccar.BackupAndResume(folder),
            ]
            history = model.fit(
                call.predictions,
                call.labels,
                sample_weight=call.weights,
                batch_size=len(call.predictions),
                callbacks=callbacks,
                verbose=0,
            ).history
        return {
            "loss": np.float64(history["loss"][0]),
            "balanced_accuracy": np.float64(history["balanced_accuracy"][0]),
            "count": followed.history[0]["count"],
        }

    def expected(self, call):
        meant = call.meaning
        weights = (meant.weights * meant.included).ravel()
        labels = meant.labels.argmax(-1).ravel()
        predictions = meant.predictions.reshape(-1, K)
        counted = meant.labels * (meant.included & (meant.weights != 0))[..., None]
        return {
            "loss": reduced(call, self.loss.losses(call)),
            "balanced_accuracy": _balanced(call, labels, predictions, weights),
            "count": counted.reshape(-1, K).sum(axis=0),
        }


def _identity_model(shape):
    layer = keras.layers.Dense(shape[-1], use_bias=False)
    model = keras.Sequential([keras.Input(shape), layer])
    layer.set_weights([np.eye(shape[-1])])
    return model
