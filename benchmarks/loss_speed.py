"""Measures the losses against Keras's own cross-entropy, forward and gradient.

TensorFlow and JAX compile with XLA, torch runs eagerly. Each backend runs in a process
of its own, on one core. Times are those of the processor, which other programs hardly
change. Every loss and its peers are measured in turn, in one loop, so that changes
in the machine's speed affect all equally; a ratio is that of the medians. Integer
labels are compared with Keras's sparse cross-entropy, mixed labels with its categorical
one, yes-or-no labels with its binary one; on torch the first two with
`torch.nn.functional.cross_entropy` as well. Also measured are the seconds of the first
call, most of which is compilation, and the memory of a step, with its result but
without its inputs: as XLA reports it, on torch by the peak size of the process. Writes
`loss_speed.json` and `loss_speed.csv` into `measuring.speed_folder()`; with `--binary`,
which measures the losses of yes-or-no labels, `binary_loss_speed.json` and `.csv`.
Options choose backends, sizes and losses; a part of the measurement needs an `--output`
of its own.
"""

import argparse
import contextlib
import csv
import functools
import json
import os
import pathlib
import re
import shlex
import statistics
import sys
import tempfile
import time

from measuring import run_on_backend, speed_folder, write_measurement

RESULTS = speed_folder()
SIZES = ((4096, 100), (1024, 1000), (512, 8142), (64, 100_000))
# Of sigmoid outputs: one label, the tags of a picture, the species of an image.
BINARY_SIZES = ((4096, 1), (1024, 80), (256, 8142))
BACKENDS = ("tensorflow", "jax", "torch")
# Otherwise the C library returns temporary arrays over 32 MiB to the system after every
# step, and most of the step's time goes into getting them again.
KEEP_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(2**30),
    "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1),
}
# The opposite shows how much memory a step takes on torch.
RETURN_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "0"}
XLA_REPORTS = "*memory-usage-report.txt"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=12, help="timed rounds a case")
    parser.add_argument("--output", type=pathlib.Path, default=RESULTS)
    parser.add_argument("--binary", action="store_true", help="yes-or-no labels")
    parser.add_argument("--backends", nargs="+", choices=BACKENDS, default=BACKENDS)
    parser.add_argument("--sizes", nargs="+", help="such as 4096x100; all")
    parser.add_argument("--losses", nargs="+", help="names as in the csv; all")
    parser.add_argument(
        "--worker", choices=("seconds", "memory"), help=argparse.SUPPRESS
    )
    arguments = parser.parse_args()
    is_part = arguments.sizes or arguments.losses or arguments.backends != BACKENDS
    if is_part and arguments.output == RESULTS:
        parser.error("a part of the measurement needs an `--output`, another folder")
    if arguments.worker:
        # Before a backend is imported, which counts the cores.
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        cases = chosen_cases(arguments)
        if arguments.worker == "seconds":
            rows = measure_seconds(cases, arguments.rounds)
        else:
            rows = measure_memory(cases, arguments.output)
        from keras_ccar.benchmark.runner.environment import current_environment

        print(json.dumps({"rows": rows, "environment": current_environment()}))
        return
    rows, environment = [], None
    for backend in arguments.backends:
        seconds = work(backend, "seconds", arguments, KEEP_MEMORY)
        with tempfile.TemporaryDirectory() as folder:
            reports = {"XLA_FLAGS": f"--xla_dump_to={folder} --xla_dump_hlo_as_text"}
            settings = RETURN_MEMORY if backend == "torch" else reports
            memory = work(backend, "memory", arguments, settings, folder)
        for one, other in zip(seconds["rows"], memory["rows"], strict=True):
            rows.append({**one, **other})
        environment = environment or seconds["environment"]
    command = shlex.join(["python", "benchmarks/loss_speed.py", *sys.argv[1:]])
    name = "binary_loss_speed" if arguments.binary else "loss_speed"
    path = arguments.output / f"{name}.json"
    write_measurement(path, command, environment, rows)
    with path.with_suffix(".csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def work(backend, kind, arguments, settings, folder="."):
    """Measures "seconds" or "memory" in a process of its own."""
    options = ["--worker", kind, "--rounds", str(arguments.rounds), "--output", folder]
    for name in ("sizes", "losses"):
        if getattr(arguments, name):
            options += [f"--{name}", *getattr(arguments, name)]
    if arguments.binary:
        options.append("--binary")
    return run_on_backend(backend, __file__, options, settings)


def chosen_cases(arguments):
    """Yields the cases that the options choose.

    A case is what its row says of it; our step, Keras's and on torch torch's own; and
    the bytes of the inputs. Steps are made by a function without arguments.
    """
    cases = binary_cases() if arguments.binary else softmax_cases()
    for about, make_steps, inputs in cases:
        size = f"{about['batch']}x{about['classes']}"
        if (not arguments.sizes or size in arguments.sizes) and (
            not arguments.losses or about["loss"] in arguments.losses
        ):
            yield about, make_steps(), inputs


def softmax_cases():
    """Yields the cases of classes that exclude each other; see `chosen_cases`."""
    import keras
    import numpy as np

    rng = np.random.default_rng(0)
    for batch, num_classes in SIZES:
        # As a cosine head gives them, for which LDAM is made: it multiplies logits by
        # 30, and torch takes several times as long for exponentials of larger ones,
        # which are too small for float32's normal numbers, whatever the loss.
        logits = rng.uniform(-1, 1, (batch, num_classes)).astype("float32")
        labels = rng.integers(0, num_classes, batch).astype("int32")
        mixed = np.zeros((batch, num_classes), "float32")
        mixed[np.arange(batch), labels] += 0.7
        mixed[np.arange(batch), labels[::-1]] += 0.3
        sparse_peer = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        mixed_peer = keras.losses.CategoricalCrossentropy(from_logits=True)
        pairs = [
            (name, loss, sparse_peer, "integer", labels)
            for name, loss in losses(num_classes).items()
        ]
        ccar = losses(num_classes)["CCARLoss"]
        pairs.append(("CCARLoss", ccar, mixed_peer, "mixed", mixed))
        for name, loss, peer, kind, y_true in pairs:
            about = {
                "backend": keras.backend.backend(),
                "batch": batch,
                "classes": num_classes,
                "loss": name,
                "labels": kind,
            }
            peers = [loss, peer]
            if keras.backend.backend() == "torch":
                peers.append(torch_crossentropy)
            make_steps = functools.partial(all_steps, peers, y_true, logits)
            yield about, make_steps, logits.nbytes + y_true.nbytes


def all_steps(losses, labels, logits):
    return [compiled_step(loss, labels, logits) for loss in losses]


def torch_crossentropy(labels, logits):
    import torch

    is_sparse = labels.dim() < logits.dim()
    labels = labels.long() if is_sparse else labels
    return torch.nn.functional.cross_entropy(logits, labels)


def binary_cases():
    """Yields the cases of yes-or-no labels; see `chosen_cases`."""
    import keras
    import numpy as np

    rng = np.random.default_rng(0)
    peer = keras.losses.BinaryCrossentropy(from_logits=True)
    for batch, num_labels in BINARY_SIZES:
        logits = rng.normal(size=(batch, num_labels)).astype("float32")
        targets = (rng.uniform(size=logits.shape) < 0.05).astype("float32")
        for name, loss in binary_losses(num_labels).items():
            about = {
                "backend": keras.backend.backend(),
                "batch": batch,
                "classes": num_labels,
                "loss": name,
                "labels": "yes or no",
            }
            make_steps = functools.partial(all_steps, [loss, peer], targets, logits)
            yield about, make_steps, logits.nbytes + targets.nbytes


def measure_seconds(cases, rounds):
    rows = []
    for about, steps, _ in cases:
        first = [seconds_of(step) for step in steps]
        ours, theirs, *own_of_torch = compare(steps, rounds)
        row = {
            **about,
            "milliseconds": round(ours * 1e3, 4),
            "keras_milliseconds": round(theirs * 1e3, 4),
            "ratio": round(ours / theirs, 3),
            "first_call_seconds": round(first[0], 3),
            "keras_first_call_seconds": round(first[1], 3),
        }
        if about["labels"] in ("integer", "mixed"):
            row["torch_ratio"] = None
            for seconds in own_of_torch:
                row["torch_ratio"] = round(ours / seconds, 3)
        rows.append(row)
    return rows


def measure_memory(cases, folder):
    import keras

    rows = []
    for _, steps, inputs in cases:
        if keras.backend.backend() == "torch":
            megabytes = [torch_megabytes(step) for step in steps]
        else:
            megabytes = [xla_megabytes(step, folder, inputs) for step in steps]
        rows.append({"megabytes": megabytes[0], "keras_megabytes": megabytes[1]})
    return rows


def seconds_of(step):
    begin = time.perf_counter()
    step()()
    return time.perf_counter() - begin


def xla_megabytes(step, folder, inputs):
    """Returns the memory of a step without its inputs, as XLA reports it."""
    before = set(folder.glob(XLA_REPORTS))
    step()()
    reports = [path.read_text() for path in set(folder.glob(XLA_REPORTS)) - before]
    # Of all that was compiled, the step is the largest.
    total = max(
        sum(map(int, re.findall(r"^Total bytes(?: used)?: (\d+)", report, re.M)))
        for report in reports
    )
    return round((total - inputs) / 1e6, 2)


def torch_megabytes(step):
    """Returns how much more memory than before the process held while it ran a step."""
    step()()
    step()()
    # Resets the peak to the present size.
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    before = memory("VmRSS")
    step()()
    return round((memory("VmHWM") - before) / 1e3, 2)


def memory(name):
    """Returns an entry of the status of this process, in kilobytes."""
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(f"{name}:"))
    return int(line.split()[1])


def losses(num_classes):
    """Returns the losses to measure; all take logits."""
    import numpy as np

    import keras_ccar
    from keras_ccar.adjustments import LDAMMargin, LogitAdjustment
    from keras_ccar.callbacks.class_statistics import ClassStatistics

    counts = np.maximum(500 * 0.01 ** (np.arange(num_classes) / num_classes), 1)
    arguments = {"class_counts": counts, "from_logits": True}
    recorded = keras_ccar.CCARLoss(**arguments)
    recorded.attach_statistics(ClassStatistics(num_classes))
    return {
        "CCARLoss": keras_ccar.CCARLoss(**arguments),
        "CCARLoss, with statistics": recorded,
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


def binary_losses(num_labels):
    """Returns the losses of yes-or-no labels to measure; all take logits."""
    import numpy as np

    import keras_ccar

    positives = np.maximum(500 * 0.01 ** (np.arange(num_labels) / num_labels), 1)
    counts = {"class_counts": positives, "num_examples": 10_000}
    names = (
        "BinaryLongTailedCrossentropy",
        "BinaryLogitAdjustedLoss",
        "BinaryInverseFrequencyLoss",
        "BinaryClassBalancedLoss",
        "BinaryCCARLoss",
        "BinaryFocalLoss",
        "AsymmetricLoss",
        "DistributionBalancedLoss",
    )
    return {
        name: getattr(keras_ccar, name)(from_logits=True, **counts) for name in names
    }


def compare(steps, rounds):
    """Returns the median seconds of processor time of each step."""
    for step in steps * 3:
        step()()
    seconds = [[] for _ in steps]
    for turn in range(rounds):
        order = range(len(steps))
        for index in order if turn % 2 else reversed(order):
            begin = time.process_time()
            for _ in range(5):
                wait = steps[index]()
            wait()
            seconds[index].append((time.process_time() - begin) / 5)
    return [statistics.median(series) for series in seconds]


def compiled_step(loss, labels, logits):
    """Returns a function that starts a step of loss and gradient.

    That returns a function that waits for the step to finish. The first call compiles.
    Statistics are recorded if the loss has them.
    """
    import keras

    statistics = getattr(loss, "statistics", None)
    recording = statistics.recording if statistics else contextlib.nullcontext
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        @tf.function(jit_compile=True)
        def step(labels, logits):
            with tf.GradientTape() as tape, recording():
                tape.watch(logits)
                value = loss(labels, logits)
            return value, tape.gradient(value, logits)

        labels, logits = tf.constant(labels), tf.constant(logits)
        return lambda: step(labels, logits)[0].numpy

    if backend == "torch":
        labels, logits = keras.ops.array(labels), keras.ops.array(logits)
        logits.requires_grad_()

        def step():
            logits.grad = None
            with recording():
                loss(labels, logits).backward()
            return lambda: None

        return step

    import jax

    variables = statistics.variables if statistics else []

    def value_and_state(logits, labels, state):
        mapping = list(zip(variables, state, strict=True))
        with keras.StatelessScope(state_mapping=mapping) as scope, recording():
            value = loss(labels, logits)
        return value, [scope.get_current_value(variable) for variable in variables]

    step = jax.jit(jax.value_and_grad(value_and_state, has_aux=True))
    labels, logits = jax.numpy.asarray(labels), jax.numpy.asarray(logits)
    state = [variable.value for variable in variables]

    def carried():
        nonlocal state
        (_, state), gradient = step(logits, labels, state)
        return gradient.block_until_ready

    return carried


if __name__ == "__main__":
    main()
