"""Gives hostile files, texts and arguments to what reads them, and counts what happens.

    KERAS_BACKEND=torch python tests/hostile.py --output hostile.json
    KERAS_BACKEND=torch python tests/hostile.py --only 12

An input is refused if the command says why in one sentence, or if a function raises an
error with a message: a `ValueError`, `TypeError` or `OSError`, of ours, or of Keras in
what Keras loads. It is read harmlessly if it is shown as the text that it is. It is
executed if code in it ran, or would run in a browser, a spreadsheet or a terminal.
Everything else is a traceback.
"""

import argparse
import collections
import contextlib
import io
import json
import os
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

from hostile_inputs import CANARY, CASES, RefusedError
from trial_results import save_result

OUTCOMES = ("refused", "read_harmlessly", "executed", "traceback")


def judge(case):
    """What becomes of a hostile input, and the sentence or the problem that says so."""
    _, _, (read, *arguments) = case
    with (
        tempfile.TemporaryDirectory() as name,
        contextlib.chdir(name),
        contextlib.redirect_stderr(io.StringIO()),
        contextlib.redirect_stdout(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        try:
            problems = read(*arguments, Path(name))
            outcome = "executed" if problems else "read_harmlessly"
            said = "; ".join(problems or ())
        except RefusedError as error:
            said = str(error)
            outcome = "refused" if is_one_sentence(said) else "traceback"
        except (ValueError, TypeError, OSError) as error:
            said = f"{type(error).__name__}: {error}"
            outcome = "refused" if str(error) else "traceback"
        except Exception:
            said, outcome = traceback.format_exc(), "traceback"
        if os.path.exists(CANARY):
            said, outcome = "code was run", "executed"
    return outcome, said


def is_one_sentence(printed):
    """Whether a command has said what is wrong, and no more than that."""
    last = printed.strip().splitlines()[-1:]
    is_ours = any("error: " in line for line in last)
    return is_ours and "Traceback" not in printed


def main():
    from rich.console import Console
    from rich.progress import track
    from rich.table import Table

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", type=int, help="try the input of this number alone")
    parser.add_argument("--verbose", action="store_true", help="show what was said")
    parser.add_argument("--output", type=Path, help="JSON file for the counts")
    options = parser.parse_args()
    console = Console(soft_wrap=True, markup=False, highlight=False)
    numbers = range(len(CASES)) if options.only is None else [options.only]
    counts, began = collections.defaultdict(collections.Counter), time.monotonic()
    for number in track(numbers, "hostile inputs", console=console):
        of, kind, _ = CASES[number]
        outcome, said = judge(CASES[number])
        counts[of].update(["inputs", outcome])
        is_lost = outcome in ("executed", "traceback")
        if is_lost or options.verbose or options.only is not None:
            console.print(ascii(f"{number}, {of}, {kind}: {outcome}: {said}"))
    keys = ("inputs", *OUTCOMES)
    rows = [
        {"read": of, **{key: count[key] for key in keys}}
        for of, count in counts.items()
    ]
    totals = {key: sum(row[key] for row in rows) for key in keys}
    table = Table(*(key.replace("_", " ") for key in rows[0]), box=None)
    for row in rows:
        table.add_row(*map(str, row.values()))
    console.print(table)
    result = save_result(
        options.output,
        {"only": options.only},
        0,
        time.monotonic() - began,
        totals,
        rows,
    )
    console.print(json.dumps(result | {"rows": len(rows)}, indent=1))
    sys.exit(totals["executed"] + totals["traceback"] > 0)


if __name__ == "__main__":
    main()
