"""Kills trainings at random moments, starts them again, and counts what is lost.

    KERAS_BACKEND=torch python tests/kills.py --kills 100 --output kills.json

A small training backs itself up after every batch. A process of its own is killed
(SIGKILL) at a random moment of it and started again, until it ends. It is lost if it
ends with other weights or statistics than a training that nobody kills, to the bit, or
if it cannot be started again.
"""

import argparse
import collections
import json
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
from backed_up_training import classifier, fit
from trial_results import save_result

import keras_ccar

EVERY_BATCH = 1
# JAX hangs in a process that is forked.
CONTEXT = multiprocessing.get_context(
    "spawn" if keras.backend.backend() == "jax" else "fork"
)


def train(folder, final, epochs, begins):
    """Trains from the backup in a folder, if there is one; writes how it ended."""
    begins.set()
    began = time.monotonic()
    backup = keras_ccar.BackupAndResume(folder, EVERY_BATCH)
    history, weights = fit(classifier(), backup, epochs=epochs)
    # Of the last epoch: a resumed training has measured no others.
    statistics = [history[-1][name] for name in sorted(history[-1])]
    # The rename completes it: a process may be killed here too.
    partial = final.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez(file, *weights, *statistics, seconds=time.monotonic() - began)
    partial.rename(final)


def start(folder, final, epochs):
    """Starts a training in a process of its own, and returns it when it begins."""
    begins = CONTEXT.Event()
    process = CONTEXT.Process(target=train, args=(folder, final, epochs, begins))
    process.start()
    begins.wait()
    return process


def ending(final):
    """Returns what a finished training wrote, and how long it took."""
    with np.load(final) as arrays:
        content = {name: arrays[name] for name in arrays.files}
    return content, float(content.pop("seconds"))


def is_same(one, other):
    return one.keys() == other.keys() and all(
        np.array_equal(one[name], other[name], equal_nan=True) for name in one
    )


def kill_and_restart(folder, kills, epochs, rng, advance):
    """Returns the counts of kills and of what became of the trainings."""
    counts = collections.Counter()
    process = start(folder / "whole", folder / "whole.npz", epochs)
    process.join()
    expected, seconds = ending(folder / "whole.npz")
    while counts["kills"] < kills:
        name = f"training-{counts['trainings']}"
        backups, final = folder / name, folder / f"{name}.npz"
        while not final.exists():
            process = start(backups, final, epochs)
            # Past the usual end too: the training may end before it is killed.
            process.join(rng.uniform(0, seconds))
            if process.exitcode is None:
                process.kill()
                process.join()
            if process.exitcode >= 0:  # It ended, or failed and would fail again.
                break
            counts["kills"] += 1
            counts["found_a_backup"] += any(backups.glob("epoch-*.weights.h5"))
            counts["left_half_a_file"] += any(backups.glob(".*.tmp"))
            advance()
        counts["trainings"] += 1
        is_right = final.exists() and is_same(ending(final)[0], expected)
        counts["lost"] += not is_right
    return counts


def main():
    from rich.console import Console
    from rich.progress import Progress

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    # JAX compiles for so long that a short training is mostly killed before it begins.
    parser.add_argument("--epochs", type=int, default=20, help="of each training")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, help="JSON file for the counts")
    options = parser.parse_args()
    console = Console(soft_wrap=True, markup=False, highlight=False)
    began = time.monotonic()
    rng = np.random.default_rng(options.seed)
    with (
        tempfile.TemporaryDirectory() as folder,
        Progress(console=console) as progress,
    ):
        task = progress.add_task("kills", total=options.kills)
        counts = kill_and_restart(
            Path(folder),
            options.kills,
            options.epochs,
            rng,
            lambda: progress.advance(task),
        )
    result = save_result(
        options.output,
        {"kills": options.kills, "epochs": options.epochs},
        options.seed,
        time.monotonic() - began,
        counts,
    )
    console.print(json.dumps(result, indent=1))
    sys.exit(counts["lost"] > 0)


if __name__ == "__main__":
    if keras.backend.backend() == "torch":
        import torch

        # Threads of a parent are not those of its child.
        torch.set_num_threads(1)
    main()
