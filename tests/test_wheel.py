"""What is installed is what is here: every module, and the files that they read."""

import pathlib
import shutil
import subprocess
import sys
import zipfile

import keras_ccar

ROOT = pathlib.Path(keras_ccar.__file__).parents[1]


def test_the_wheel_holds_the_whole_package(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    for name in ("setup.cfg", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    packages = ("keras_ccar", "keras_ccar_command")
    for name in packages:
        shutil.copytree(
            ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    here = {
        path.relative_to(source).as_posix()
        for name in packages
        for path in (source / name).rglob("*")
        if path.is_file()
    }
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    command += ["--no-build-isolation", "--wheel-dir", str(tmp_path), str(source)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    (wheel,) = tmp_path.glob("*.whl")
    installed = {
        name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name
    }
    assert installed == here
    assert "keras_ccar/benchmark/report/templates/report.html" in installed
    assert "keras_ccar/benchmark/spec/published.csv" in installed
    assert "keras_ccar_command/known.json" in installed
