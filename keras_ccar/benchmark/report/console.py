"""Text and tables on the terminal."""

from rich import box
from rich.table import Table
from rich.text import Text

from keras_ccar.benchmark.report.summary import difference_rows, score_rows

# With more methods a column each is too wide for a terminal.
_CONSOLE_COLUMNS = 5


def console_tables(comparison):
    """Returns the tables of the report for the terminal.

    Args:
        comparison: the `Comparison`.

    Returns:
        A list of `rich.table.Table`.
    """
    if len(comparison.methods) > _CONSOLE_COLUMNS:
        return [_short_console_table(comparison)]
    tables = [_console_table("Scores, %", score_rows(comparison, digits=1))]
    differences = difference_rows(comparison, digits=1)
    if differences:
        heading = "Paired differences to cross-entropy, [95 % interval]"
        tables.append(_console_table(heading, differences))
    return tables


def _short_console_table(comparison):
    """Returns the most important columns, a method a row."""
    scores = score_rows(comparison, digits=1)
    kept = [scores[0].index(name) for name in ("method", "balanced", "few")]
    differences = {row[0]: row[2] for row in difference_rows(comparison, digits=1)[1:]}
    table = Table(title="Scores, %", title_justify="left", box=box.SIMPLE_HEAD)
    for index, name in enumerate([*(scores[0][at] for at in kept), "to CE [95 %]"]):
        table.add_column(name, justify="right" if index else "left")
    for row in scores[1:]:
        cells = [*(row[at] for at in kept), differences.get(row[0], "")]
        table.add_row(*map(Text, cells))
    return table


def _console_table(heading, rows):
    # On its side it fits a terminal of 80 columns.
    columns = list(zip(*rows, strict=True))
    table = Table(title=heading, title_justify="left", box=box.SIMPLE_HEAD)
    for index, name in enumerate(columns[0]):
        table.add_column(Text(name), justify="left" if index == 0 else "right")
    for column in columns[1:]:
        table.add_row(*map(Text, column))
    return table


def say(console, text):
    # Neither names nor paths are markup.
    console.print(text, markup=False, highlight=False, soft_wrap=True)
