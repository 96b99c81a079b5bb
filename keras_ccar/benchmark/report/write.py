"""Writes the report of a comparison: Markdown, one HTML page, and figures."""

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console

from keras_ccar.benchmark.comparison import RESULTS_FILE, Comparison
from keras_ccar.benchmark.report import html_page, sections
from keras_ccar.benchmark.report.code.usage_code import code_of_best
from keras_ccar.benchmark.report.console import console_tables, say
from keras_ccar.benchmark.report.figures.all_figures import FIGURES, draw_all
from keras_ccar.benchmark.report.markdown import escape_markdown
from keras_ccar.benchmark.report.sentences.facts import describe_setup, title
from keras_ccar.benchmark.report.sentences.top_sentence import find_answer
from keras_ccar.benchmark.report.sentences.verdicts import verdicts
from keras_ccar.benchmark.report.shown_classes import listed_classes
from keras_ccar.files import write_atomic


def write_and_show_report(
    comparison: Comparison, folder: str | Path, console: Console
) -> None:
    """Shows answer, tables and verdicts, and writes the report."""
    show_report(comparison, console)
    say(console, f"Report: {write_whole_report(comparison, folder)}")


def write_whole_report(comparison: Comparison, folder: str | Path) -> Path:
    """Draws the figures, writes the report, and returns the path of its page."""
    write_report(comparison, folder, draw_all(comparison))
    return Path(folder) / "report.html"


def show_report(comparison: Comparison, console: Console) -> None:
    """Shows answer, tables and verdicts of a comparison on the terminal."""
    answer = find_answer(comparison)
    if answer.warning:
        say(console, answer.warning, "bold red")
    say(console, answer.sentence, "bold")
    for note in answer.notes:
        say(console, note)
    for table in console_tables(comparison):
        console.print(table)
    for sentence in verdicts(comparison):
        say(console, sentence)


def write_report(
    comparison: Comparison, folder: str | Path, drawn: dict[str, bytes]
) -> None:
    """Writes report and figures, those that `draw_all` returned, to a folder."""
    folder = Path(folder)
    for name, content in drawn.items():
        write_atomic(folder / name, content)
    write_atomic(folder / "report.md", markdown(comparison, drawn))
    write_atomic(folder / "report.html", html(comparison, drawn))


def markdown(comparison: Comparison, drawn: Iterable[str]) -> str:
    """Returns the report as Markdown, which refers to the figures as files."""
    parts = [
        f"# {escape_markdown(title(comparison))}",
        *sections.markdown_answer(comparison),
        *sections.markdown_sections(comparison, drawn),
    ]
    return "\n\n".join(parts) + "\n"


def html(comparison: Comparison, drawn: dict[str, bytes]) -> str:
    """Returns the report as one HTML page that needs no other file."""
    listed, labels = listed_classes(comparison.dataset["class_counts"], RESULTS_FILE)
    return html_page.render(
        "report.html",
        title=title(comparison),
        answer=find_answer(comparison),
        code=code_of_best(comparison),
        verdicts=verdicts(comparison),
        sections=sections.table_sections(comparison),
        figures=[
            html_page.embed_png(content, FIGURES[name][1])
            for name, content in drawn.items()
        ],
        listed=listed,
        classes=sections.class_rows(comparison, labels),
        facts=describe_setup(comparison),
        command=comparison.command,
    )
