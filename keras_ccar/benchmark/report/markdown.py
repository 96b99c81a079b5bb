"""Lists, tables and escaping in Markdown."""

from collections.abc import Iterable, Sequence

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
    return " ".join(text.split()).replace("|", r"\|").replace("<", "&lt;")
