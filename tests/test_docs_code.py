"""The code of the pages in docs/ runs."""

import pathlib

import keras
import pytest
from code_blocks import code_blocks, run

DOCS = pathlib.Path(__file__).parent.parent / "docs"
# The blocks of scaling.md run in processes of their own, in
# tests/distribution/test_scaling_page.py.
PAGES = [
    path
    for path in sorted(set(DOCS.rglob("*.md")) - {DOCS / "scaling.md"})
    if code_blocks(path.read_text("utf-8"))
]


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
