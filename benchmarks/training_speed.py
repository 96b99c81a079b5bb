"""Images per second of the runner's training, against what it could be at most.

Each backend runs in a process of its own. There, three ways to train one network with
the same optimiser and loss are measured in turn, in one loop, so that changes in the
machine's speed affect all equally; speeds are medians over the rounds, and ratios
medians over those of each round:

* `runner`: as `keras-ccar compare` trains, with its callbacks;
* `tf.data`: a plain Keras `fit` on a tf.data pipeline of the same augmentation;
* `network`: forward, backward and update alone, on one batch in memory.

The data are CIFAR-100-LT at imbalance factor 100; a round trains on some of their full
batches. Writes `training_speed.json` into `measuring.speed_folder()`.
"""

import argparse
import itertools
import json
import pathlib
import statistics
import sys
import time

from measuring import run_on_backend, speed_folder, write_measurement

BACKENDS = ("tensorflow", "jax")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", default=["resnet8", "resnet32"])
    parser.add_argument("--rounds", type=int, default=5, help="timed rounds a case")
    parser.add_argument("--steps", type=int, default=30, help="training steps a round")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--backends", nargs="+", default=BACKENDS, choices=BACKENDS)
    parser.add_argument(
        "--jit-compile",
        nargs="+",
        type=int,
        default=[1],
        choices=(0, 1),
        help="with XLA (1) and without (0); JAX is always measured with it",
    )
    parser.add_argument("--data-dir", help="where tensorflow-datasets keeps its data")
    parser.add_argument("--output", type=pathlib.Path, default=speed_folder())
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        print(json.dumps(measure_backend(arguments)))
        return
    rows, environment = [], None
    for backend in arguments.backends:
        answer = run_on_backend(backend, __file__, ["--worker", *sys.argv[1:]])
        rows += answer["rows"]
        environment = environment or answer["environment"]
    command = (
        f"python benchmarks/training_speed.py --models {' '.join(arguments.models)} "
        f"--rounds {arguments.rounds} --steps {arguments.steps} "
        f"--batch-size {arguments.batch_size} "
        f"--backends {' '.join(arguments.backends)} "
        f"--jit-compile {' '.join(map(str, arguments.jit_compile))}"
    )
    write_measurement(
        arguments.output / "training_speed.json", command, environment, rows
    )


def measure_backend(arguments):
    import keras

    from keras_ccar import datasets
    from keras_ccar.benchmark.runner.environment import current_environment
    from keras_ccar.benchmark.spec.recipe_book import RECIPES

    images = arguments.steps * arguments.batch_size
    data = FirstImages(
        datasets.load("cifar100-lt", imbalance_factor=100, data_dir=arguments.data_dir),
        images,
    )
    settings = arguments.jit_compile if keras.backend.backend() != "jax" else [1]
    rows = []
    for model in arguments.models:
        recipes = [
            RECIPES["plain"].with_settings(
                model=model,
                batch_size=arguments.batch_size,
                jit_compile=bool(jit_compile),
            )
            for jit_compile in settings
        ]
        rounds = [
            (recipe, name, build(data, recipe))
            for recipe in recipes
            for name, build in (
                ("runner", runner_round),
                ("tf.data", tf_data_round),
                ("network", network_round),
            )
        ]
        for _, _, train in rounds:  # compiles
            train()
        seconds = [[] for _ in rounds]
        for turn in range(arguments.rounds):
            for index in range(len(rounds))[:: 1 if turn % 2 else -1]:
                begin = time.perf_counter()
                rounds[index][2]()
                seconds[index].append(time.perf_counter() - begin)
        for recipe in recipes:
            runner, pipeline, network = (
                series
                for (other, _, _), series in zip(rounds, seconds, strict=True)
                if other is recipe
            )
            rows.append(
                {
                    "backend": keras.backend.backend(),
                    "model": model,
                    "batch": arguments.batch_size,
                    "xla": recipe.jit_compile,
                    "runner_images_per_second": speed(images, runner),
                    "tf_data_images_per_second": speed(images, pipeline),
                    "network_images_per_second": speed(images, network),
                    "runner_to_tf_data": ratio(pipeline, runner),
                    "runner_to_network": ratio(network, runner),
                }
            )
    return {"rows": rows, "environment": current_environment()}


def speed(images, seconds):
    """Images per second, median over the rounds."""
    return round(images / statistics.median(seconds), 1)


def ratio(theirs, ours):
    """How many times as fast ours is, median over the rounds.

    The two of a round are close in time, so a machine that slows down slows both.
    """
    return round(statistics.median(a / b for a, b in zip(theirs, ours, strict=True)), 3)


class FirstImages:
    """The first images of a data set, so that a round is an epoch of full batches."""

    def __init__(self, data, count):
        images, labels = data.train_arrays
        if len(labels) < count:
            raise SystemExit(
                f"{len(labels)} images are too few for rounds of {count}; "
                "lower --steps or --batch-size."
            )
        self.train_arrays = images[:count], labels[:count]
        self.name = data.name
        self.num_classes = data.num_classes
        self.class_counts = data.class_counts
        self.class_names = data.class_names


def crossentropy(data):
    from keras_ccar.benchmark.spec.loss_options import LossOptions
    from keras_ccar.benchmark.spec.methods import get_method

    return get_method("ce").build_loss(data.class_counts.tolist(), LossOptions())


def runner_round(data, recipe):
    """Returns a function that trains an epoch as the runner does."""
    from keras_ccar import CCARCallback
    from keras_ccar.benchmark.training.loop import training_callbacks
    from keras_ccar.benchmark.training.setup import build_training

    _, trainer, batches = build_training(data, recipe, crossentropy(data), seed=0)
    callbacks = training_callbacks(
        recipe, batches, CCARCallback(), on_progress=lambda epoch, steps: None
    )

    def train():
        trainer.fit(batches, shuffle=False, verbose=0, callbacks=callbacks)

    return train


def plain_model(data, recipe):
    from keras_ccar.benchmark.training.models import build_model
    from keras_ccar.benchmark.training.optimizer import CoupledSGD
    from keras_ccar.benchmark.training.setup import dtype_policy

    with dtype_policy(recipe.dtype_policy):
        model = build_model(
            recipe.model, data.train_arrays[0].shape[1:], len(data.class_counts)
        )
    model.compile(
        CoupledSGD(recipe.learning_rate, recipe.momentum, recipe.weight_decay),
        crossentropy(data),
        jit_compile=recipe.jit_compile,
    )
    return model


def tf_data_round(data, recipe):
    """Returns a function that trains an epoch of a tf.data pipeline with `fit`."""
    import tensorflow as tf

    from keras_ccar.benchmark.training.standardiser import Standardiser

    # In NumPy, as tf.data cannot use the JAX arrays that Keras would compute.
    standardiser = Standardiser.of(data)
    images, labels = data.train_arrays
    padding = recipe.crop_padding

    def augment(image, label):
        border = [[padding, padding], [padding, padding], [0, 0]]
        cut = tf.image.random_crop(tf.pad(image, border), image.shape)
        pixels = tf.cast(tf.image.random_flip_left_right(cut), tf.float32)
        return pixels * standardiser.scale - standardiser.shift, label

    dataset = (
        tf.data.Dataset.from_tensor_slices((images, labels))
        .shuffle(len(labels))
        .map(augment, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(recipe.batch_size)
        .prefetch(tf.data.AUTOTUNE)
    )
    model = plain_model(data, recipe)
    return lambda: model.fit(dataset, verbose=0)


def network_round(data, recipe):
    """Returns a function that makes as many steps, all on one batch in memory."""
    import keras

    from keras_ccar.benchmark.training.standardiser import Standardiser

    images, labels = (part[: recipe.batch_size] for part in data.train_arrays)
    batch = Standardiser.of(data)(images), keras.ops.convert_to_tensor(labels)
    steps = len(data.train_arrays[1]) // recipe.batch_size
    model = plain_model(data, recipe)
    model.train_on_batch(*batch)  # builds the optimiser
    model.make_train_function()
    if keras.backend.backend() == "tensorflow":

        def train():
            for logs in map(model.train_function, [itertools.repeat(batch)] * steps):
                loss = logs["loss"]
            loss.numpy()

        return train

    state = model._get_jax_state(
        trainable_variables=True,
        non_trainable_variables=True,
        optimizer_variables=True,
        metrics_variables=True,
        purge_model_variables=True,
    )

    def train():
        nonlocal state
        for _ in range(steps):
            logs, state = model.train_function(state, itertools.repeat(batch))
        logs["loss"].block_until_ready()

    return train


if __name__ == "__main__":
    main()
