"""Images per second and core of the ResNet-32, against the same network in PyTorch.

Forward, backward and update alone, on one batch in memory. Every case is a process of
its own on one core, whose time on the processor is measured, so that other work beside
it counts for little. The processes take turns, round by round; ratios are medians over
the rounds. Writes `network_speed.json` into `measuring.speed_folder()`.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import time
from types import SimpleNamespace

from measuring import speed_folder, write_measurement

# Name of the case: backend, settings of the recipe or the peer, environment variables.
CASES = {
    "PyTorch NCHW": ("peer", {"channels_last": False}, {}),
    "PyTorch channels last": ("peer", {"channels_last": True}, {}),
    "PyTorch channels last, bfloat16": (
        "peer",
        {"channels_last": True, "use_bfloat16": True},
        {},
    ),
    "TensorFlow": ("tensorflow", {"jit_compile": False}, {}),
    "TensorFlow, XLA": ("tensorflow", {"jit_compile": True}, {}),
    "TensorFlow, oneDNN": ("tensorflow", {"jit_compile": False}, {"onednn": "1"}),
    "TensorFlow, oneDNN, bfloat16": (
        "tensorflow",
        {"jit_compile": False, "dtype_policy": "mixed_bfloat16"},
        {"onednn": "1"},
    ),
    "JAX": ("jax", {"jit_compile": True}, {}),
}
PEER = "PyTorch channels last"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=list(CASES))
    parser.add_argument("--rounds", type=int, default=7, help="timed rounds a case")
    parser.add_argument("--steps", type=int, default=3, help="training steps a round")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--output", type=pathlib.Path, default=speed_folder())
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        serve(arguments)
        return
    workers = {name: start(name, arguments) for name in arguments.cases}
    seconds = {name: [] for name in workers}
    for turn in range(arguments.rounds + 1):
        for name, worker in workers.items():
            print("go", file=worker.stdin, flush=True)
            took = float(worker.stdout.readline())
            if turn:  # The first round compiles.
                seconds[name].append(took)
    for worker in workers.values():
        worker.stdin.close()
        worker.wait()
    images = arguments.steps * arguments.batch_size
    rows = [
        {
            "network": name,
            "images_per_second": round(images / statistics.median(series), 1),
            "speed_to_pytorch": ratio(seconds.get(PEER), series),
        }
        for name, series in seconds.items()
    ]
    from keras_ccar.benchmark.runner.environment import current_environment

    command = "python benchmarks/network_speed.py"
    if arguments.cases != list(CASES):
        command += f" --cases {' '.join(map(repr, arguments.cases))}"
    command += f" --rounds {arguments.rounds} --steps {arguments.steps}"
    command += f" --batch-size {arguments.batch_size}"
    write_measurement(
        arguments.output / "network_speed.json", command, current_environment(), rows
    )


def ratio(theirs, ours):
    """How many times as fast ours is, median over the rounds; None without theirs."""
    if not theirs:
        return None
    return round(statistics.median(a / b for a, b in zip(theirs, ours, strict=True)), 3)


def start(name, arguments):
    """Starts the process of a case, which waits to be told to go."""
    backend, _, settings = CASES[name]
    environment = {
        **os.environ,
        "KERAS_BACKEND": "torch" if backend == "peer" else backend,
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TF_ENABLE_ONEDNN_OPTS": settings.get("onednn", "0"),
        "OMP_NUM_THREADS": "1",
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
        "NPROC": "1",
    }
    options = ["--worker", name, "--steps", str(arguments.steps)]
    options += ["--batch-size", str(arguments.batch_size)]
    return subprocess.Popen(
        [sys.executable, __file__, *options],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def serve(arguments):
    """Makes the steps of a round for each line of input, and prints the seconds."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    backend, settings, _ = CASES[arguments.worker]
    build = peer_round if backend == "peer" else keras_round
    train = build(arguments, settings)
    for _ in sys.stdin:
        begin = time.process_time()
        train()
        print(time.process_time() - begin, flush=True)


def peer_round(arguments, settings):
    """Returns a function that makes the steps of a round in PyTorch."""
    import torch
    from pytorch_resnet import training_step

    torch.set_num_threads(1)
    step = training_step(
        arguments.batch_size,
        settings["channels_last"],
        settings.get("use_bfloat16", False),
    )

    def train():
        for _ in range(arguments.steps):
            step()

    return train


def keras_round(arguments, settings):
    """Returns a function that makes the steps of a round in the benchmark's network."""
    import numpy as np
    from training_speed import network_round

    from keras_ccar.benchmark.spec.recipe_book import RECIPES

    count = arguments.steps * arguments.batch_size
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (count, 32, 32, 3), "uint8")
    data = SimpleNamespace(
        name="cifar100-lt",
        class_counts=np.full(100, 10),
        train_arrays=(images, random.integers(0, 100, count)),
    )
    recipe = RECIPES["plain"].with_settings(batch_size=arguments.batch_size, **settings)
    return network_round(data, recipe)


if __name__ == "__main__":
    main()
