"""Counts one batch of 40,000,000 samples, and says how many were lost.

A sum in float32 stops counting at 2^24. On each backend, directly and compiled,
`CCARLoss` with statistics (integer labels and distributions) and the metrics take one
batch in which the second class has nine samples; their counts are compared with those
of numpy. Needs about 8 GB of memory. Writes `large_batches.json` into
`benchmarks/results/tried`, for docs/what-was-tried.md.
"""

import argparse
import json
import pathlib
import platform

from measuring import run_on_backend, write_measurement

TRIED = pathlib.Path(__file__).parent / "results" / "tried"
BACKENDS = ("tensorflow", "jax", "torch")
MODES = {
    "tensorflow": ("eager", "graph", "xla"),
    "jax": ("eager", "jit"),
    "torch": ("eager",),
}
RARE = 9


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=40_000_000)
    parser.add_argument("--output", type=pathlib.Path, default=TRIED)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        from keras_ccar.benchmark.runner.environment import current_environment

        rows = measure(arguments.samples)
        parts = (platform.system(), platform.machine(), *platform.libc_ver())
        environment = {**current_environment(), "platform": " ".join(parts)}
        print(json.dumps({"rows": rows, "environment": environment}))
        return
    options = ["--worker", "--samples", str(arguments.samples)]
    answers = [run_on_backend(backend, __file__, options) for backend in BACKENDS]
    rows = [row for answer in answers for row in answer["rows"]]
    command = f"python benchmarks/large_batches.py --samples {arguments.samples}"
    environment = answers[0]["environment"]
    write_measurement(
        arguments.output / "large_batches.json", command, environment, rows
    )


def measure(samples):
    import keras
    import numpy as np

    backend = keras.backend.backend()
    labels = np.zeros(samples, "int32")
    labels[samples // 2 : samples // 2 + RARE] = 1
    # Every fourth prediction is wrong.
    is_right = np.arange(samples) % 4 != 0
    predicted = np.where(is_right, labels, 1 - labels)
    y_pred = np.where(predicted[:, None] == [0, 1], 0.75, 0.25).astype("float32")
    expected = np.bincount(labels, minlength=2)
    hits = np.bincount(labels[is_right], minlength=2)
    rows = []
    for mode in MODES[backend]:
        for kind in ("integer labels", "distributions"):
            y_true = labels
            if kind == "distributions":
                y_true = (labels[:, None] == [0, 1]).astype("float32")
            for name, of, counts in (
                ("CCARLoss with statistics", counts_of_loss, expected),
                ("BalancedAccuracy, samples", counts_of_metric("_samples"), expected),
                ("BalancedAccuracy, hits", counts_of_metric("_hits"), hits),
                ("ExpectedCalibrationError", counts_of_calibration, [samples]),
            ):
                found = of(mode, y_true, y_pred)
                rows.append(
                    {
                        "backend": backend,
                        "mode": mode,
                        "labels": kind,
                        "object": name,
                        "samples": samples,
                        "counted": [int(count) for count in found],
                        "lost": int(np.abs(np.subtract(found, counts)).sum()),
                    }
                )
    return rows


def counts_of_loss(mode, y_true, y_pred):
    import keras_ccar
    from keras_ccar.callbacks.class_statistics import ClassStatistics

    loss = keras_ccar.CCARLoss([3, 1])
    statistics = ClassStatistics(2)
    loss.attach_statistics(statistics)

    def update(labels, predictions):
        with statistics.recording():
            loss(labels, predictions)

    run(mode, statistics, update, y_true, y_pred)
    return statistics.seen()


def counts_of_metric(of):
    from keras_ccar.metrics import BalancedAccuracy

    def counts(mode, y_true, y_pred):
        metric = BalancedAccuracy(2)
        run(mode, metric, metric.update_state, y_true, y_pred)
        return getattr(metric, of).numpy()

    return counts


def counts_of_calibration(mode, y_true, y_pred):
    from keras_ccar.metrics import ExpectedCalibrationError

    metric = ExpectedCalibrationError()
    run(mode, metric, metric.update_state, y_true, y_pred)
    return [metric._samples.numpy()]


def run(mode, metric, update, y_true, y_pred):
    """Updates a metric with one batch, directly or in a compiled step."""
    import keras

    if mode in ("graph", "xla"):
        import tensorflow as tf

        update = tf.function(update, jit_compile=mode == "xla")
    if mode != "jit":
        update(keras.ops.array(y_true), keras.ops.array(y_pred))
        return
    import jax

    def step(state, *arguments):
        mapping = list(zip(metric.variables, state, strict=True))
        with keras.StatelessScope(state_mapping=mapping) as scope:
            update(*arguments)
        return [scope.get_current_value(variable) for variable in metric.variables]

    state = [variable.value for variable in metric.variables]
    for variable, value in zip(
        metric.variables, jax.jit(step)(state, y_true, y_pred), strict=True
    ):
        variable.assign(value)


if __name__ == "__main__":
    main()
