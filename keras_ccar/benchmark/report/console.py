"""Text and tables on the terminal."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.report.summary import rank_rows, score_rows, shown_metrics
from keras_ccar.benchmark.statistics.columns import describe_column

# With more methods, one column each is too wide for a terminal.
_MOST_COLUMNS = 5
_CONTROLS = {*range(32), *range(127, 160)} - {ord("\n")}
_ESCAPED = {code: f"\\x{code:02x}" for code in _CONTROLS}


def say(console: Console, text: str, style: str | None = None) -> None:
    """Prints text as it is: neither names nor paths are markup."""
    console.print(
        printable(text), style=style, markup=False, highlight=False, soft_wrap=True
    )


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
    """Returns the tables of a comparison that fit a terminal of 80 columns.

    Of few methods they are the scores on their side, then those of many beside their
    differences to the baseline.
    """
    ranks = rank_rows(comparison, digits=1)
    if not ranks:
        return []
    rows = [[row[0], *row[2:]] for row in ranks]
    if comparison.baseline in {method["name"] for method in comparison.methods}:
        rows[0][-2] = "to baseline [95 %]"
    tables = [console_table("Ranking", rows)]
    if len(comparison.methods) <= _MOST_COLUMNS:
        scores = score_rows(comparison, digits=1)
        scores[0] = [_with_unit(comparison, title) for title in scores[0]]
        tables.append(console_table("Scores", scores, transposed=True))
    return tables


def _with_unit(comparison: Comparison, title: str) -> str:
    """Returns the title of a column of scores, of percentages with their sign."""
    shown = shown_metrics(comparison)
    names = [name for name, shown_title in shown.items() if shown_title == title]
    is_percent = any(describe_column(name, shown).is_percent for name in names)
    return f"{title}, %" if is_percent else title
