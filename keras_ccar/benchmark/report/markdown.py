"""Lists, tables and escaping in Markdown."""

import os
import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

import pandas as pd


def markdown_list(sentences: Iterable[str]) -> str:
    """Returns sentences as a list in Markdown."""
    return "\n".join(f"- {escape_markdown(sentence)}" for sentence in sentences)


def markdown_table(rows: Iterable[Sequence[str]]) -> str:
    """Returns rows of text, the header first, as a table in Markdown."""
    header, *body = [[escape_markdown(text) for text in row] for row in rows]
    frame = pd.DataFrame(body, columns=header)
    return str(frame.to_markdown(index=False, disable_numparse=True))


def escape_markdown(text: str) -> str:
    """Returns text that neither ends a cell of a table nor becomes markup."""
    text = re.sub(r"[\\`*]", r"\\\g<0>", " ".join(text.split()))
    # Brackets make a link only where one of these follows.
    text = re.sub(r"\](?=[(\[:])", r"\\]", text)
    return text.replace("|", r"\|").replace("<", "&lt;")


def link_target(path: str) -> str:
    """Returns the path of a file as a link may have it, spaces and brackets encoded."""
    return quote(os.fsencode(path))


def code_span(text: str) -> str:
    """Returns text as code in a line, whatever backticks it holds."""
    text = " ".join(text.split())
    fence = _fence(text, 1)
    return f"{fence} {text} {fence}" if "`" in text else f"`{text}`"


def code_block(text: str, language: str = "") -> str:
    """Returns text as a block of code, whatever backticks it holds."""
    fence = _fence(text, 3)
    return f"{fence}{language}\n{text}\n{fence}"


def bold(text: str) -> str:
    """Returns a sentence in bold, whatever it holds."""
    return f"**{escape_markdown(text)}**"


def _fence(text: str, least: int) -> str:
    """Returns more backticks than the text has in a row."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    return "`" * max(least, longest + 1)
