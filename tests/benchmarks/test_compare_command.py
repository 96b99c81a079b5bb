"""The page of the command shows what the script runs."""

import re

import pytest
from compare_command import ASK, COMMANDS, PAGE, write

TEXT = PAGE.read_text("utf-8")
MARK = "<!-- made by benchmarks/compare_command.py: {} -->\n"


@pytest.mark.parametrize("name", [*COMMANDS, *(f"ask-{name}" for name in ASK)])
def test_the_page_has_a_place_for_each_transcript(name):
    assert TEXT.count(MARK.format(name)) == 1
    if name in COMMANDS:
        assert COMMANDS[name] in TEXT


def test_transcripts_are_of_the_commands_that_the_script_runs():
    made = re.findall(r"<!-- made by \S+: (\S+) -->\n```text\n(.*?)\n```\n", TEXT, re.S)
    assert "count" in dict(made)
    for name, transcript in made:
        if name in COMMANDS:
            assert transcript.startswith(f"$ {COMMANDS[name]}\n")
            assert re.search(r"\n# took \d+ s$", transcript)


def test_a_transcript_is_replaced(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text(f"a\n{MARK.format('count')}```text\nold\n```\nb\n", "utf-8")
    monkeypatch.setattr("compare_command.PAGE", page)
    write({"count": "```text\nnew \\1\n```"})
    expected = f"a\n{MARK.format('count')}```text\nnew \\1\n```\nb\n"
    assert page.read_text("utf-8") == expected
    with pytest.raises(SystemExit, match="must have the mark"):
        write({"table": "new"})
