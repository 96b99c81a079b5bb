"""Measures what a head on features costs: 30 epochs, compilation included.

The features are random numbers in the size of CIFAR-100-LT at imbalance 100: 10,847
times 1,280, with 100 classes, in batches of 256. Each backend runs in a process of its
own, on all cores. The first head of a process is compiled; another with the same loss
finds its program ready. Processor time is that of all cores. Writes `head_speed.json`
into `measuring.speed_folder()`.
"""

import argparse
import json
import pathlib
import time

from measuring import run_on_backend, speed_folder, write_measurement

BACKENDS = ("tensorflow", "jax", "torch")
COUNTS = [int(500 * 100 ** (-index / 99)) for index in range(100)]
EPOCHS, BATCH_SIZE, WIDTH = 30, 256, 1280


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=pathlib.Path, default=speed_folder())
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        print(json.dumps(measure_backend()))
        return
    answers = [run_on_backend(name, __file__, ["--worker"]) for name in BACKENDS]
    write_measurement(
        arguments.output / "head_speed.json",
        "python benchmarks/head_speed.py",
        answers[0]["environment"],
        [row for answer in answers for row in answer["rows"]],
    )


def measure_backend():
    """Returns the rows of this process's backend, and its environment."""
    import keras

    import keras_ccar
    from keras_ccar.benchmark.runner.environment import current_environment

    losses = {
        "cross-entropy": keras_ccar.LongTailedCrossentropy(COUNTS, from_logits=True),
        "CCAR + logit adjustment": keras_ccar.CCARLoss(
            COUNTS,
            adjustment=keras_ccar.adjustments.LogitAdjustment(1.0),
            normalize=True,
            from_logits=True,
        ),
    }
    rows = [
        {"backend": keras.backend.backend(), "loss": name, "head": head, **times}
        for name, loss in losses.items()
        for head, times in measure(loss).items()
    ]
    return {"rows": rows, "environment": current_environment()}


def measure(loss):
    """Returns seconds, by the clock and of the processor, of two heads in turn."""
    import numpy as np

    from keras_ccar.benchmark.training.head_loop import (
        Head,
        shuffled_order,
        train_heads,
    )

    labels = np.repeat(np.arange(len(COUNTS)), COUNTS)
    generator = np.random.default_rng(0)
    features = generator.normal(size=(len(labels), WIDTH)).astype("float32")
    found = {}
    for name in ("first", "again"):
        clock, processor = time.perf_counter(), time.process_time()
        order = shuffled_order(len(labels), EPOCHS, BATCH_SIZE, seed=0)
        train_heads(features, labels, len(COUNTS), [Head(loss, 0.03)], order)
        found[name] = {
            "seconds": round(time.perf_counter() - clock, 2),
            "processor_seconds": round(time.process_time() - processor, 2),
        }
    return found


if __name__ == "__main__":
    main()
