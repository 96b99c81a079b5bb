"""Values and gradients of a function, in every way the backend can run it."""

import keras
from keras import ops

MODES = {
    "tensorflow": ("eager", "graph", "xla"),
    "jax": ("eager", "jit"),
    "torch": ("eager",),
}[keras.backend.backend()]


def value_and_gradient(function, x, mode):
    """Returns `function(x)` (summed for the gradient) and its gradient, as numpy."""
    backend = keras.backend.backend()
    x = ops.convert_to_tensor(x)
    if backend == "tensorflow":
        value, gradient = _tensorflow(function, mode)(x)
    elif backend == "jax":
        value, gradient = _jax(function, mode)(x)
    else:
        x = x.detach().clone().requires_grad_(True)
        value = function(x)
        value.sum().backward()
        gradient = x.grad
    return ops.convert_to_numpy(value), ops.convert_to_numpy(gradient)


def _tensorflow(function, mode):
    import tensorflow as tf

    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = function(x)
            total = tf.reduce_sum(value)
        return value, tape.gradient(total, x)

    return run if mode == "eager" else tf.function(run, jit_compile=mode == "xla")


def _jax(function, mode):
    import jax

    def total(x):
        value = function(x)
        return value.sum(), value

    def run(x):
        (_, value), gradient = jax.value_and_grad(total, has_aux=True)(x)
        return value, gradient

    return run if mode == "eager" else jax.jit(run)
