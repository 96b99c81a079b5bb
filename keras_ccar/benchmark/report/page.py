"""One Markdown page of several comparisons and measurements.

The same files give the same bytes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.report.markdown import (
    code_span,
    escape_markdown,
    markdown_table,
)
from keras_ccar.benchmark.report.measurements import measurement_rows
from keras_ccar.benchmark.report.sections import markdown_answer, markdown_sections
from keras_ccar.benchmark.report.sentences.facts import describe_hardware, title
from keras_ccar.files import write_atomic

_FIGURES = "figures"
HOW_MEASURED = (
    "All is measured at the last epoch. Every difference is paired by seed; that one "
    "method beat another is said only where the 95 % confidence interval excludes "
    "zero, and p is below 0.05 once corrected by Holm: against the baseline for the "
    "number of methods, as in the ranking, otherwise for the number of verdicts."
)


@dataclass(frozen=True)
class PageText:
    """What a page says beside its results.

    Attributes:
        first: blocks of Markdown above the verdicts.
        introduction: blocks of Markdown below the verdicts.
        measurement_notes: what the numbers of a measurement mean, by file name.
        measurement_folder: put before the names of measurement files, such as `"a/"`.
        appendix: blocks of Markdown at the end.
    """

    first: tuple[str, ...] = ()
    introduction: tuple[str, ...] = (HOW_MEASURED,)
    measurement_notes: Mapping[str, str] = field(default_factory=dict)
    measurement_folder: str = ""
    appendix: tuple[str, ...] = ()


def write_page(
    path: str | Path,
    comparisons: Mapping[str, Comparison],
    drawn: Mapping[str, Mapping[str, bytes]],
    measurements: Mapping[str, dict[str, Any]],
    text: PageText | None = None,
) -> None:
    """Writes the page, and its figures to the folder `figures` beside it.

    The keys of `comparisons`, and of `drawn`, what `draw_all` returned for each, are
    the names of their folders; those of `measurements` are file names.
    """
    path = Path(path)
    for name, pictures in drawn.items():
        for file_name, content in pictures.items():
            write_atomic(path.parent / _FIGURES / name / file_name, content)
    write_atomic(path, page(comparisons, drawn, measurements, text))


def page(
    comparisons: Mapping[str, Comparison],
    drawn: Mapping[str, Iterable[str]],
    measurements: Mapping[str, dict[str, Any]],
    text: PageText | None = None,
) -> str:
    """Returns the page as Markdown; the arguments are those of `write_page`."""
    text = text or PageText()
    ordered = sort_by_training_size(comparisons)
    parts = ["# Results", *text.first]
    for name in ordered:
        parts.append(f"**{comparison_title(comparisons[name])}**")
        parts += markdown_answer(comparisons[name])
    parts += text.introduction
    for name in ordered:
        folder = f"{_FIGURES}/{name}/"
        parts.append(f"## {comparison_title(comparisons[name])}")
        sections = markdown_sections(comparisons[name], drawn[name], "###", folder)
        parts += _folded("All tables, figures and settings", sections)
    if measurements:
        parts.append("## Speed")
        parts += _folded("All measurements", _measured(measurements, text))
    parts += text.appendix
    return "\n\n".join(parts) + "\n"


def _folded(summary: str, parts: Iterable[str]) -> list[str]:
    """Returns the parts below a line that shows them, on GitHub and in MkDocs."""
    opening = f'<details markdown="1">\n<summary>{summary}</summary>'
    return [opening, *parts, "</details>"]


def _measured(measurements: Mapping[str, dict[str, Any]], text: PageText) -> list[str]:
    parts = []
    for name, measurement in sorted(measurements.items()):
        parts.append(f"### {escape_markdown(name)}")
        if name in text.measurement_notes:
            parts.append(text.measurement_notes[name])
        parts.append(markdown_table(measurement_rows(measurement)))
        environment = measurement["environment"]
        parts.append(
            f"{code_span(text.measurement_folder + name)}, by "
            f"{code_span(measurement['command'])} on "
            f"{escape_markdown(describe_hardware(environment['hardware']))}; "
            f"commit {environment['commit']}."
        )
    return parts


def sort_by_training_size(comparisons: Mapping[str, Comparison]) -> list[str]:
    """Returns the names of comparisons, those that trained on most examples first.

    Of equally long ones, that with most runs is first.
    """

    def size(name: str) -> tuple[int, int]:
        comparison = comparisons[name]
        seen = sum(comparison.dataset["class_counts"]) * comparison.recipe["epochs"]
        return seen, len(comparison.finished)

    return sorted(sorted(comparisons), key=size, reverse=True)


def comparison_title(comparison: Comparison) -> str:
    """Returns the heading of a comparison: data, recipe, network, length and seeds."""
    recipe = comparison.recipe
    heading = title(comparison).removeprefix("CCAR on ")
    network = f"{recipe['model']}, " if "model" in recipe else ""
    count = len(comparison.seeds)
    seeds = f"{count} seed{'' if count == 1 else 's'}"
    return escape_markdown(f"{heading} ({network}{recipe['epochs']} epochs, {seeds})")
