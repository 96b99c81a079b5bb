"""Runs the core tests on the oldest and newest versions that setup.cfg admits.

Run by `make test-matrix`, and for the oldest alone by `make test-oldest`. Every Python
and Keras gets an environment of its own, made by pip, with what the core tests need.
"""

import argparse
import configparser
import json
import os
import re
import shlex
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_ccar.benchmark.runner.environment import commit, hardware
from keras_ccar.files import read_json, write_json

ROOT = Path(__file__).parent.parent
RESULT = ROOT / "benchmarks" / "results" / "versions" / "test_matrix.json"
OLDEST, NEWEST = "oldest", "newest"
PACKAGES = ("keras", "tensorflow", "jax", "numpy")
PRINT_VERSIONS = """
import importlib.metadata, json, platform, sys
versions = {name: importlib.metadata.version(name) for name in sys.argv[1:]}
print(json.dumps({"python": platform.python_version(), **versions}))
"""
BOTH_STREAMS = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
# The fields of `Cell`, which are options of the command.
FIELDS = ("python", "wanted", "backend")
# Tests that are marked slow would take hours in all cells.
MARKS = "not slow and not failures and not long"


@dataclass(frozen=True)
class Cell:
    """What the core tests run on.

    Attributes:
        python: the version of Python.
        wanted: the version of Keras, or OLDEST: the lowest that setup.cfg admits, and
            with it the lowest of every other package; or NEWEST.
        backend: the Keras backend.
    """

    python: str
    wanted: str
    backend: str

    def constraints(self) -> list[str]:
        """Returns what pip may install, beside the requirements of setup.cfg."""
        if self.wanted == OLDEST:
            return [f"{name}=={low}.*" for name, low in lowest_versions().items()]
        return [] if self.wanted == NEWEST else [f"keras=={self.wanted}.*"]


CELLS = tuple(
    Cell(python, wanted, backend)
    for python, wanted in (
        ("3.11", OLDEST),
        ("3.11", "3.12"),
        ("3.11", NEWEST),
        ("3.12", NEWEST),
        ("3.13", NEWEST),
    )
    for backend in ("tensorflow", "jax")
)


def requirements() -> list[str]:
    """Returns the requirements in setup.cfg: of the package and of its extras."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    texts = [setup["options"]["install_requires"]]
    texts += setup["options.extras_require"].values()
    return [line for text in texts for line in text.split("\n") if line]


def lowest_versions() -> dict[str, str]:
    """Returns the lowest version of each package for which setup.cfg names one."""
    found = (re.match(r"([\w-]+)(?:\[.*\])?>=([\d.]+)", r) for r in requirements())
    return {match[1]: match[2] for match in found if match}


def interpreter(version: str) -> str:
    """Returns a Python of a version: from the path, or from pyenv.

    Raises:
        FileNotFoundError: if there is none.
    """
    name = f"python{version}"
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    installed = sorted(pyenv.glob(f"versions/{version}.*/bin/{name}"))
    for command in (name, *map(str, installed)):
        try:  # A shim of pyenv may be there without a Python behind it.
            subprocess.run([command, "--version"], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return command
    raise FileNotFoundError(
        f"There is no {name}. Install it, or choose others with --python."
    )


def make_environment(cell: Cell, folder: Path) -> Path:
    """Returns the Python of the environment of a cell; makes it if it is not there.

    Both backends share it. It is made again when the requirements have changed.
    """
    environment = folder / f"python{cell.python}-keras-{cell.wanted}"
    python = environment / "bin" / "python"
    constraints = environment / "constraints.txt"
    made_for = environment / "made_for.txt"
    wanted = "\n".join([*cell.constraints(), "", *requirements()])
    if made_for.exists() and made_for.read_text("utf-8") == wanted:
        return python
    create = [interpreter(cell.python), "-m", "venv", "--clear", str(environment)]
    subprocess.run(create, check=True)
    constraints.write_text("\n".join(cell.constraints()), "utf-8")
    install = [str(python), "-m", "pip", "install", "--quiet"]
    install += ["--disable-pip-version-check", "--constraint", str(constraints)]
    subprocess.run([*install, "--editable", f"{ROOT}[core-test]"], check=True)
    made_for.write_text(wanted, "utf-8")
    return python


def core_tests() -> list[str]:
    """Returns the files and folders that the Makefile calls the core tests."""
    make = ["make", "--silent", "--no-print-directory", "core-tests"]
    return subprocess.check_output(make, cwd=ROOT, text=True).split()


def run_cell(
    cell: Cell,
    folder: Path,
    workers: str,
    chosen: Sequence[str] = (),
    left_out: Sequence[str] = (),
) -> dict[str, Any]:
    """Returns what the core tests of a cell came to, as a row of the result.

    Args:
        cell: the versions and the backend.
        folder: where environments lie.
        workers: the number of processes of pytest, or "auto".
        chosen: options of pytest that choose among the tests.
        left_out: folders of core tests that are not run.
    """
    python = make_environment(cell, folder)
    environment = {**os.environ, "KERAS_BACKEND": cell.backend}
    if cell.wanted != OLDEST:  # JAX 0.5 computes wrong numbers with what it has kept.
        # JAX compiles each operation for each shape: for the next test too.
        environment |= {
            "JAX_COMPILATION_CACHE_DIR": str(python.parents[1] / "jax_cache"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        }

    def run(*command: Any, **options: Any) -> subprocess.CompletedProcess[str]:
        words = [str(part) for part in command]
        return subprocess.run(words, env=environment, cwd=ROOT, text=True, **options)

    def output_of(*command: Any) -> str:
        return run(*command, check=True, stdout=subprocess.PIPE).stdout

    versions = json.loads(output_of(python, "-c", PRINT_VERSIONS, *PACKAGES))
    # TensorFlow logs what it finds, so that only the exit code tells of a warning.
    imported = run(python, "-W", "error", "-c", "import keras_ccar", **BOTH_STREAMS)
    seconds = []
    for _ in range(3):  # Other work on the machine may hold one of them up.
        start = time.perf_counter()
        output_of(python.with_name("keras-ccar"), "--version")
        seconds.append(time.perf_counter() - start)
    report = python.parents[1] / f"{cell.backend}.xml"
    report.unlink(missing_ok=True)
    options = ["-m", MARKS, "-n", workers, "--dist", "loadgroup", *chosen]
    paths = [path for path in core_tests() if path.rstrip("/") not in left_out]
    run(python, "-m", "pytest", *options, f"--junitxml={report}", *paths)
    return {
        "python": cell.python,
        "wanted": cell.wanted,
        "backend": cell.backend,
        "versions": versions,
        **read_counts(report),
        "import_error": imported.stdout[-1000:] if imported.returncode else "",
        "version_seconds": round(min(seconds), 2),
        "options": shlex.join(options),
        "commit": commit(),
    }


def read_counts(report: Path) -> dict[str, int]:
    """Returns how many tests a JUnit file of pytest says to have passed, and so on."""
    (suite,) = ElementTree.parse(report).getroot().iter("testsuite")
    failed = int(suite.attrib["failures"]) + int(suite.attrib["errors"])
    skipped = int(suite.attrib["skipped"])
    return {
        "passed": int(suite.attrib["tests"]) - failed - skipped,
        "failed": failed,
        "skipped": skipped,
        "seconds": round(float(suite.attrib["time"])),
    }


def cell_of(row: dict[str, Any]) -> Cell:
    """Returns the cell that a row is about."""
    return Cell(row["python"], row["wanted"], row["backend"])


def is_well(row: dict[str, Any]) -> bool:
    """Returns whether tests ran, none failed, and the import warned of nothing."""
    return row["passed"] > 0 and not row["failed"] and not row["import_error"]


def write_rows(path: Path, rows: Sequence[dict[str, Any]], command: str) -> None:
    """Writes rows in the order of CELLS, beside those of other cells in the file."""
    kept = read_json(path)["rows"] if path.exists() else []
    by_cell = {cell_of(row): row for row in (*kept, *rows)}
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "command": command,
        "environment": {"hardware": hardware(), "commit": commit()},
        "rows": [by_cell[cell] for cell in CELLS if cell in by_cell],
    }
    write_json(path, content)


def main() -> None:
    """Runs the cells that are asked for; ends with 1 if not all is well."""
    parser = argparse.ArgumentParser(description=__doc__)
    every = {name: sorted({getattr(c, name) for c in CELLS}) for name in FIELDS}
    for name, choices in every.items():
        parser.add_argument(f"--{name}", nargs="+", choices=choices, default=choices)
    parser.add_argument("--folder", type=Path, default=ROOT / ".matrix")
    parser.add_argument("--workers", default="auto", help="processes of pytest")
    parser.add_argument("--output", type=Path, help=f"such as {RESULT}")
    parser.add_argument(
        "--each-value-once", action="store_true", help="leave out combinations"
    )
    parser.add_argument(
        "--leave-out", nargs="+", default=[], help="such as tests/posthoc"
    )
    options = parser.parse_args()
    command = shlex.join(["python", "benchmarks/test_matrix.py", *sys.argv[1:]])
    all_well = True
    for cell in CELLS:
        if all(getattr(cell, name) in getattr(options, name) for name in FIELDS):
            chosen = ["--each-value-once"] if options.each_value_once else []
            folder, left_out = options.folder.resolve(), options.leave_out
            row = run_cell(cell, folder, options.workers, chosen, left_out)
            print(json.dumps(row), flush=True)
            all_well &= is_well(row)
            if options.output:
                write_rows(options.output, [row], command)
    sys.exit(not all_well)


if __name__ == "__main__":
    main()
