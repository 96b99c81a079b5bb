"""Installs the wheel and trains a first model as a new user would.

It builds the wheel from the last commit, makes an empty folder, runs the commands of
docs/first-model.md there, in a new virtual environment, and writes what was printed
into the page, with the seconds that it took.

`python benchmarks/first_model.py`
"""

import os
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from page_blocks import write_blocks

from keras_ccar.benchmark.report.markdown import code_block
from keras_ccar.benchmark.runner.environment import hardware

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "first-model.md"
COMMANDS = {
    "install": [
        "python -m venv env",
        "source env/bin/activate",
        'pip install -qq "{wheel}[jax,posthoc]"',
        "export KERAS_BACKEND=jax",
    ],
    "version": [
        "keras-ccar --version",
        'python -W error -c "import keras_ccar"',
    ],
    "model": ["python first_model.py", "ls"],
}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home.mkdir()
        wheel = build_wheel(Path(folder) / "source", home)
        (home / "first_model.py").write_text(program(PAGE.read_text("utf-8")), "utf-8")
        blocks = transcript(home, wheel)
        git = ["git", "-C", str(Path(folder) / "source"), "rev-parse", "HEAD"]
        commit = subprocess.check_output(git, text=True).strip()
    write(PAGE, {**blocks, "machine": machine(commit)})


def program(text: str) -> str:
    """The program of the page, as its reader saves it."""
    (code,) = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return code


def build_wheel(source: Path, home: Path) -> str:
    """Builds the wheel of the last commit into `home`, and returns its name."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(source)], check=True)
    build = [sys.executable, "-m", "build", "--no-isolation", "--wheel"]
    command = [*build, "--outdir", str(home), str(source)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (wheel,) = home.glob("*.whl")
    return wheel.name


def transcript(home: Path, wheel: str) -> dict[str, str]:
    """Runs all commands in one shell, and returns what each part printed."""
    hidden = ("PYTHON", "VIRTUAL_ENV", "KERAS_", "TF_", "JAX_")
    names = [name for name in os.environ if not name.startswith(hidden)]
    shell = subprocess.Popen(
        ["bash", "--norc"],
        cwd=home,
        env={name: os.environ[name] for name in names} | {"COLUMNS": "80"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    blocks = {}
    for name, commands in COMMANDS.items():
        lines = []
        for command in commands:
            command = command.format(wheel=wheel)
            printed, seconds = run(shell, command)
            lines.append(f"$ {command}\n{printed}# {seconds}")
        blocks[name] = "\n".join(lines)
    shell.stdin.close()
    shell.wait()
    return blocks


def run(shell: subprocess.Popen, command: str) -> tuple[str, str]:
    """What a command in a shell prints, and its seconds: of clock and processor."""
    # The Python that runs this makes the environment, as a user's `python` does.
    typed = command.replace("python -m venv", f"{sys.executable} -m venv")
    shell.stdin.write(
        "TIMEFORMAT='end-of-command %R %U %S'\n"
        f"time {{ {typed} < /dev/null; ended=$?; }}\necho $ended\n"
    )
    shell.stdin.flush()
    printed = ""
    for line in shell.stdout:
        if line.startswith("end-of-command "):
            break
        printed += line
    status = shell.stdout.readline().strip()
    if status != "0":
        raise SystemExit(f"{command}: {status}\n{printed}")
    clock, *processor = map(float, line.split()[1:])
    return printed, f"{clock:.1f} s, of which {sum(processor):.1f} s of the processor"


def machine(commit: str) -> str:
    """What the seconds depend on."""
    told = hardware()
    return (
        f"{told['processor']}, {told['cores']} cores; "
        f"Python {platform.python_version()}\nCommit {commit}"
    )


def write(page: Path, blocks: dict[str, str]) -> None:
    """Puts what was printed between the marks of the page."""
    fenced = {name: code_block(block, "console") for name, block in blocks.items()}
    write_blocks(page, "first_model.py", r"(```console\n.*?```\n)?", fenced)


if __name__ == "__main__":
    main()
