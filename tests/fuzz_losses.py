"""Calls losses, metrics and corrections with random input, well-formed and not.

    KERAS_BACKEND=jax python tests/fuzz_losses.py --calls 10000
    KERAS_BACKEND=jax python tests/fuzz_losses.py --only 1234

A call is made from its number alone, so that a failing one can be run again by it, and
a run that was stopped goes on with `--first`. Calls come in blocks of 250. Those of a
block share an object, shapes and dtypes, so that they are compiled once; they differ in
their values. Of well-formed input the value must be that of naive float64 NumPy, and
the gradient finite. A wrong value in a compiled step must make the result NaN; in a
direct call it must raise an error of this package.

The last calls of a block are direct calls of a loss with anything: see
`fuzzing.free_calls`.
"""

import argparse
import collections
import contextlib
import functools
import sys
import time
import warnings
from pathlib import Path

from fuzzing.free_calls import BACKEND, Generator, problem_of
from fuzzing.running import Runner
from trial_results import save_result

BLOCK = 250
# What JAX has compiled for objects that are gone fills the memory.
KEPT = 20 * BLOCK
# Calls of anything in each block. JAX compiles every operation for every shape.
FREE = 1 if BACKEND == "jax" else 6


@functools.lru_cache(maxsize=1)
def runner_of(block):
    return Runner(block)


@functools.cache
def generator():
    return Generator()


def is_free(number):
    """Whether a call is one of anything, at the end of its block."""
    return number % BLOCK >= BLOCK - FREE


def judge(number):
    """The object of a call, whether its input is well-formed, and a problem or None."""
    if is_free(number):
        call = generator().call(number)
        return call.loss_class.__name__, call.flaw is None, problem_of(call)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Keras's torch backend under numpy 2.
        warnings.filterwarnings("ignore", "__array__ implementation")
        runner = runner_of(number // BLOCK)
        return runner.name, *runner.judge(number)


def describe(number):
    """Everything about a call, and how to run it again."""
    again = f"KERAS_BACKEND={BACKEND} python tests/fuzz_losses.py --only {number}"
    head = f"call {number} on {BACKEND}, again: {again}\n"
    if is_free(number):
        return head + "".join(
            f"  {name}: {value}\n"
            for name, value in vars(generator().call(number)).items()
        )
    runner = runner_of(number // BLOCK)
    config = getattr(runner.built, "get_config", dict)()
    values = vars(runner.block.values(number))
    return (
        f"{head}  {runner.name}, {runner.mode}: {config}\n"
        f"  predictions: {runner.block.dtype}, axis: {runner.block.axis}\n"
        + "".join(f"  {name}: {value!r}\n" for name, value in values.items())
    )


def main():
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn
    from rich.table import Table

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="number of the first call")
    parser.add_argument("--only", type=int, help="run this call alone, and show it")
    parser.add_argument("--output", type=Path, help="JSON file for the counts")
    parser.add_argument("--failures", type=int, default=10, help="stop after so many")
    options = parser.parse_args()
    if BACKEND == "jax":
        import jax
    console = Console(soft_wrap=True, markup=False, highlight=False)
    first, calls = options.first, options.calls
    if options.only is not None:
        first, calls = options.only, 1
        console.print(describe(first))
    counts, failures, began = collections.Counter(), 0, time.monotonic()
    columns = (*Progress.get_default_columns()[:3], MofNCompleteColumn())
    with (
        contextlib.suppress(KeyboardInterrupt),  # what is done is told
        Progress(*columns, TimeRemainingColumn(), console=console) as progress,
    ):
        for number in progress.track(range(first, first + calls), description="calls"):
            if BACKEND == "jax" and number % KEPT == 0:
                jax.clear_caches()
            name, is_well_formed, problem = judge(number)
            counts[name, is_well_formed] += 1
            if problem:
                failures += 1
                console.print(f"{describe(number)}  {problem}\n")
                if failures == options.failures:
                    break
    table = Table("object", "well-formed", "malformed")
    for name in sorted({name for name, _ in counts}):
        table.add_row(name, str(counts[name, True]), str(counts[name, False]))
    console.print(table)
    malformed = sum(count for (_, is_well), count in counts.items() if not is_well)
    seconds = time.monotonic() - began
    console.print(
        f"{failures} failures in {counts.total():,} calls on {BACKEND}, {malformed:,} "
        f"of them malformed, in {seconds:.0f} s ({counts.total() / seconds:.0f} a "
        f"second); go on with --first {first + counts.total()}"
    )
    totals = {"calls": counts.total(), "malformed": malformed, "failures": failures}
    rows = [
        {"object": name, "well_formed": is_well, "calls": count}
        for (name, is_well), count in sorted(counts.items())
    ]
    configuration = {"first": first, "calls": calls}
    save_result(options.output, configuration, 0, seconds, totals, rows)
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
