"""The step of `head_loop.py`, and the compiled loop of each backend around it."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from keras_ccar.benchmark.spec.loss_builders import COSINE_SCALE

# `(labels, logits) -> scalar`, with int32 labels `(B,)` and logits `(B, K)`.
HeadLoss = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class HeadLoop:
    """What a compiled loop depends on, and the loss and the update of a step."""

    losses: tuple[tuple[HeadLoss, HeadLoss | None, float], ...]
    num_classes: int
    is_cosine: bool
    momentum: float
    steps: int

    def loss(self, kernel: Any, bias: Any, x: Any, y: Any, step: Any) -> Any:
        """Returns the sum of the losses of all heads, on a batch."""
        if self.is_cosine:
            squares = ops.sum(ops.square(kernel), axis=0, keepdims=True)
            logits = COSINE_SCALE * ops.matmul(x, kernel * ops.rsqrt(squares))
        else:
            logits = ops.matmul(x, kernel) + bias
        total = 0.0
        for index, (loss, deferred_loss, deferred_from) in enumerate(self.losses):
            start = index * self.num_classes
            own = logits[:, start : start + self.num_classes]
            value = loss(y, own)
            if deferred_loss is not None:
                is_later = ops.cast(
                    ops.cast(step, "float32") >= deferred_from * self.steps, "float32"
                )
                value = value + is_later * (deferred_loss(y, own) - value)
            total = total + value
        return total

    def update(
        self, weights: Any, velocity: Any, gradient: Any, rate: Any, decay: Any
    ) -> tuple[Any, Any]:
        """Returns the weights and the velocity after a step."""
        velocity = self.momentum * velocity + gradient + decay * weights
        return weights - rate * velocity, velocity

    def updated(
        self, state: Any, gradients: Any, rates: Any, decays: Any
    ) -> tuple[Any, ...]:
        """Returns kernel, bias and their velocities after a step."""
        kernel, kernel_velocity = self.update(
            state[0], state[2], gradients[0], rates, decays
        )
        if self.is_cosine:  # no bias
            return kernel, state[1], kernel_velocity, state[3]
        bias, bias_velocity = self.update(
            state[1], state[3], gradients[1], rates, decays
        )
        return kernel, bias, kernel_velocity, bias_velocity


# `(x, y, order, schedule, kernel, bias, rates, decays) -> kernel, bias`, as numpy.
Program = Callable[..., tuple[np.ndarray, np.ndarray]]


# Kept, so that other seeds and learning rates are not compiled again.
@functools.lru_cache(maxsize=8)
def _jax_program(loop: HeadLoop) -> Program:
    import jax
    import jax.numpy as jnp

    gradients_of = jax.grad(loop.loss, argnums=(0, 1))

    def train(
        x: Any, y: Any, order: Any, schedule: Any, kernel: Any, bias: Any, *sizes: Any
    ) -> Any:
        rates, decays = sizes

        def step(carry: Any, now: Any) -> Any:
            state, index = carry
            drawn, share = now
            gradients = gradients_of(*state[:2], x[drawn], y[drawn], index)
            state = loop.updated(state, gradients, share * rates, decays)
            return (state, index + 1), None

        state = (kernel, bias, jnp.zeros_like(kernel), jnp.zeros_like(bias))
        (state, _), _ = jax.lax.scan(step, (state, 0), (order, schedule))
        return state[:2]

    compiled = jax.jit(train)

    def run(*arguments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        kernel, bias = compiled(*arguments)
        return np.asarray(kernel), np.asarray(bias)

    return run


@functools.lru_cache(maxsize=8)
def _tensorflow_program(loop: HeadLoop) -> Program:
    import tensorflow as tf

    @tf.function(autograph=False)
    def train(
        x: Any, y: Any, order: Any, schedule: Any, kernel: Any, bias: Any, *sizes: Any
    ) -> Any:
        rates, decays = sizes

        def step(index: Any, *state: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(state[:2])
                batch = tf.gather(x, order[index]), tf.gather(y, order[index])
                loss = loop.loss(state[0], state[1], batch[0], batch[1], index)
            gradients = tape.gradient(loss, state[:2])
            state = loop.updated(state, gradients, schedule[index] * rates, decays)
            return (index + 1, *state)

        state = (kernel, bias, tf.zeros_like(kernel), tf.zeros_like(bias))
        _, kernel, bias, *_ = tf.while_loop(
            lambda index, *_: index < loop.steps, step, (0, *state)
        )
        return kernel, bias

    def run(*arguments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        kernel, bias = train(*map(tf.constant, arguments))
        return kernel.numpy(), bias.numpy()

    return run


def _torch_program(loop: HeadLoop) -> Program:
    import torch

    def run(*arguments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x, y, order, schedule, kernel, bias, rates, decays = map(
            ops.convert_to_tensor, arguments
        )
        state = (kernel, bias, torch.zeros_like(kernel), torch.zeros_like(bias))
        for index, drawn in enumerate(order):
            weights = [value.detach().requires_grad_(True) for value in state[:2]]
            loss = loop.loss(weights[0], weights[1], x[drawn], y[drawn], index)
            gradients = torch.autograd.grad(loss, weights, materialize_grads=True)
            with torch.no_grad():
                state = loop.updated(state, gradients, schedule[index] * rates, decays)
        kernel, bias = (ops.convert_to_numpy(value) for value in state[:2])
        return kernel, bias

    return run


PROGRAMS: dict[str, Callable[[HeadLoop], Program]] = {
    "jax": _jax_program,
    "tensorflow": _tensorflow_program,
    "torch": _torch_program,
}
