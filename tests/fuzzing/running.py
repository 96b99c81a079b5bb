"""Runs the calls of a block, and judges what comes of them."""

import traceback

import keras
import numpy as np
from fuzzing.blocks import Block
from fuzzing.free_calls import BACKEND, is_ours
from keras import ops
from keras.src.backend import set_keras_mask

# Of float32 against float64.
RTOL, ATOL = 3e-4, 3e-5


class Runner:
    """A block with its object, and its function compiled for all of its calls."""

    def __init__(self, number):
        self.number = number
        self.block = Block(number)
        self.built = self.block.make()
        self.mode = {"jax": "jit", "torch": "eager"}.get(BACKEND)
        if self.mode is None:
            self.mode = ("xla", "graph", "eager", "graph")[number % 4]
        function = self._with_gradient if self.has_gradient else self._state_and_result
        self.function = _compiled(function, self.mode)

    @property
    def has_gradient(self):
        """Whether the object is a loss."""
        return self.block.kind in ("loss", "binary")

    @property
    def name(self):
        """The class of the object."""
        return type(self.built).__name__

    def judge(self, number):
        """Whether the input of a call is well-formed, and the problem or None."""
        values = self.block.values(number)
        return values.wrong is None, self._problem_of(values)

    def _problem_of(self, values):
        try:
            outcome = self._run(values)
        except Exception as error:
            if values.wrong and self.mode == "eager" and is_ours(error):
                return None
            return f"an error\n{''.join(traceback.format_exception(error))}"
        value, gradient = outcome
        if values.wrong:
            is_loud = not all(np.isfinite(part).all() for part in _parts(value))
            if is_loud and (values.may_be_nan or self.mode != "eager"):
                return None
            return f"a number from wrong input: {value}"
        if gradient is not None and not np.isfinite(gradient).all():
            return f"a gradient that is not finite: {gradient}"
        if self.block.near_an_edge(values):
            return None
        return _difference(value, self.block.expected(values))

    def _run(self, values):
        axis = self.block.axis
        predictions = np.moveaxis(values.predictions, -1, axis)
        given = (values.labels, predictions, values.weights, values.mask)
        outcome = self.function(
            *(x if x is None else ops.convert_to_tensor(x) for x in given)
        )
        return keras.tree.map_structure(_numpy, outcome)

    def _object(self, labels, predictions, weights, mask):
        """Calls the object with predictions of the dtype of the block."""
        return _value(self.built, self.block, labels, predictions, weights, mask)

    def _state_and_result(self, labels, predictions, weights, mask):
        predictions = ops.cast(predictions, self.block.dtype)
        return self._object(labels, predictions, weights, mask), None

    def _with_gradient(self, labels, predictions, weights, mask):
        """The value, and the gradient with respect to predictions in float32.

        Float16 cannot hold a great gradient, for which Keras scales losses.
        """

        def loss(z):
            return self._object(labels, z, weights, mask)

        value, gradient = _value_and_gradient(loss, predictions)
        if self.block.dtype != "float32":
            value = loss(ops.cast(predictions, self.block.dtype))
        return value, gradient


def _value(built, block, labels, predictions, weights, mask):
    if block.kind == "correction":
        return built(predictions)
    if mask is not None:
        predictions = ops.copy(predictions)
        set_keras_mask(predictions, mask)
    if block.kind != "metric":
        return built(labels, predictions, weights)
    if BACKEND == "jax":
        state = [ops.zeros(v.shape, v.dtype) for v in built.variables]
        state = built.stateless_update_state(state, labels, predictions, weights)
        return built.stateless_result(state)
    built.reset_state()
    built.update_state(labels, predictions, weights)
    return built.result()


def _value_and_gradient(function, x):
    if BACKEND == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(x)
            value = function(x)
            total = tf.reduce_sum(value)
        return value, tape.gradient(total, x)
    if BACKEND == "jax":
        import jax

        def total(x):
            value = function(x)
            return value.sum(), value

        (_, value), gradient = jax.value_and_grad(total, has_aux=True)(x)
        return value, gradient
    x = x.detach().clone().requires_grad_(True)
    value = function(x)
    value.sum().backward()
    return value, x.grad


def _compiled(function, mode):
    if mode == "jit":
        import jax

        return jax.jit(function)
    if mode == "eager":
        return function
    import tensorflow as tf

    return tf.function(function, jit_compile=mode == "xla", autograph=False)


def _numpy(x):
    return None if x is None else ops.convert_to_numpy(x)


def _parts(value):
    return [np.asarray(part) for part in keras.tree.flatten(value)]


def _difference(value, expected):
    """Where a value differs from the oracle's, or None."""
    if isinstance(expected, dict):
        if set(value) != set(expected):
            return f"the keys {list(value)} instead of {list(expected)}"
        value = [value[key] for key in expected]
        expected = list(expected.values())
    for actual, right in zip(_parts(value), _parts(expected), strict=True):
        size = np.abs(np.nan_to_num(right)).max(initial=0)
        if not np.allclose(actual, right, RTOL, ATOL + 1e-5 * size, equal_nan=True):
            return f"{actual}\ninstead of\n{right}"
    return None
