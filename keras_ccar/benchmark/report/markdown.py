"""Lists, tables and escaping in Markdown."""

import pandas as pd


def markdown_list(sentences):
    """Returns sentences as a list in Markdown.

    Args:
        sentences: text.
    """
    return "\n".join(f"- {escape_markdown(sentence)}" for sentence in sentences)


def markdown_table(rows):
    """Returns rows of text as a table in Markdown.

    Args:
        rows: lists of cells, the header first.
    """
    # A bar or a line break within a cell would end it.
    rows = [[escape_markdown(text) for text in row] for row in rows]
    frame = pd.DataFrame(rows[1:], columns=rows[0])
    return frame.to_markdown(index=False, disable_numparse=True)


def escape_markdown(text):
    """Returns text that neither ends a cell of a table nor becomes markup.

    Args:
        text: such as a name.
    """
    return " ".join(text.split()).replace("|", r"\|").replace("<", "&lt;")
