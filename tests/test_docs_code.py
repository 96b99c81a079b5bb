"""The code of the pages in docs/ runs."""

import pathlib
import re

import keras
import pytest
from code_blocks import check_printed, code_blocks, examples, run

DOCS = pathlib.Path(__file__).parent.parent / "docs"
# The blocks of scaling.md run in processes of their own, in
# tests/distribution/test_scaling_page.py.
PAGES = [
    path
    for path in sorted(set(DOCS.rglob("*.md")) - {DOCS / "scaling.md"})
    if code_blocks(path.read_text("utf-8"))
]
# The pages that the cards of the home page lead to.
TASKS = [
    "many-classes.md",
    "one-sigmoid.md",
    "tags.md",
    "segmentation-and-detection.md",
    "compare.md",
    "after-training.md",
]
SHAPE = ["Which number to look at", "What goes wrong", "Where to go next"]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_code_runs(path, tmp_path, monkeypatch):
    if path.name == "serving.md" and keras.backend.backend() == "torch":
        pytest.skip("torch cannot export")
    monkeypatch.chdir(tmp_path)
    run(path.read_text("utf-8"), path.name)


def test_only_blocks_with_a_reason_are_not_run():
    block = "```python\n1 / 0\n```\n"
    assert code_blocks(f"Text:\n\n{block}") == ["1 / 0\n"]
    assert code_blocks(f"Text:\n\n<!-- not run: takes a server -->\n{block}") == []
    assert code_blocks(f"Text:\n\n<!-- a comment -->\n{block}") == ["1 / 0\n"]
    with pytest.raises(ZeroDivisionError):
        run(block, "page.md")


def test_what_a_page_says_is_printed_is_compared():
    page = "```python\nprint({})\n```\n\n```text\n{}\n```\n"
    run(page.format("'a  b', 0.52", "a b 0.50"), "page.md")
    for told in ("a b 0.40", "a c 0.50", "a b 0.50 0.50"):
        with pytest.raises(AssertionError):
            run(page.format("'a  b', 0.52", told), "page.md")
    check_printed("few: 3 of ... are 0.5", "few: 3 of 120 are 0.6")
    for printed in ("few: 4 of 120 are 0.6", "few: 3 of 120 are 0.7"):
        with pytest.raises(AssertionError):
            check_printed("few: 3 of ... are 0.5", printed)


def test_an_error_or_a_warning_that_a_page_tells_of_must_come():
    raises = "```python\nint('a')\n```\n\n```text\nValueError: invalid ... 'a'\n```\n"
    run(raises, "page.md")
    with pytest.raises(AssertionError):
        run(raises.replace("int('a')", "int('1')"), "page.md")
    with pytest.raises(ValueError, match="invalid literal"):
        run(raises.partition("```text")[0], "page.md")
    warns = raises.replace("int('a')", "import warnings; warnings.warn('late')")
    warns = warns.replace("ValueError: invalid ... 'a'", "UserWarning: late")
    run(warns, "page.md")
    with pytest.raises(AssertionError):
        run(warns.replace("warn('late')", "warn('early')"), "page.md")


@pytest.mark.parametrize("name", TASKS)
def test_a_page_of_a_task_has_its_shape(name):
    text = (DOCS / name).read_text("utf-8")
    headings = re.findall(r"^## (.*)$", text, re.M)
    places = [headings.index(heading) for heading in SHAPE]
    assert places == sorted(places)
    assert headings[-1] == SHAPE[-1]
    assert places[0] > 0  # code comes first
    wrong = text.partition(f"## {SHAPE[1]}\n")[2].partition("\n## ")[0]
    assert 3 <= len(re.findall(r"^<summary>", wrong, re.M)) <= 6
    assert len([told for _, told in examples(text) if told]) >= 3
    assert f"]({name})" in (DOCS / "index.md").read_text("utf-8")


def test_a_text_block_is_what_code_prints():
    # A block of text that is not below code would not be compared.
    for name in TASKS:
        text = (DOCS / name).read_text("utf-8")
        told = [told for _, told in examples(text) if told]
        assert len(told) == text.count("```text\n"), name
