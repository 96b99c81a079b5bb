"""Text and tables on the terminal."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.report.summary import difference_rows, score_rows

# With more methods, one column each is too wide for a terminal.
_MOST_COLUMNS = 5
_CONTROLS = {*range(32), *range(127, 160)} - {ord("\n")}
_ESCAPED = {code: f"\\x{code:02x}" for code in _CONTROLS}


def say(console: Console, text: str) -> None:
    """Prints text as it is: neither names nor paths are markup."""
    console.print(printable(text), markup=False, highlight=False, soft_wrap=True)


def printable(text: str) -> str:
    """Returns text with its lone surrogates and control characters escaped.

    Paths may have both, and names in a file that somebody else wrote: a terminal would
    obey them.
    """
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text.translate(_ESCAPED)


def console_table(
    title: str, rows: Sequence[Sequence[str]], transposed: bool = False
) -> Table:
    """Returns rows of text, the header first, as a table for the terminal."""
    if transposed:
        rows = list(zip(*rows, strict=True))
    title = escape(printable(title))
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    header, *body = [[Text(printable(text)) for text in row] for row in rows]
    for index, name in enumerate(header):
        table.add_column(name, justify="right" if index else "left")
    for row in body:
        table.add_row(*row)
    return table


def console_tables(comparison: Comparison) -> list[Table]:
    """Returns the tables of a comparison that fit a terminal of 80 columns."""
    scores = score_rows(comparison, digits=1)
    differences = difference_rows(comparison, digits=1)
    if len(comparison.methods) > _MOST_COLUMNS:
        kept = [scores[0].index(name) for name in ("method", "balanced", "few")]
        balanced = {row[0]: row[2] for row in differences[1:]}
        rows = [[*(row[at] for at in kept), balanced.get(row[0], "")] for row in scores]
        rows[0][-1] = "to CE [95 %]"
        return [console_table("Scores, %", rows)]
    tables = [console_table("Scores, %", scores, transposed=True)]
    if differences:
        title = "Paired differences to cross-entropy, [95 % interval]"
        tables.append(console_table(title, differences, transposed=True))
    return tables
