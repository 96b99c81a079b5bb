"""The page of the first model shows what the script runs."""

import re
import subprocess

import pytest
from first_model import COMMANDS, PAGE, program, run, write

TEXT = PAGE.read_text("utf-8")
MARK = "<!-- made by benchmarks/first_model.py: {} -->\n"
MADE = dict(
    re.findall(
        r"<!-- made by benchmarks/first_model.py: (\S+) -->\n```console\n(.*?)\n```\n",
        TEXT,
        re.DOTALL,
    )
)


def seconds(name):
    """Those of the clock, of each command."""
    lines = re.findall(
        r"^# (\d+\.\d) s, of which \d+\.\d s of the processor$", MADE[name], re.M
    )
    return [float(clock) for clock in lines]


def test_the_page_shows_the_commands_that_the_script_runs():
    assert set(MADE) == {*COMMANDS, "machine"}
    for name, commands in COMMANDS.items():
        shown = re.findall(r"^\$ (.*)$", MADE[name], re.M)
        wheel = re.search(r"keras_ccar-\S+?\.whl", MADE["install"])[0]
        assert shown == [command.format(wheel=wheel) for command in commands]
        assert len(seconds(name)) == len(commands)


def test_it_takes_less_than_five_minutes():
    assert 0 < sum(sum(seconds(name)) for name in COMMANDS) < 300


def test_the_version_is_there_at_once_and_the_import_is_silent():
    version, silent = MADE["version"].split("$ ")[1:]
    assert re.search(r"\nkeras-ccar \S+\n# ", version)
    assert seconds("version")[0] < 0.5
    assert len(silent.splitlines()) == 2  # the command, and the seconds


def test_the_model_is_good_and_the_report_is_there():
    balanced = re.search(r"^balanced accuracy: (\S+)$", MADE["model"], re.M)
    assert float(balanced[1]) > 0.7
    assert re.search(r"^report\.html$", MADE["model"], re.M)
    assert "to_html" in program(TEXT)


def test_commands_share_a_shell_and_failures_end_it(tmp_path):
    shell = subprocess.Popen(
        ["bash", "--norc"],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with shell:
        assert run(shell, "export A=b")[0] == ""
        printed, seconds = run(shell, "sleep 0.2; echo $A")
        assert printed == "b\n"
        clock, processor = map(float, re.findall(r"\d+\.\d", seconds))
        assert clock >= 0.2 > processor
        with pytest.raises(SystemExit, match="false"):
            run(shell, "false")


def test_a_transcript_is_replaced(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"a\n{MARK.format('model')}```console\nold\n```\nb\n", "utf-8")
    write(page, {"model": r"new \1"})
    expected = f"a\n{MARK.format('model')}```console\nnew \\1\n```\nb\n"
    assert page.read_text("utf-8") == expected
    with pytest.raises(SystemExit, match="must have the mark"):
        write(page, {"install": "new"})
