"""Writes the report of a comparison: Markdown, one HTML page, and figures."""

from pathlib import Path

from keras_ccar.benchmark.report import html_page
from keras_ccar.benchmark.report.facts import describe_setup, title
from keras_ccar.benchmark.report.figures import FIGURES
from keras_ccar.benchmark.report.markdown import bullets, escaped
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
    sections,
)
from keras_ccar.benchmark.report.summary import difference_rows, score_rows
from keras_ccar.benchmark.report.verdicts import verdicts
from keras_ccar.files import write_atomic


def write_report(results, drawn, folder):
    """Writes `report.md`, `report.html` and the figures.

    Args:
        results: the dict of `results.json`.
        drawn: its figures, from `keras_ccar.benchmark.report.figures.draw_all`.
        folder: the folder of the comparison.

    Returns:
        The path of the HTML page.
    """
    folder = Path(folder)
    for name, content in drawn.items():
        write_atomic(folder / name, content)
    write_atomic(folder / "report.md", markdown(results, drawn))
    page = folder / "report.html"
    write_atomic(page, html(results, drawn))
    return page


def markdown(results, drawn):
    """Returns the report as Markdown, which refers to the figures as files.

    Args:
        results: the dict of `results.json`.
        drawn: names of the figures that there are.
    """
    parts = [f"# {escaped(title(results))}", bullets(verdicts(results))]
    parts.extend(sections(results, heading="##"))
    parts.append("## Figures")
    parts.extend(f"![{FIGURES[name][1]}]({name})" for name in drawn)
    parts.append("## How this was made")
    parts.append(bullets(f"{name}: {value}" for name, value in describe_setup(results)))
    parts.append(f"```\n{results['command']}\n```")
    return "\n\n".join(parts) + "\n"


def html(results, drawn):
    """Returns the report as one HTML page that needs no other file.

    Args:
        results: the dict of `results.json`.
        drawn: dict of PNG bytes by file name.
    """
    return html_page.render(
        "report.html",
        title=title(results),
        verdicts=verdicts(results),
        scores=score_rows(results),
        scores_note=_SCORES_NOTE,
        differences=difference_rows(results),
        differences_note=_DIFFERENCES_NOTE,
        published=published_rows(results),
        published_sentence=published_sentence(results),
        published_note=_PUBLISHED_NOTE,
        failures=failed_runs(results),
        figures=[
            html_page.embedded(content, FIGURES[name][1])
            for name, content in drawn.items()
        ],
        classes=class_rows(results),
        facts=describe_setup(results),
        command=results["command"],
    )
