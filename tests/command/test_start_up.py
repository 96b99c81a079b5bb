"""The command answers without importing Keras, and shows no log lines of frameworks."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from known_names import known_names

import keras_ccar
from keras_ccar_command.known import PATH
from keras_ccar_command.quiet import without_log_lines

ROOT = Path(keras_ccar.__file__).parents[1]


def run(*arguments, code="import keras_ccar_command as c; c.main()", **how):
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        **how,
    )


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--help"], 0, "usage: keras-ccar"),
        (["--version"], 0, "keras-ccar "),
        (["compare", "--help"], 0, "--learning-rate FLOAT"),
        (["compare", "mnist"], 2, "neither a folder or file"),
        (["compare", "digits-lt", "--methods", "sgd"], 2, "method 'sgd' is unknown"),
        (["compare", "digits-lt", "--label", "x"], 2, "--label is for data of your"),
        (["compare", ".", "--tau", "2"], 2, "--tau is for known data sets"),
    ],
)
def test_what_needs_no_keras_imports_none(arguments, code, said):
    script = (
        "import sys, keras_ccar_command as c\n"
        "try:\n"
        "    c.main()\n"
        "finally:\n"
        "    loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "    assert not loaded & {'keras', 'keras_ccar', 'numpy', 'tensorflow'}\n"
    )
    answer = run(*arguments, code=script)
    assert answer.returncode == code, answer.stderr
    assert said in " ".join((answer.stdout + answer.stderr).split())


def test_the_version_is_that_of_the_package():
    assert run("--version").stdout.split() == ["keras-ccar", keras_ccar.__version__]


def test_the_command_knows_what_the_package_has():
    # `python benchmarks/known_names.py` writes the file again.
    assert json.loads(PATH.read_text("utf-8")) == known_names()


def test_lines_of_frameworks_are_held_back_and_others_are_shown():
    script = (
        "import os, sys\n"
        "from keras_ccar_command.quiet import without_log_lines\n"
        "with without_log_lines():\n"
        "    os.write(2, b'WARNING: All log messages before absl::InitializeLog() is'\n"
        "        b' called are written to STDERR\\n')\n"
        "    os.write(2, b'I0000 00:00:1795952360.158805 4456 cudart_stub.cc:31] No\\n'"
        ")\n"
        "    print('mine', file=sys.stderr)\n"
        "print('after', file=sys.stderr)\n"
    )
    assert run(code=script).stderr == "mine\nafter\n"


def test_errors_pass():
    with pytest.raises(ValueError, match="seen"), without_log_lines():
        raise ValueError("seen")


def test_a_library_that_is_missing_is_named():
    code = (
        "import sys, keras_ccar_command as c\n"
        "sys.modules['rich'] = None\n"
        "sys.exit(c.main())"
    )
    answer = run("count", "digits-lt", code=code)
    assert answer.returncode == 2
    assert "rich" in answer.stderr
    assert "Run `pip install 'keras_ccar[benchmark]'`." in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.slow
def test_only_our_own_lines_appear_unless_verbose(tmp_path, monkeypatch):
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    plan = ["compare", "digits-lt", "--smoke", "--seeds", "1", "--methods", "ce"]
    for name in ("quiet", "loud"):
        more = ["-v"] if name == "loud" else []
        answer = run(*plan, "--output", str(tmp_path / name), *more)
        assert answer.returncode == 0, answer.stderr
        lines = re.findall(r"^(?:[IWE]\d{4}|\d{4}-\d\d-\d\d|WARNING).*", answer.stderr)
        assert bool(lines) == (name == "loud"), answer.stderr
