"""Every public metric, and what its tests share. New metrics are found by name."""

import keras
import numpy as np

from keras_ccar import metrics

K = 4
ARGUMENTS = {
    "BalancedAccuracy": {"num_classes": K},
    "PerClassRecall": {"num_classes": K},
    "ShotAccuracy": {"class_counts": [500, 60, 50, 5]},
    "ExpectedCalibrationError": {},
}
NAMES = sorted(metrics.__all__)


def make(name, /, **arguments):
    return getattr(metrics, name)(**{**ARGUMENTS[name], **arguments})


def assert_same(result, expected, **tolerance):
    if isinstance(expected, dict):
        assert list(result) == list(expected)
        for key in expected:
            np.testing.assert_allclose(result[key], expected[key], **tolerance)
    else:
        np.testing.assert_allclose(result, expected, **tolerance)


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
