import io

from made_results import VARIANTS, made_with_many_methods
from rich.console import Console

from keras_ccar.benchmark.report.console import console_table, console_tables, printable


def test_many_methods_fit_a_terminal():
    console = Console(width=80, record=True, file=io.StringIO())
    for table in console_tables(made_with_many_methods()):
        console.print(table)
    text = console.export_text()
    # A name is no markup.
    for name in VARIANTS:
        assert name in text
    assert max(map(len, text.splitlines())) <= 80


def shown(table):
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(table)
    lines = console.export_text().splitlines()
    return [line.split() for line in lines if line.strip(" ─")]


def test_a_table_can_lie_on_its_side():
    rows = [["method", "[b]"], ["ce", "1.0"], ["[i]bs[/i]", "2.0"]]
    assert shown(console_table("[b]", rows)) == [["[b]"], *rows]
    columns = [["method", "ce", "[i]bs[/i]"], ["[b]", "1.0", "2.0"]]
    assert shown(console_table("[b]", rows, transposed=True)) == [["[b]"], *columns]


def test_a_terminal_is_given_no_codes():
    rows = [["method", "\x1b[1m"], ["\x9b2J\r", "1.0"]]
    assert shown(console_table("\x1b]0;t", rows)) == [
        [r"\x1b]0;t"],
        ["method", r"\x1b[1m"],
        [r"\x9b2J\x0d", "1.0"],
    ]
    assert printable("\x07Ω\udcff\n") == "\\x07Ω\\udcff\n"
