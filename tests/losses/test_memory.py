"""A step with 100,000 classes holds no array of their size that Keras's does not."""

import functools
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import keras
import numpy as np
import pytest

import keras_ccar
from keras_ccar.adjustments import LogitAdjustment

BACKEND = keras.backend.backend()
SHAPE = BATCH, NUM_CLASSES = 1024, 100_000
ARRAY = 4 * BATCH * NUM_CLASSES
COUNTS = np.maximum(500 * 0.01 ** (np.arange(NUM_CLASSES) / NUM_CLASSES), 1)
ARGUMENTS = {"class_counts": COUNTS, "from_logits": True}
LOSSES = {
    "Keras sparse": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    "Keras categorical": keras.losses.CategoricalCrossentropy(from_logits=True),
    "CCAR": keras_ccar.CCARLoss(**ARGUMENTS),
    "CCAR + LA": keras_ccar.CCARLoss(adjustment=LogitAdjustment(), **ARGUMENTS),
    "Balanced Softmax": keras_ccar.BalancedSoftmaxLoss(**ARGUMENTS),
    "focal": keras_ccar.FocalLoss(from_logits=True),
}
LABELS = {"integer": ((BATCH,), "int32"), "mixed": (SHAPE, "float32")}
CASES = [
    ("Keras sparse", "integer"),
    ("CCAR", "integer"),
    ("CCAR + LA", "integer"),
    ("Balanced Softmax", "integer"),
    ("focal", "integer"),
    ("Keras categorical", "mixed"),
    ("CCAR", "mixed"),
    ("CCAR + LA", "mixed"),
]
REPORTS = "*memory-usage-report.txt"


@functools.cache
def bytes_of(name, kind):
    """Returns what a step takes beside its inputs: the loss, its gradient, the rest."""
    if BACKEND == "tensorflow":
        return tensorflow_process()[f"{name}, {kind}"]
    return {"jax": jax_bytes, "torch": torch_bytes}[BACKEND](LOSSES[name], kind)


def jax_bytes(loss, kind):
    """As XLA plans it. Nothing is computed."""
    import jax

    labels = jax.ShapeDtypeStruct(*LABELS[kind])
    logits = jax.ShapeDtypeStruct(SHAPE, "float32")
    step = jax.jit(jax.value_and_grad(lambda z, y: loss(y, z)))
    memory = step.lower(logits, labels).compile().memory_analysis()
    return memory.temp_size_in_bytes + memory.output_size_in_bytes


def torch_bytes(loss, kind):
    """The most that torch's allocator holds."""
    import torch

    labels = torch.arange(BATCH) % 7
    if kind == "mixed":
        labels = torch.zeros(SHAPE).scatter_(-1, labels[:, None], 1.0)
    logits = torch.zeros(SHAPE, requires_grad=True)
    activities = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=activities, profile_memory=True) as profiler:
        loss(labels, logits).backward()
    held = most = 0
    for event in profiler.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            most = max(most, held)
    return most


@functools.cache
def tensorflow_process():
    """As XLA plans it, which it only tells in files, and if asked before it begins."""
    with tempfile.TemporaryDirectory() as folder:
        flags = f"--xla_dump_to={folder} --xla_dump_hlo_as_text"
        answer = subprocess.run(
            [sys.executable, __file__, folder],
            env={**os.environ, "XLA_FLAGS": flags},
            stdout=subprocess.PIPE,
            check=True,
        )
    return json.loads(answer.stdout.splitlines()[-1])


def tensorflow_bytes(loss, kind, folder):
    import tensorflow as tf

    @tf.function(jit_compile=True)
    def step(labels, logits):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            value = loss(labels, logits)
        return value, tape.gradient(value, logits)

    inputs = tf.TensorSpec(*LABELS[kind]), tf.TensorSpec(SHAPE, "float32")
    before = set(folder.glob(REPORTS))
    step.experimental_get_compiler_ir(*inputs)(stage="optimized_hlo")
    (report,) = set(folder.glob(REPORTS)) - before
    total = int(re.search(r"^Total bytes(?: used)?: (\d+)", report.read_text())[1])
    return total - sum(4 * int(np.prod(tuple(x.shape))) for x in inputs)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "kind"), [x for x in CASES if "Keras" not in x[0]])
def test_no_further_array_of_all_classes(name, kind):
    ours = bytes_of(name, kind)
    theirs = bytes_of(
        {"integer": "Keras sparse", "mixed": "Keras categorical"}[kind], kind
    )
    assert theirs > ARRAY  # the gradient
    assert ours < theirs + ARRAY / 10


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    measured = {
        f"{name}, {kind}": tensorflow_bytes(LOSSES[name], kind, folder)
        for name, kind in CASES
    }
    print(json.dumps(measured))
