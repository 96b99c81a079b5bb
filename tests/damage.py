"""Damages backups and records of runs, and counts what is made of them.

    KERAS_BACKEND=torch python tests/damage.py --files 1000 --output damage.json
    KERAS_BACKEND=torch python tests/damage.py --only 1234

Half of the files are backups of a small training, which has two; one or both of them
are damaged, and it is resumed. The other half are records of finished runs, which are
read. A damaged file is lost if the training goes on with other weights than those of
the position that it says, or if a record has another content, and nobody is told. Each
file is damaged by its number and the seed alone.
"""

import argparse
import collections
import contextlib
import json
import operator
import sys
import tempfile
import time
import warnings
from pathlib import Path

import keras
import numpy as np
from backed_up_training import Interrupt, classifier, fit
from finished_run import OUTCOME, RUN
from trial_results import save_result

import keras_ccar
from keras_ccar.benchmark.runner.records import (
    load_run,
    make_record,
    record_path,
    save_run,
)
from keras_ccar.callbacks.backup_files import DamagedBackupError

# What becomes of a damaged file.
OUTCOMES = ("noticed", "older_used", "begun_again", "not_needed", "harmless", "lost")
# Epoch and batch of the two backups.
OLDER, NEWER = (1, 2), (1, 4)


def flip_bit(content, rng):
    position = rng.integers(len(content))
    return _replaced(
        content, position, bytes([content[position] ^ 1 << rng.integers(8)])
    )


def truncate(content, rng):
    return content[: rng.integers(1, len(content))]


def zero_block(content, rng):
    start, length = _block(content, rng)
    return _replaced(content, start, bytes(length))


def swap_blocks(content, rng):
    (first, length), (second, other) = sorted(_block(content, rng) for _ in range(2))
    length = min(length, other, max(second - first, 1), len(content) - second)
    one, two = (content[start : start + length] for start in (first, second))
    return _replaced(_replaced(content, first, two), second, one)


def append(content, rng):
    return content + rng.bytes(rng.integers(1, 5000))


def empty(content, rng):
    return b""


def delete(content, rng):
    return None


DAMAGES = (flip_bit, truncate, zero_block, swap_blocks, append, empty, delete)


def _block(content, rng):
    """The start and the length of a random block."""
    length = int(rng.integers(1, min(4096, len(content)) + 1))
    return int(rng.integers(len(content) - length + 1)), length


def _replaced(content, start, part):
    return content[:start] + part + content[start + len(part) :]


def damage_file(path, rng, damages=DAMAGES):
    """Damages a file in a random way; returns its name, and how many bytes differ."""
    damage = damages[rng.integers(len(damages))]
    whole = changed = path.read_bytes()
    while changed == whole:  # Zeros may become zeros.
        changed = damage(whole, rng)
    if changed is None:
        path.unlink()
        return damage.__name__, len(whole)
    path.write_bytes(changed)
    differing = sum(map(operator.ne, whole, changed))
    return damage.__name__, differing + abs(len(whole) - len(changed))


class Backups:
    """A training that was killed, and what it resumes from."""

    def __init__(self, folder):
        self.folder = folder
        self.model = classifier()
        with contextlib.suppress(InterruptedError):
            backup = keras_ccar.BackupAndResume(folder, 2)
            fit(self.model, backup, Interrupt(1, 4))
        self.contents = {path: path.read_bytes() for path in sorted(folder.iterdir())}
        self.older, self.newer = self.contents
        self.weights = {}
        self.resume()
        self.newer.unlink()
        self.resume()

    def resume(self):
        """Resumes; returns the position, and whether the weights are those of it."""
        for weight in self.model.weights:
            weight.assign(np.full(weight.shape, -1.0))
        backup = keras_ccar.BackupAndResume(self.folder, 2)
        backup.set_model(self.model)
        backup.on_train_begin()
        position = backup.epoch, backup.batch
        variables = [*self.model.variables, *self.model.optimizer.variables]
        weights = [keras.ops.convert_to_numpy(variable) for variable in variables]
        expected = self.weights.setdefault(position, weights)
        return position, all(map(np.array_equal, weights, expected))

    def judge(self, rng):
        """Damages one backup or both; returns which, how, the bytes, what became."""
        for path, content in self.contents.items():
            path.write_bytes(content)
        name, paths = [
            ("newer backup", [self.newer]),
            ("older backup", [self.older]),
            ("both backups", [self.newer, self.older]),
        ][rng.choice(3, p=[0.5, 0.1, 0.4])]
        kind, size = damage_file(paths[0], rng)
        for path in paths[1:]:
            # A folder without a backup is that of a training that has not begun.
            size += damage_file(path, rng, DAMAGES[:-1])[1]
        return name, kind, size, self.outcomes(paths, is_gone=kind == "delete")

    def outcomes(self, paths, is_gone):
        """What becomes of damaged backups, of which the first may be gone."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                position, is_right = self.resume()
            except DamagedBackupError as error:
                left = [path for path in paths if path.exists()]
                is_told = all(str(path) in str(error) for path in left)
                return {"noticed", "begun_again"} if is_told else {"lost"}
        if paths == [self.older]:
            return {"not_needed"} if is_right and position == NEWER else {"lost"}
        if paths != [self.newer] or not is_right or position != OLDER:
            return {"lost"}
        if is_gone:  # There is nothing to notice.
            return {"older_used"}
        is_told = any(str(self.newer) in str(warning.message) for warning in caught)
        return {"noticed", "older_used"} if is_told else {"lost"}


class Records:
    """The record of a finished run."""

    def __init__(self, folder):
        self.folder = folder
        self.record = make_record(RUN, **OUTCOME)
        save_run(RUN, folder, self.record)
        self.path = record_path(RUN, folder)
        self.content = self.path.read_bytes()

    def judge(self, rng):
        """Damages the record; returns its name, how, the bytes, what became."""
        self.path.write_bytes(self.content)
        kind, size = damage_file(self.path, rng)
        return "record", kind, size, self.outcomes(is_gone=kind == "delete")

    def outcomes(self, is_gone):
        """What becomes of a damaged record, which may be gone."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = load_run(RUN, self.folder)
        if found is not None:  # A space may have become another.
            return {"harmless"} if found == self.record else {"lost"}
        if is_gone:  # There is nothing to notice.
            return {"begun_again"}
        is_told = any(str(self.path) in str(warning.message) for warning in caught)
        return {"noticed", "begun_again"} if is_told else {"lost"}


class Judge:
    """Damages files by their numbers; returns which, how, the bytes, what became."""

    def __init__(self, folder, seed):
        self.seed = seed
        self.subjects = (Backups(folder / "backup"), Records(folder / "records"))

    def __call__(self, number):
        rng = np.random.default_rng([self.seed, number])
        return self.subjects[number % 2].judge(rng)


def main():
    from rich.console import Console
    from rich.progress import track
    from rich.table import Table

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="damage the file of this number alone")
    parser.add_argument("--output", type=Path, help="JSON file for the counts")
    options = parser.parse_args()
    console = Console(soft_wrap=True, markup=False, highlight=False)
    numbers = range(options.files) if options.only is None else [options.only]
    counts, began = collections.defaultdict(collections.Counter), time.monotonic()
    backend = keras.backend.backend()
    again = f"KERAS_BACKEND={backend} python tests/damage.py --seed {options.seed}"
    with tempfile.TemporaryDirectory() as folder:
        judge = Judge(Path(folder), options.seed)
        for number in track(numbers, "damaged files", console=console):
            name, kind, size, outcomes = judge(number)
            counts[name, kind].update(["damaged", *outcomes])
            counts[name, kind]["bytes"] += size
            if "lost" in outcomes:
                console.print(f"lost: {name}, {kind}; {again} --only {number}")
            elif options.only is not None:
                console.print(f"{name}, {kind}: {', '.join(sorted(outcomes))}")
    keys = ("damaged", "bytes", *OUTCOMES)
    rows = [
        {"file": name, "damage": kind, **{key: count[key] for key in keys}}
        for (name, kind), count in sorted(counts.items())
    ]
    totals = {key: sum(row[key] for row in rows) for key in keys}
    table = Table(*(key.replace("_", " ") for key in rows[0]), box=None)
    for row in rows:
        table.add_row(*map(str, row.values()))
    console.print(table)
    result = save_result(
        options.output,
        {"files": len(numbers), "only": options.only},
        options.seed,
        time.monotonic() - began,
        totals,
        rows,
    )
    console.print(json.dumps(result | {"rows": len(rows)}, indent=1))
    sys.exit(totals["lost"] > 0)


if __name__ == "__main__":
    main()
