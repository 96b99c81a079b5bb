"""Times the losses against Keras's own cross-entropy, forward and gradient.

Each backend runs in a process of its own. In it every loss and its peer are measured
in turn, in one loop, so that the machine's mood falls on both alike; the ratio is that
of the medians. Integer labels are compared with Keras's sparse cross-entropy, mixed
labels with its categorical one. On JAX the memory that the compiled step needs beside
its arguments and results is given too. Writes `benchmarks/results/loss_speed.json` and
`loss_speed.csv`.
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
SIZES = ((4096, 100), (1024, 1000), (512, 8142), (64, 100_000))
BACKENDS = ("tensorflow", "jax")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30, help="timed rounds a case")
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
        mixed = np.zeros((batch, num_classes), "float32")
        mixed[np.arange(batch), labels] += 0.7
        mixed[np.arange(batch), labels[::-1]] += 0.3
        sparse_peer = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        mixed_peer = keras.losses.CategoricalCrossentropy(from_logits=True)
        cases = [
            (name, loss, sparse_peer, "integer", labels)
            for name, loss in losses(num_classes).items()
        ]
        ccar = losses(num_classes)["CCARLoss"]
        cases.append(("CCARLoss", ccar, mixed_peer, "mixed", mixed))
        for name, loss, peer, kind, y_true in cases:
            ours, theirs = (compiled_step(x, y_true, logits) for x in (loss, peer))
            seconds = compare(ours[0], theirs[0], rounds)
            rows.append(
                {
                    "backend": keras.backend.backend(),
                    "batch": batch,
                    "classes": num_classes,
                    "loss": name,
                    "labels": kind,
                    "milliseconds": round(seconds[0] * 1e3, 4),
                    "keras_milliseconds": round(seconds[1] * 1e3, 4),
                    "ratio": round(seconds[0] / seconds[1], 3),
                    "temporary_bytes": ours[1],
                    "keras_temporary_bytes": theirs[1],
                }
            )
    return {"rows": rows, "environment": environment()}


def losses(num_classes):
    """The losses to time; all take logits."""
    import numpy as np

    import keras_ccar
    from keras_ccar.adjustments import LDAMMargin, LogitAdjustment

    counts = np.maximum(500 * 0.01 ** (np.arange(num_classes) / num_classes), 1)
    arguments = {"class_counts": counts, "from_logits": True}
    return {
        "CCARLoss": keras_ccar.CCARLoss(**arguments),
        "CCARLoss, normalised": keras_ccar.CCARLoss(normalize=True, **arguments),
        "CCARLoss + LogitAdjustment": keras_ccar.CCARLoss(
            adjustment=LogitAdjustment(), **arguments
        ),
        "CCARLoss + LDAMMargin": keras_ccar.CCARLoss(
            adjustment=LDAMMargin(), **arguments
        ),
        "BalancedSoftmaxLoss": keras_ccar.BalancedSoftmaxLoss(**arguments),
        "LogitAdjustedLoss": keras_ccar.LogitAdjustedLoss(**arguments),
        "LDAMLoss": keras_ccar.LDAMLoss(**arguments),
        "ClassBalancedLoss": keras_ccar.ClassBalancedLoss(**arguments),
        "InverseFrequencyLoss": keras_ccar.InverseFrequencyLoss(**arguments),
        "FocalLoss": keras_ccar.FocalLoss(from_logits=True),
    }


def compare(ours, theirs, rounds):
    """Returns the median seconds of a step of ours, and of theirs."""
    steps = [ours, theirs]
    for step in steps * 3:
        step()()
    seconds = ([], [])
    for turn in range(rounds):
        for index in (0, 1) if turn % 2 else (1, 0):
            begin = time.perf_counter()
            for _ in range(5):
                wait = steps[index]()
            wait()
            seconds[index].append((time.perf_counter() - begin) / 5)
    return [statistics.median(series) for series in seconds]


def compiled_step(loss, labels, logits):
    """Compiles loss and gradient.

    Returns:
        A function that starts one step and returns what waits for it, and the bytes
        of temporary memory of the step, None where the backend does not tell.
    """
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
        return (lambda: step(labels, logits)[0].numpy), None

    import jax

    labels, logits = jax.numpy.asarray(labels), jax.numpy.asarray(logits)
    step = jax.jit(jax.value_and_grad(lambda z, y: loss(y, z)))
    compiled = step.lower(logits, labels).compile()
    memory = compiled.memory_analysis().temp_size_in_bytes
    return (lambda: compiled(logits, labels)[1].block_until_ready), memory


if __name__ == "__main__":
    main()
