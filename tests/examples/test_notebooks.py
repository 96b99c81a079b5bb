"""Notebooks are what their sources say, ran without errors, and still run."""

import re
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest

FOLDER = Path(__file__).parents[2] / "examples"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "build")
# Those that take less than half a minute; `make notebooks` runs all of them.
QUICK = ["quickstart", "serving"]
MACHINE_PATH = re.compile(r"/(home|tmp|root|usr|opt|Users|var|work)/|[A-Z]:\\")
LARGEST = 300_000  # bytes


def notebook_of(name):
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def cells_of(notebook):
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


def outputs_of(notebook):
    return [
        output
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]


def texts_of(output):
    if output.output_type == "stream":
        return [output.text]
    return [text for kind, text in output.data.items() if kind.startswith("text/")]


def test_every_notebook_has_a_source():
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_notebook_has_the_cells_of_its_source(name):
    source = jupytext.read(FOLDER / f"{name}.py")
    assert cells_of(notebook_of(name)) == cells_of(source)


@pytest.mark.parametrize("name", NAMES)
def test_notebook_gives_back_its_source(name):
    written = jupytext.writes(notebook_of(name), fmt="py:percent")
    body = written.split("# ---\n", 2)[2].strip()
    assert body == (FOLDER / f"{name}.py").read_text().strip()


@pytest.mark.parametrize("name", NAMES)
def test_notebook_ran_from_top_to_bottom(name):
    code = [cell for cell in notebook_of(name).cells if cell.cell_type == "code"]
    executed = [cell.execution_count for cell in code]
    assert executed == list(range(1, len(code) + 1))


@pytest.mark.parametrize("name", NAMES)
def test_notebook_ends_with_what_you_saw(name):
    cells = [cell for kind, cell in cells_of(notebook_of(name)) if kind == "markdown"]
    headings = re.findall(r"^## (.*)$", "\n".join(cells), re.M)
    assert headings[-1] == "What you saw"


@pytest.mark.parametrize("name", NAMES)
def test_outputs_hold_figures_and_neither_errors_nor_paths(name):
    outputs = outputs_of(notebook_of(name))
    assert not [output for output in outputs if output.output_type == "error"]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    for output in outputs:
        for text in texts_of(output):
            assert not MACHINE_PATH.search(text), text
    data = [output.get("data", {}) for output in outputs]
    assert any(
        "image/png" in of or "data:image/png" in of.get("text/html", "") for of in data
    )
    assert (FOLDER / f"{name}.ipynb").stat().st_size < LARGEST


@pytest.mark.slow
@pytest.mark.tensorflow_only
@pytest.mark.parametrize("name", QUICK)
def test_notebook_runs(name, tmp_path):
    command = [sys.executable, FOLDER / "build.py", "--output", tmp_path, name]
    subprocess.run(command, check=True)
    built = nbformat.read(tmp_path / f"{name}.ipynb", as_version=4)
    assert cells_of(built) == cells_of(notebook_of(name))
    assert built.metadata["processor_seconds"] > 0
    assert len(outputs_of(built)) == len(outputs_of(notebook_of(name)))
