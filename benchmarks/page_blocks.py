"""Puts what a script printed behind the marks of a page."""

import re
from pathlib import Path


def write_blocks(page: Path, script: str, earlier: str, blocks: dict[str, str]) -> None:
    """Writes blocks behind marks, `<!-- made by benchmarks/SCRIPT: NAME -->`.

    Args:
        page: a page of Markdown, which has each mark once.
        script: the name of the script's file.
        earlier: a regular expression of what a mark may be followed by, which goes.
        blocks: Markdown by name.
    """
    text = page.read_text("utf-8")
    for name, block in blocks.items():
        mark = f"<!-- made by benchmarks/{script}: {name} -->"
        text, count = re.subn(
            rf"{re.escape(mark)}\n{earlier}",
            lambda _, mark=mark, block=block: f"{mark}\n{block}\n",
            text,
            flags=re.DOTALL,
        )
        if count != 1:
            raise SystemExit(f"{page} must have the mark {mark} once")
    page.write_text(text, "utf-8")
