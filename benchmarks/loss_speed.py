"""Times the losses against Keras's own cross-entropy, forward and gradient.

Each backend runs in a process of its own. In it every loss and its peer are measured
in turn, in one loop, so that the machine's mood falls on both alike; the ratio is that
of the medians. Writes `benchmarks/results/loss_speed.json` and `loss_speed.csv`.
"""

import argparse
import csv
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

RESULTS = pathlib.Path(__file__).parent / "results"
SIZES = ((4096, 100), (1024, 1000), (512, 8142))
BACKENDS = ("tensorflow", "jax")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=60, help="timed rounds a case")
    parser.add_argument("--output", type=pathlib.Path, default=RESULTS)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        print(json.dumps(measure_backend(arguments.rounds)))
        return
    rows, environment = [], None
    for backend in BACKENDS:
        answer = subprocess.run(
            [sys.executable, __file__, "--worker", "--rounds", str(arguments.rounds)],
            env={**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "2"},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        answer = json.loads(answer.stdout.splitlines()[-1])
        rows += answer["rows"]
        environment = environment or answer["environment"]
    write(arguments.output, rows, environment, arguments.rounds)


def write(folder, rows, environment, rounds):
    import rich.console
    import rich.table

    folder.mkdir(parents=True, exist_ok=True)
    command = f"python benchmarks/loss_speed.py --rounds {rounds}"
    document = {"command": command, "environment": environment, "rows": rows}
    (folder / "loss_speed.json").write_text(json.dumps(document, indent=1) + "\n")
    with (folder / "loss_speed.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    table = rich.table.Table(*rows[0].keys())
    for row in rows:
        table.add_row(*map(str, row.values()))
    rich.console.Console().print(table)


def measure_backend(rounds):
    import keras
    import numpy as np

    from keras_ccar.benchmark.provenance import environment

    rng = np.random.default_rng(0)
    rows = []
    for batch, num_classes in SIZES:
        logits = rng.normal(size=(batch, num_classes)).astype("float32")
        labels = rng.integers(0, num_classes, batch).astype("int32")
        losses = cases(num_classes)
        peer = losses.pop("keras crossentropy")
        for name, loss in losses.items():
            ours, theirs = compare(loss, peer, labels, logits, rounds)
            rows.append(
                {
                    "backend": keras.backend.backend(),
                    "batch": batch,
                    "classes": num_classes,
                    "loss": name,
                    "milliseconds": round(ours * 1e3, 4),
                    "keras_milliseconds": round(theirs * 1e3, 4),
                    "ratio": round(ours / theirs, 3),
                }
            )
    return {"rows": rows, "environment": environment()}


def cases(num_classes):
    """The losses to time, the peer among them; all take sparse labels and logits."""
    import keras
    import numpy as np

    import keras_ccar

    counts = np.maximum(500 * 0.01 ** (np.arange(num_classes) / num_classes), 1)
    return {
        "keras crossentropy": keras.losses.SparseCategoricalCrossentropy(
            from_logits=True
        ),
        "CCARLoss": keras_ccar.CCARLoss(counts, from_logits=True),
    }


def compare(loss, peer, labels, logits, rounds):
    """Returns the median seconds of a step of the loss, and of its peer."""
    steps = [compiled_step(loss, labels, logits), compiled_step(peer, labels, logits)]
    for step in steps * 3:
        step()
    seconds = ([], [])
    for turn in range(rounds):
        for index in (0, 1) if turn % 2 else (1, 0):
            begin = time.perf_counter()
            for _ in range(5):
                step_result = steps[index]()
            step_result()  # wait for the device
            seconds[index].append((time.perf_counter() - begin) / 5)
    return [statistics.median(series) for series in seconds]


def compiled_step(loss, labels, logits):
    """Returns a function that starts one step and returns what waits for it."""
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        @tf.function(jit_compile=True)
        def step(labels, logits):
            with tf.GradientTape() as tape:
                tape.watch(logits)
                value = loss(labels, logits)
            return value, tape.gradient(value, logits)

        labels, logits = tf.constant(labels), tf.constant(logits)

        def run():
            value, _ = step(labels, logits)
            return value.numpy

    else:
        import jax

        step = jax.jit(jax.value_and_grad(lambda z, y: loss(y, z)))
        labels, logits = jax.numpy.asarray(labels), jax.numpy.asarray(logits)

        def run():
            _, gradient = step(logits, labels)
            return gradient.block_until_ready

    return run


if __name__ == "__main__":
    main()
