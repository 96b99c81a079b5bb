"""Writes the report of a comparison: Markdown, one HTML page, and figures."""

from pathlib import Path

from keras_ccar.benchmark.report import html_page
from keras_ccar.benchmark.report.facts import describe_setup, title
from keras_ccar.benchmark.report.figures import FIGURES
from keras_ccar.benchmark.report.markdown import escape_markdown, markdown_list
from keras_ccar.benchmark.report.published_table import (
    published_rows,
    published_sentence,
)
from keras_ccar.benchmark.report.sections import (
    _DIFFERENCES_NOTE,
    _PUBLISHED_NOTE,
    _SCORES_NOTE,
    class_rows,
    failed_runs,
    markdown_sections,
)
from keras_ccar.benchmark.report.summary import difference_rows, score_rows
from keras_ccar.benchmark.report.verdicts import verdicts
from keras_ccar.files import write_atomic


def write_report(comparison, drawn, folder):
    """Writes `report.md`, `report.html` and the figures.

    Args:
        comparison: the `Comparison`.
        drawn: its figures, from `keras_ccar.benchmark.report.figures.draw_all`.
        folder: the folder of the comparison.

    Returns:
        The path of the HTML page.
    """
    folder = Path(folder)
    for name, content in drawn.items():
        write_atomic(folder / name, content)
    write_atomic(folder / "report.md", markdown(comparison, drawn))
    page = folder / "report.html"
    write_atomic(page, html(comparison, drawn))
    return page


def markdown(comparison, drawn):
    """Returns the report as Markdown, which refers to the figures as files.

    Args:
        comparison: the `Comparison`.
        drawn: names of the figures that there are.
    """
    parts = [
        f"# {escape_markdown(title(comparison))}",
        markdown_list(verdicts(comparison)),
    ]
    parts.extend(markdown_sections(comparison, heading="##"))
    parts.append("## Figures")
    parts.extend(f"![{FIGURES[name][1]}]({name})" for name in drawn)
    parts.append("## How this was made")
    parts.append(
        markdown_list(f"{name}: {value}" for name, value in describe_setup(comparison))
    )
    parts.append(f"```\n{comparison.command}\n```")
    return "\n\n".join(parts) + "\n"


def html(comparison, drawn):
    """Returns the report as one HTML page that needs no other file.

    Args:
        comparison: the `Comparison`.
        drawn: dict of PNG bytes by file name.
    """
    return html_page.render(
        "report.html",
        title=title(comparison),
        verdicts=verdicts(comparison),
        scores=score_rows(comparison),
        scores_note=_SCORES_NOTE,
        differences=difference_rows(comparison),
        differences_note=_DIFFERENCES_NOTE,
        published=published_rows(comparison),
        published_sentence=published_sentence(comparison),
        published_note=_PUBLISHED_NOTE,
        failures=failed_runs(comparison),
        figures=[
            html_page.embed_png(content, FIGURES[name][1])
            for name, content in drawn.items()
        ],
        classes=class_rows(comparison),
        facts=describe_setup(comparison),
        command=comparison.command,
    )
