"""What is installed is what is here, and the index would take it."""

import pathlib
import shutil
import subprocess
import sys
import zipfile

import pytest

import keras_ccar

ROOT = pathlib.Path(keras_ccar.__file__).parents[1]
PACKAGES = ("keras_ccar", "keras_ccar_command")
FILES = ("setup.cfg", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE")
FILES += ("CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy of what the wheel is made from."""
    folder = tmp_path_factory.mktemp("source")
    for name in FILES:
        shutil.copy(ROOT / name, folder / name)
    for name in PACKAGES:
        shutil.copytree(
            ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    return folder


@pytest.fixture(scope="module")
def built(source):
    """The folder that holds the wheel and the source distribution."""
    folder = source.parent / f"{source.name}-dist"
    run("build", "--no-isolation", "--outdir", str(folder), str(source))
    return folder


def run(module, *arguments):
    command = [sys.executable, "-m", module, *arguments]
    subprocess.run(command, check=True, capture_output=True, text=True)


def test_the_wheel_holds_the_whole_package(source, built):
    here = {
        path.relative_to(source).as_posix()
        for name in PACKAGES
        for path in (source / name).rglob("*")
        if path.is_file()
    }
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    installed = {name for name in names if ".dist-info/" not in name}
    assert installed == here
    assert "keras_ccar/benchmark/report/templates/report.html" in installed
    assert "keras_ccar/benchmark/spec/published.csv" in installed
    assert "keras_ccar/py.typed" in installed
    assert "keras_ccar_command/known.json" in installed
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_index_would_take_both(built):
    files = [str(path) for path in built.iterdir()]
    assert len(files) == 2
    run("twine", "check", "--strict", *files)


def test_the_wheel_holds_nothing_else(built):
    (wheel,) = built.glob("*.whl")
    configuration = str(ROOT / "pyproject.toml")
    run("check_wheel_contents", "--config", configuration, str(wheel))
