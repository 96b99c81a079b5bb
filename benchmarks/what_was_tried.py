"""Writes docs/what-was-tried.md from the files in benchmarks/results/tried.

Run by `make results`. The files are written by `make fuzz`, `make kills`, `make damage`
and `make hostile`, one or more for each backend, and by `benchmarks/large_batches.py`.
What is not there is said to be not yet run.
"""

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from large_batches import BACKENDS
from results_page import RESULTS, ROOT

from keras_ccar.benchmark.report.markdown import (
    code_block,
    escape_markdown,
    markdown_table,
)
from keras_ccar.benchmark.report.sentences.facts import describe_hardware
from keras_ccar.files import read_json, write_atomic

TRIED = RESULTS / "tried"
PAGE = ROOT / "docs" / "what-was-tried.md"
NOT_RUN = "not yet run"


@dataclass(frozen=True, eq=False)
class Trial:
    """What is tried on each backend.

    Attributes:
        name: begins the names of its files.
        title: heading of its section.
        text: what is tried, and what counts as lost.
        make: the command that makes the files of all backends.
        tried: what is counted, and its words.
        found: what became of it, and the words for that.
        lost: which of these must be zero.
    """

    name: str
    title: str
    text: str
    make: str
    tried: tuple[str, str]
    found: Mapping[str, str]
    lost: tuple[str, ...]


TRIALS = (
    Trial(
        "fuzz",
        "Fuzzed calls",
        "Losses, metrics and corrections are called with random input, directly and in "
        "compiled steps. Of well-formed input, the value must be that of plain float64 "
        "NumPy, and the gradient finite. Malformed input must raise an error of this "
        "package that names the argument; in a compiled step, which cannot raise one, "
        "the result must be NaN. Anything else is a failure.",
        "make fuzz",
        ("calls", "fuzzed calls"),
        {"malformed": "of which malformed", "failures": "failures"},
        ("failures",),
    ),
    Trial(
        "kills",
        "Kills",
        "A small training that backs itself up after every batch is killed (SIGKILL) "
        "at a random moment, and started again until it ends. It is lost if its "
        "weights or statistics are not those of a training that nobody killed, to the "
        "last bit, or if it cannot be started again.",
        "make kills",
        ("kills", "kills"),
        {
            "found_a_backup": "found a backup to resume",
            "left_half_a_file": "left half a file",
            "trainings": "trainings that ended",
            "lost": "of which lost",
        },
        ("lost",),
    ),
    Trial(
        "damage",
        "Damaged files",
        "Backups of a training and records of finished runs are damaged: a flipped "
        "bit, a block of zeros, two blocks swapped, bytes added, cut off, empty, "
        "deleted. A file is lost if it is believed and nobody is told: if a training "
        "goes on with weights that are not those of the position it names, or a "
        "record has another content.",
        "make damage",
        ("damaged", "damaged files"),
        {
            "bytes": "bytes damaged",
            "noticed": "noticed",
            "older_used": "the older backup used",
            "begun_again": "begun again",
            "not_needed": "not needed",
            "harmless": "the same content",
            "lost": "lost",
        },
        ("lost",),
    ),
    Trial(
        "hostile",
        "Hostile files",
        "Results, records, histories, measurements, backups, saved configurations, "
        "images and names of exports are given as someone would write them who means "
        "harm: markup, scripts, formulas and codes of the terminal in texts, objects "
        "that run code when they are unpickled, files that are endless, nested deeply, "
        "cut off, of another kind or elsewhere. Each must be refused by an error that "
        "names the file or the argument, or be shown as the text that it is.",
        "make hostile",
        ("inputs", "hostile inputs"),
        {
            "refused": "refused",
            "read_harmlessly": "read harmlessly",
            "executed": "executed",
            "traceback": "ended in a traceback",
        },
        ("executed", "traceback"),
    ),
    Trial(
        "large_batches",
        "Large batches",
        "One batch of more samples than a float32 sum can count, which ends at 2²⁴. "
        "Its labels are integers or distributions, and it is passed directly and "
        "through compiled steps. The counts of `CCARLoss`'s statistics and of the "
        "metrics are compared with NumPy's, to the last sample.",
        "python benchmarks/large_batches.py",
        ("samples", "samples of one batch"),
        {"batches": "times counted", "modes": "steps", "lost": "samples lost"},
        ("lost",),
    ),
)

# What the code and its tests do not cover. Written by hand; quotes no measured number.
NOT_PROMISED = (
    "**Labels that Keras changes first.** On JAX, `fit` and `evaluate` cut int64 "
    "labels to 32 bits in Keras's own adapter, before this package sees them: a label "
    "of `2**32 + 1` arrives as `1`. Direct calls with NumPy arrays and the counting of "
    "classes see all bits, so count the labels first.",
    "**Counts without end.** Counts of samples are exact up to 2⁴⁸ of a class since "
    "the last reset. Sums of confidences and weights are rounded, as sums of float32 "
    "are.",
    "**Values inside a compiled step** cannot raise an error. They make the loss or "
    "the metric NaN, and it is yours to look at it.",
    "**Files that never end.** Where a `results.json`, a record or a history is a "
    "named pipe or a device, reading it waits or fills the memory. These files are "
    "read whole, so one larger than the memory ends the process. `from_directory` "
    "alone looks first, and refuses pipes and devices.",
    "**A disk that reports what is not true.** A backup and its name are on disk "
    "(fsync) before an older one goes. A disk, a virtual machine or a network file "
    "system that reports this before it is so, or that has no such call for folders, "
    "may lose the last two backups when the power fails. The trials kill processes; "
    "they do not cut the power.",
    "**Files that others write.** Where Keras writes (`model.save`, "
    "`ModelCheckpoint`, `BackupAndRestore`), a disk that becomes full is Keras's "
    "error, or HDF5's, which may end the process.",
    "**Several trainings in one directory** of `BackupAndResume`: they delete each "
    "other's backups. `keras-ccar compare` locks its folder, as far as the file "
    "system has locks.",
    "**Checksums against a person.** They tell damage by accident. Whoever can write "
    "to the folder can write a checksum that fits; what is no backup at all is then "
    "refused by HDF5 or Keras, in their words. Files without a checksum, of earlier "
    "versions or edited, are believed.",
    "**Text that looks like other text.** Names of classes must be different, and a "
    "letter may be written in one way alone. But names with letters of several "
    "alphabets that look alike, or that run from right to left, are shown as they "
    "are, in data and in a `results.json` that somebody else wrote.",
    "**Saved models from people whom you do not trust.** What becomes of code in a "
    "`.keras` file is decided by Keras: leave `safe_mode` on. Images are decoded by "
    "Pillow, and weights by HDF5, whose own faults are not tried here.",
    "**Images that change on disk between two runs.** The digest of a data set covers "
    "pixels in memory, but of streamed images only which they are.",
    "**The same bits on other hardware.** A resumed training ends with the same bits "
    "only where its operations are deterministic and its batches come again in the "
    "same order.",
    "**What the trials leave out.** Fuzzed are losses, metrics and corrections; "
    "callbacks, data, exports and the command have tests, but no random calls. "
    "Killed is one process on one machine; several processes that train together are "
    "killed by `make failures`, at fewer moments. Systems and accelerators that the "
    "table of platforms does not name were not tried.",
)


def read_trials(folder: str | Path = TRIED) -> dict[str, dict[str, Any]]:
    """Returns the results of trials by the names of their files, without endings."""
    return {path.stem: read_json(path) for path in sorted(Path(folder).glob("*.json"))}


def result_of(
    trial: Trial, backend: str, files: Mapping[str, dict[str, Any]]
) -> dict[str, Any] | None:
    """Returns the result of a trial on one backend, None if it was not run.

    A trial may be run in parts, in files such as `fuzz-jax-0.json`.
    """
    if trial.name != "large_batches":
        name = f"{trial.name}-{backend}"
        parts = [
            part
            for file, part in files.items()
            if re.fullmatch(rf"{name}(-\d+)?", file)
        ]
        if not parts:
            return None
        totals = {
            key: sum(part["totals"][key] for part in parts)
            for key in parts[0]["totals"]
        }
        commands = "\n".join(part["command"] for part in parts)
        return {**parts[0], "command": commands, "totals": totals}
    measured = files.get(trial.name)
    if measured is None:
        return None
    rows = [row for row in measured["rows"] if row["backend"] == backend]
    totals = {
        "samples": rows[0]["samples"],
        "batches": len(rows),
        "modes": ", ".join(dict.fromkeys(row["mode"] for row in rows)),
        "lost": sum(row["lost"] for row in rows),
    }
    platform = measured["environment"]["platform"]
    return {**measured, "platform": platform, "totals": totals}


def page(files: Mapping[str, dict[str, Any]]) -> str:
    """Returns the page as Markdown; the argument is that of `read_trials`."""
    results = {
        (trial, backend): result
        for trial in TRIALS
        for backend in BACKENDS
        if (result := result_of(trial, backend, files)) is not None
    }
    parts = [
        "# What was tried",
        _summary(results),
        "`make results` made this page from the files in `benchmarks/results/tried`; "
        "it is not edited by hand. Every number is counted by the commands "
        "[below](#how-to-try-it-again), which say what they found by their exit code "
        "too.",
    ]
    for trial in TRIALS:
        parts += [f"## {trial.title}", trial.text, _table(trial, results)]
    parts += [
        "## What was lost",
        _lost_table(results),
        "## Platforms",
        _platforms(results),
        "## How to try it again",
        "Each writes its files into `benchmarks/results/tried`:",
        code_block("\n".join(trial.make for trial in TRIALS)),
        *_commands(results),
        "## What is not promised",
        "\n".join(f"- {text}" for text in NOT_PROMISED),
    ]
    return "\n\n".join(parts) + "\n"


def lost_in(trial: Trial, result: Mapping[str, Any]) -> int:
    """Returns how much a result says was lost."""
    return sum(result["totals"][key] for key in trial.lost)


def _summary(results: Mapping[tuple[Trial, str], dict[str, Any]]) -> str:
    """Says in one paragraph what was tried, what was lost, and what is missing."""
    tried = []
    for trial in TRIALS:
        key, words = trial.tried
        counts = [r["totals"][key] for (of, _), r in results.items() if of is trial]
        if counts:
            tried.append(f"{sum(counts):,} {words}")
    lost = sum(lost_in(trial, result) for (trial, _), result in results.items())
    missing = []
    for trial in TRIALS:
        absent = [backend for backend in BACKENDS if (trial, backend) not in results]
        if absent:
            missing.append(f"{trial.title.lower()} on {_listed(absent)}")
    sentences = []
    if tried:
        what = f"{lost:,} lost" if lost else "Nothing was lost"
        sentences.append(f"**{what}** of {_listed(tried)}.")
    if missing:
        sentences.append(f"**Not yet run:** {'; '.join(missing)}.")
    return " ".join(sentences)


def _table(trial: Trial, results: Mapping[tuple[Trial, str], dict[str, Any]]) -> str:
    keys = dict([trial.tried], **trial.found)
    rows = [["backend", *keys.values()]]
    for backend in BACKENDS:
        result = results.get((trial, backend))
        cells = [NOT_RUN, *["–"] * (len(keys) - 1)]
        if result is not None:
            cells = [_shown(result["totals"].get(key)) for key in keys]
        rows.append([backend, *cells])
    return markdown_table(rows)


def _lost_table(results: Mapping[tuple[Trial, str], dict[str, Any]]) -> str:
    rows = [["tried", *BACKENDS]]
    for trial in TRIALS:
        cells = dict.fromkeys(BACKENDS, NOT_RUN)
        for backend in BACKENDS:
            if (trial, backend) in results:
                lost = lost_in(trial, results[trial, backend])
                cells[backend] = f"{lost:,}" if lost else "nothing"
        rows.append([trial.title.lower(), *cells.values()])
    return markdown_table(rows)


def _platforms(results: Mapping[tuple[Trial, str], dict[str, Any]]) -> str:
    if not results:
        return "Nothing has been run."
    tried: dict[tuple[str, ...], list[str]] = {}
    for (trial, backend), result in results.items():
        environment = result["environment"]
        versions = environment["versions"]
        commit = environment["commit"]
        facts = (
            f"{backend} {versions[backend]}",
            versions["keras"],
            versions["python"],
            result["platform"],
            describe_hardware(environment["hardware"]),
            commit[:12] if commit else f"code {environment['code']}",
        )
        tried.setdefault(facts, []).append(trial.title.lower())
    header = ["backend", "Keras", "Python", "system", "hardware", "commit", "tried"]
    rows = [[*facts, ", ".join(titles)] for facts, titles in sorted(tried.items())]
    return markdown_table([header, *rows])


def _commands(results: Mapping[tuple[Trial, str], dict[str, Any]]) -> list[str]:
    commands = [
        without_output(command)
        for result in results.values()
        for command in result["command"].splitlines()
    ]
    if not commands:
        return []
    unique = "\n".join(dict.fromkeys(commands))
    return ["The commands that the numbers above came from:", code_block(unique)]


def without_output(command: str) -> str:
    """Returns a command without the file that it wrote to."""
    words = shlex.split(command)
    if "--output" in words:
        at = words.index("--output")
        del words[at : at + 2]
    return shlex.join(words)


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else escape_markdown(value)


def _listed(texts: Iterable[str]) -> str:
    *most, last = texts
    return f"{', '.join(most)} and {last}" if most else last


def main() -> None:
    """Writes the page."""
    write_atomic(PAGE, page(read_trials()))


if __name__ == "__main__":
    main()
