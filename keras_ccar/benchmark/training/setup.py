"""Builds the network of a run, its batches and the compiled trainer."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras

from keras_ccar.benchmark.spec.recipes import Recipe
from keras_ccar.benchmark.training import devices
from keras_ccar.benchmark.training.augmentation import augmentations
from keras_ccar.benchmark.training.batches import (
    SeededBatches,
    SeededEpochs,
    build_fed_model,
)
from keras_ccar.benchmark.training.networks import (
    build_network,
    input_preparation,
    rate_factors,
)
from keras_ccar.benchmark.training.optimizer import CoupledSGD
from keras_ccar.benchmark.training.streams import StreamedBatches
from keras_ccar.datasets import LongTailedData


def build_training(
    data: LongTailedData, recipe: Recipe, loss: Any, seed: int, head: str = "linear"
) -> tuple[keras.Model, keras.Model, SeededEpochs]:
    """Builds a network from a seed, its trainer and its batches.

    Returns:
        The network, on prepared images; a compiled model that trains it; and the
        batches for that model, `SeededBatches` of draws or `StreamedBatches` of images.
    """
    devices.clear_models()
    keras.utils.set_random_seed(seed)
    shape = image_shape(data, recipe)
    parts = augmentations(recipe)
    arrays = None if recipe.image_size else data.train_arrays
    # JAX is several times slower without XLA. On torch, `jit_compile` would turn on
    # another compiler. On TensorFlow, Keras cannot use XLA for several devices.
    use_xla = {
        "jax": True,
        "tensorflow": recipe.jit_compile and devices.num_devices() == 1,
    }
    with devices.strategy_scope():
        with dtype_policy(recipe.dtype_policy):
            trainer = network = build_network(recipe, shape, data.num_classes, head)
            if arrays:
                # The trainer needs the policy too: Keras scales the loss by it.
                prepare = input_preparation(data, recipe)
                trainer = build_fed_model(network, arrays[0], prepare, parts)
        batches: SeededEpochs
        if arrays:
            steps = recipe.steps_per_epoch(len(arrays[1]))
            batches = SeededBatches(*arrays, recipe.batch_size, seed, parts, steps)
        else:
            batches = StreamedBatches(data, recipe, seed)
        trainer.compile(
            CoupledSGD(
                recipe.learning_rate,
                recipe.momentum,
                recipe.weight_decay,
                rate_factors(network, recipe),
            ),
            loss,
            steps_per_execution=recipe.steps_per_execution,
            jit_compile=use_xla.get(keras.backend.backend(), False),
        )
    return network, trainer, batches


@contextlib.contextmanager
def dtype_policy(name: str) -> Iterator[None]:
    """Sets Keras's global policy, such as `"mixed_bfloat16"`, for a while."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def image_shape(data: LongTailedData, recipe: Recipe) -> tuple[int, ...]:
    """Returns the shape of the images or features that a network is trained on.

    Raises:
        ValueError: if the images are streamed and the recipe has no `image_size`, or
            if it has one and the images do not have three channels.
    """
    if recipe.image_size:
        shape = data.train_arrays and data.train_arrays[0].shape[1:]
        if shape and shape[-1] != 3:
            raise ValueError(
                f"`image_size` of a recipe must be 0 for {data.name}, whose images of "
                f"shape {shape} do not have three channels. "
                f"Received: image_size={recipe.image_size}."
            )
        return (recipe.image_size, recipe.image_size, 3)
    if data.train_arrays is None:
        raise ValueError(
            f"`image_size` of a recipe must be above 0 for {data.name}, whose images "
            "are streamed and of many sizes. Received: image_size=0."
        )
    return data.train_arrays[0].shape[1:]
