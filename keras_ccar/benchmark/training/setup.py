"""Builds what a run trains: the network, its batches and the compiled trainer."""

import contextlib

import keras

from keras_ccar.benchmark.training import devices
from keras_ccar.benchmark.training.augmentation import augmentations
from keras_ccar.benchmark.training.batches import SeededBatches, build_fed_model
from keras_ccar.benchmark.training.models import build_model
from keras_ccar.benchmark.training.optimizer import CoupledSGD
from keras_ccar.benchmark.training.standardiser import Standardiser
from keras_ccar.benchmark.training.streams import StreamedBatches


def build_training(data, recipe, loss, seed, head="linear"):
    """Builds a network from a seed, and what trains it.

    Args:
        data: a `keras_ccar.datasets.LongTailedData`.
        recipe: a `Recipe`.
        loss: a loss on logits.
        seed: non-negative integer.
        head: as `build_model` takes it.

    Returns:
        The network, on standardised images; a compiled model that trains it; and the
        batches for this, `SeededBatches` of plans or `StreamedBatches` of images.
    """
    devices.clear_models()
    keras.utils.set_random_seed(seed)
    with devices.strategy_scope():
        return _prepare(data, recipe, loss, seed, head)


def _prepare(data, recipe, loss, seed, head):
    shape = image_shape(data, recipe)
    parts = augmentations(recipe)
    with _dtype_policy(recipe.dtype_policy):
        trainer = network = build_model(recipe.model, shape, data.num_classes, head)
        if not recipe.image_size:
            # It too has to have the policy, for which Keras scales the loss.
            images, labels = data.train_arrays
            trainer = build_fed_model(network, images, Standardiser(data.name), parts)
    if recipe.image_size:
        batches = StreamedBatches(data, recipe, seed)
    else:
        batches = SeededBatches(
            images,
            labels,
            recipe.batch_size,
            seed,
            parts,
            recipe.steps_per_epoch(len(labels)),
        )
    backend = keras.backend.backend()
    trainer.compile(
        CoupledSGD(recipe.learning_rate, recipe.momentum, recipe.weight_decay),
        loss,
        steps_per_execution=recipe.steps_per_execution,
        # Uncompiled, JAX is several times slower; torch's compiler is another matter,
        # and Keras cannot have TensorFlow's XLA compile for several devices.
        jit_compile=backend == "jax"
        or (
            backend == "tensorflow"
            and recipe.jit_compile
            and devices.num_devices() == 1
        ),
    )
    return network, trainer, batches


@contextlib.contextmanager
def _dtype_policy(name):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def image_shape(data, recipe):
    """Returns the shape of the images that a network is trained on.

    Args:
        data: the `keras_ccar.datasets.LongTailedData`.
        recipe: the `Recipe`.

    Raises:
        ValueError: if the images are streamed and the recipe gives them no size, or
            if it gives one to images without three colours.
    """
    if recipe.image_size:
        shape = data.train_arrays and data.train_arrays[0].shape[1:]
        if shape and shape[-1] != 3:
            raise ValueError(
                f"image_size of a recipe must be 0 for {data.name}, whose images of "
                f"shape {shape} are not in three colours; received {recipe.image_size}."
            )
        return (recipe.image_size, recipe.image_size, 3)
    if data.train_arrays is None:
        raise ValueError(
            f"image_size of a recipe must be above 0 for {data.name}, whose images are "
            "streamed and of many sizes; received 0."
        )
    return data.train_arrays[0].shape[1:]
