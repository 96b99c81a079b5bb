"""Writes docs/supported-versions.md from setup.cfg and the result of test_matrix.py.

Run by `make results`.
"""

from pathlib import Path
from typing import Any

from test_matrix import (
    CELLS,
    MARKS,
    NEWEST,
    OLDEST,
    RESULT,
    ROOT,
    cell_of,
    lowest_versions,
)

from keras_ccar.benchmark.report.markdown import code_block, markdown_table
from keras_ccar.files import read_json, write_atomic

PAGE = ROOT / "docs" / "supported-versions.md"
BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX"}
TITLE = "# Supported versions"
NOTE = (
    "`make results` made this page from `setup.cfg` and "
    "`benchmarks/results/versions/test_matrix.json`; it is not edited by hand."
)
NEEDED = (
    "You need Python 3.11 or newer, Keras {keras} or newer, NumPy {numpy} or newer, "
    "and TensorFlow {tensorflow}, JAX {jax} or torch {torch}, or newer. There is no "
    "upper limit. A version that is newer than those below may work or not: it has "
    "not been tried."
)
LIMITS = (
    "TensorFlow limits Keras on its side: each of its versions names the oldest Keras "
    "that it takes. pip finds a pair that fits."
)
FAULTS = (
    "Old versions have faults of their own, of which the tests found two. JAX 0.5 "
    "computes wrong numbers on a processor with programs that its persistent "
    "compilation cache has kept: do not set `JAX_COMPILATION_CACHE_DIR` with it. Keras "
    "3.8 on JAX leaves a model without weights when `fit` is interrupted from the "
    "keyboard: build the model again before you go on.\n\n"
    "`serving.export` on JAX needs a TensorFlow that reads what JAX writes, and says "
    "so where it does not: TensorFlow 2.18 does not read JAX 0.5, 2.19 does; 2.21 "
    "reads JAX up to 0.11.0, not 0.11.2. JAX from 0.11 on also warns that inputs of "
    "int64 and float64 are cut to 32 bits, as they always were: Keras declares them so."
)
HOW = (
    "`make test-matrix` makes an environment for each Python and Keras, and runs the "
    "core tests in it: losses, metrics, callbacks, layers, what is done after "
    "training, and serving. It leaves out the tests that take more than a few seconds "
    "(`{marks}`), the comparisons of `keras-ccar compare`, and torch. `make test-all` "
    "runs these on the newest versions. Tests of packages that are not in these "
    "environments, such as KerasHub, are skipped."
)
LINES = (
    "On the lines *oldest*, every package is the lowest version that `setup.cfg` "
    "names, on the lines *newest* the newest that pip found."
)
BESIDE = (
    'On every line, `python -W error -c "import keras_ccar"` {outcome}, and '
    "`keras-ccar --version` answers within {slowest:.2f} seconds."
)
NOT_RUN = (
    "**Not yet run:** {cells}. `make test-matrix` runs them, and `make results` adds "
    "them to this page."
)
MEASURED = (
    "On {processor}, {cores} cores, with other work beside it, so that times say "
    "little. Commit: {commits}."
)


def page(result: dict[str, Any] | None) -> str:
    """Returns the page about a result of `test_matrix.py`, None for none."""
    rows = [] if result is None else result["rows"]
    run = [cell_of(row) for row in rows]
    missing = [
        f"Keras {cell.wanted} on {BACKENDS[cell.backend]} and Python {cell.python}"
        for cell in CELLS
        if cell not in run
    ]
    parts = [
        TITLE,
        NOTE,
        NEEDED.format_map(lowest_versions()),
        LIMITS,
        FAULTS,
        "## What was tested",
        HOW.format(marks=MARKS),
    ]
    if result is not None:
        parts += [LINES, markdown_table(_table(rows)), *_beside(result)]
    if missing:
        parts.append(NOT_RUN.format(cells="; ".join(missing)))
    return "\n\n".join([*parts, code_block("make test-matrix", "sh") + "\n"])


def _beside(result: dict[str, Any]) -> list[str]:
    rows = result["rows"]
    warns = any(row["import_error"] for row in rows)
    return [
        BESIDE.format(
            outcome="fails on some of them" if warns else "warns of nothing",
            slowest=max(row["version_seconds"] for row in rows),
        ),
        MEASURED.format(
            **result["environment"]["hardware"],
            commits=", ".join(sorted({row["commit"] for row in rows})),
        ),
    ]


def _table(rows: list[dict[str, Any]]) -> list[list[str]]:
    header = ["", "backend", "Python", "Keras", "NumPy", "passed", "failed"]
    table = [[*header, "skipped", "minutes"]]
    for row in rows:
        versions = row["versions"]
        backend = BACKENDS[row["backend"]]
        table.append(
            [
                row["wanted"] if row["wanted"] in (OLDEST, NEWEST) else "",
                f"{backend} {versions[row['backend']]}",
                versions["python"],
                versions["keras"],
                versions["numpy"],
                f"{row['passed']:,}",
                f"{row['failed']:,}",
                f"{row['skipped']:,}",
                f"{row['seconds'] / 60:.0f}",
            ]
        )
    return table


def write_page(result: Path = RESULT, path: Path = PAGE) -> None:
    """Writes the page about a file of results, which need not exist."""
    write_atomic(path, page(read_json(result) if result.exists() else None))


if __name__ == "__main__":
    write_page()
