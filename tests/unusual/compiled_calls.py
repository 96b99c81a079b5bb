"""Runs many objects in one compiled function, so that it is compiled once."""

import keras
import numpy as np
from keras import ops
from unusual.subjects import BACKEND, to_numpy

HAS_COMPILED_STEPS = BACKEND != "torch"
_compiled = {}


def can_be_compiled(call):
    """Whether the arguments are tensors or arrays that a backend can trace."""
    given = (call.labels, call.predictions, call.weights, call.mask)
    return HAS_COMPILED_STEPS and all(
        x is None
        or ops.is_tensor(x)
        or (isinstance(x, np.ndarray) and (x.dtype.kind in "biuf"))
        for x in given
    )


def run_compiled(subjects, call):
    """Returns the results of all subjects, in their order, as numpy."""
    key = (
        tuple(subject.name for subject in subjects),
        f"{type(call.counts)} {call.counts} {sorted(call.arguments.items())}",
    )
    if key not in _compiled:
        built = [subject.build(call) for subject in subjects]

        def function(labels, predictions, weights, mask):
            return [
                subject.trace(one, labels, predictions, weights, mask)
                for subject, one in zip(subjects, built, strict=True)
            ]

        _compiled[key] = _compile(function)
    given = (call.labels, call.predictions, call.weights, call.mask)
    return to_numpy(_compiled[key](*map(_tensor, given)))


def _tensor(x):
    return None if x is None else ops.convert_to_tensor(x)


def _compile(function):
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)
    import tensorflow as tf

    # Not XLA, which takes several times as long; values are checked as little there.
    return tf.function(function, autograph=False)
