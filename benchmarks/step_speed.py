"""Measures what CCAR and its statistics add to a training step of a whole network.

Each backend runs in a process of its own. There, Keras's `fit` trains one network on
images in memory, with three losses in turn, in one loop, so that changes in the
machine's speed affect all equally:

* `cross_entropy`: Keras's own, without a callback;
* `ccar`: `CCARLoss`, without a callback;
* `statistics`: `CCARLoss` with `CCARCallback`.

TensorFlow and JAX compile with XLA, torch runs eagerly. The first epoch of a `fit` is
not counted, as it may compile. Times are medians over the rounds, and ratios medians
over those of each round. Writes `step_speed.json` into `measuring.speed_folder()`.
"""

import argparse
import json
import pathlib
import statistics
import sys
import time

from measuring import run_on_backend, speed_folder, write_measurement

BACKENDS = ("tensorflow", "jax", "torch")
NUM_CLASSES = 100


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="resnet32")
    parser.add_argument("--rounds", type=int, default=7, help="timed rounds a case")
    parser.add_argument("--steps", type=int, default=4, help="training steps a round")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--backends", nargs="+", default=BACKENDS, choices=BACKENDS)
    parser.add_argument("--output", type=pathlib.Path, default=speed_folder())
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        print(json.dumps(measure_backend(arguments)))
        return
    rows, environment = [], None
    for backend in arguments.backends:
        answer = run_on_backend(backend, __file__, ["--worker", *sys.argv[1:]])
        rows.append(answer["row"])
        environment = environment or answer["environment"]
    command = (
        f"python benchmarks/step_speed.py --model {arguments.model} "
        f"--rounds {arguments.rounds} --steps {arguments.steps} "
        f"--batch-size {arguments.batch_size} "
        f"--backends {' '.join(arguments.backends)}"
    )
    write_measurement(arguments.output / "step_speed.json", command, environment, rows)


def measure_backend(arguments):
    import keras
    import numpy as np

    import keras_ccar
    from keras_ccar.benchmark.runner.environment import current_environment
    from keras_ccar.benchmark.training.models import build_model
    from keras_ccar.datasets import long_tailed_counts

    random = np.random.default_rng(0)
    count = arguments.steps * arguments.batch_size
    images = random.normal(size=(count, 32, 32, 3)).astype("float32")
    labels = random.integers(0, NUM_CLASSES, count)
    counts = long_tailed_counts(NUM_CLASSES, 500, 100)
    losses = {
        "cross_entropy": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        "ccar": keras_ccar.CCARLoss(counts, from_logits=True),
        "statistics": keras_ccar.CCARLoss(counts, from_logits=True),
    }
    models = {}
    for name, loss in losses.items():
        models[name] = build_model(arguments.model, (32, 32, 3), NUM_CLASSES)
        models[name].compile(
            keras.optimizers.SGD(0.01, momentum=0.9),
            loss,
            # torch runs eagerly.
            jit_compile=keras.backend.backend() != "torch",
        )

    def seconds_of_an_epoch(name):
        clock = Clock()
        models[name].fit(
            images,
            labels,
            batch_size=arguments.batch_size,
            epochs=2,
            verbose=0,
            shuffle=False,
            callbacks=[
                *([keras_ccar.CCARCallback()] if name == "statistics" else []),
                clock,
            ],
        )
        return clock.seconds[1]

    class Clock(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.seconds = []

        def on_epoch_begin(self, epoch, logs=None):
            self.begin = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            self.seconds.append(time.perf_counter() - self.begin)

    seconds = {name: [] for name in models}
    for name in models:  # compiles
        seconds_of_an_epoch(name)
    for turn in range(arguments.rounds):
        for name in list(models)[:: 1 if turn % 2 else -1]:
            seconds[name].append(seconds_of_an_epoch(name))

    def ratio(one, other):
        pairs = zip(seconds[one], seconds[other], strict=True)
        return round(statistics.median(a / b for a, b in pairs), 3)

    row = {
        "backend": keras.backend.backend(),
        "model": arguments.model,
        "batch": arguments.batch_size,
        **{
            f"{name}_milliseconds": round(
                1e3 * statistics.median(series) / arguments.steps, 2
            )
            for name, series in seconds.items()
        },
        "ccar_to_cross_entropy": ratio("ccar", "cross_entropy"),
        "statistics_to_cross_entropy": ratio("statistics", "cross_entropy"),
        "statistics_on_to_off": ratio("statistics", "ccar"),
    }
    return {"row": row, "environment": current_environment()}


if __name__ == "__main__":
    main()
