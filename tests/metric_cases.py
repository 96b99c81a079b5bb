"""Every public metric in every form of predictions. New metrics are found by name."""

import dataclasses

import keras
import numpy as np

from keras_ccar import metrics

K = 4
COUNTS = [500, 60, 50, 5]
ARGUMENTS = {
    "AveragePrecision": {"num_classes": K},
    "BalancedAccuracy": {"num_classes": K},
    "GeometricMean": {"num_classes": K},
    "MacroF1": {"num_classes": K},
    "PerClassRecall": {"num_classes": K},
    "ShotAccuracy": {"class_counts": COUNTS},
    "ExpectedCalibrationError": {},
}
NAMES = sorted(metrics.__all__)
FORMS = ("classes", "column", "labels")


def make(name, /, **arguments):
    return getattr(metrics, name)(**{**ARGUMENTS[name], **arguments})


@dataclasses.dataclass(frozen=True)
class Case:
    """A metric and the form of its predictions.

    "classes" are K that exclude each other, "column" is one sigmoid of yes or no, and
    "labels" are K independent ones.
    """

    name: str
    form: str

    @property
    def num_columns(self):
        return 1 if self.form == "column" else K

    def make(self, **arguments):
        if self.form == "column" and "num_classes" in ARGUMENTS[self.name]:
            arguments = {"num_classes": 2, **arguments}
        if self.form == "column" and "class_counts" in ARGUMENTS[self.name]:
            arguments = {"class_counts": COUNTS[::3], **arguments}
        if self.form == "labels":
            arguments = {"multi_label": True, **arguments}
        return make(self.name, **arguments)

    def batch(self, shape=(30,), seed=0):
        """Labels and probabilities, a good part of them right."""
        rng = np.random.default_rng(seed)
        if self.form == "classes":
            labels = rng.integers(0, K, shape)
            y_pred = rng.dirichlet(np.ones(K), shape).astype("float32")
            truth = np.eye(K, dtype="float32")[labels]
        else:
            truth = rng.integers(0, 2, (*shape, self.num_columns)).astype("float32")
            y_pred = rng.random(truth.shape).astype("float32")
            labels = truth.astype("int64")
        if self.form == "column":
            labels = labels[..., 0]
        right = rng.random(shape) < 0.5
        y_pred[right] = 0.7 * truth[right] + 0.3 * y_pred[right]
        return labels, y_pred

    @property
    def activation(self):
        return "softmax" if self.form == "classes" else "sigmoid"

    @property
    def loss(self):
        is_softmax = self.form == "classes"
        return (
            "sparse_categorical_crossentropy" if is_softmax else "binary_crossentropy"
        )


CASES = [Case(name, form) for name in NAMES for form in FORMS]


def case_id(case):
    return f"{case.name}-{case.form}" if isinstance(case, Case) else None


def tolerance_of(name):
    """How near a metric comes to its definition."""
    if name == "AveragePrecision":  # of a bounded number of thresholds
        return {"rtol": 0, "atol": 5e-3}
    return {"rtol": 1e-4, "atol": 1e-5}


def assert_same(result, expected, **tolerance):
    if isinstance(expected, dict):
        assert list(result) == list(expected)
        for key in expected:
            np.testing.assert_allclose(result[key], expected[key], **tolerance)
    else:
        np.testing.assert_allclose(result, expected, **tolerance)


def has_nan(result):
    values = list(result.values()) if isinstance(result, dict) else [result]
    values = [np.ravel(keras.ops.convert_to_numpy(value)) for value in values]
    return np.isnan(np.concatenate(values)).any()


def compiled_update(metric):
    """An `update_state` that runs compiled: XLA, or eager on torch."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(metric.update_state, jit_compile=True)
    if keras.backend.backend() == "jax":
        import jax

        step = jax.jit(metric.stateless_update_state)

        def update(*args):
            state = step([v.value for v in metric.variables], *args)
            for variable, value in zip(metric.variables, state, strict=True):
                variable.assign(value)

        return update
    return metric.update_state
