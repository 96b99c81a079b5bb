"""Runs the examples (`*.py`, jupytext percent format) into notebooks with outputs.

Usage: python examples/build.py [--output FOLDER] [NAME ...], by default all of them
into this folder.
"""

import argparse
import os
import re
import resource
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parent
NAMES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "build")
# Lines that TensorFlow's C++ code writes before its logging can be switched off.
START_UP_LOG = re.compile(
    r"^(WARNING: All log messages before absl|[IWE]\d{4} ).*\n", re.M
)
METADATA = {
    "kernelspec": {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}


def build(name, output=FOLDER):
    """Runs one example and writes its notebook.

    Args:
        name: name of the example, without ending.
        output: the folder to write to.

    Returns:
        The path of the notebook.

    Raises:
        nbclient.exceptions.CellExecutionError: if a cell raises.
    """
    notebook = jupytext.read(FOLDER / f"{name}.py")
    client = NotebookClient(
        notebook,
        timeout=900,
        record_timing=False,
        resources={"metadata": {"path": str(FOLDER)}},
    )
    before = _processor_seconds()
    client.execute()
    seconds = round(_processor_seconds() - before)
    notebook.metadata = nbformat.from_dict({**METADATA, "processor_seconds": seconds})
    for place, cell in enumerate(notebook.cells):
        # Random identifiers would make every build a change.
        cell["id"] = f"cell-{place}"
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if not _is_start_up_log(o)]
    notebook = nbformat.from_dict({**notebook, "nbformat": 4, "nbformat_minor": 5})
    nbformat.validate(notebook)
    path = Path(output) / f"{name}.ipynb"
    nbformat.write(notebook, path)
    return path


def _processor_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _is_start_up_log(output):
    return output.get("name") == "stderr" and not START_UP_LOG.sub("", output.text)


def main():
    """Builds the notebooks named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--output", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(NAMES)
    if unknown:
        parser.error(f"there is no example {sorted(unknown)}; there are {NAMES}")
    # Log messages name the machine, and do not belong in a notebook.
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ.pop("KERAS_BACKEND", None)
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    for name in arguments.names or NAMES:
        start = time.perf_counter()
        path = build(name, arguments.output)
        seconds = time.perf_counter() - start
        size = path.stat().st_size / 1000
        print(f"{name}: {seconds:.0f} s, {size:.0f} kB", flush=True)


if __name__ == "__main__":
    main()
