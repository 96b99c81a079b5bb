"""The sections of a report and their notes, the same for Markdown and HTML."""

from collections.abc import Iterable
from dataclasses import dataclass

from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.report.facts import describe_setup
from keras_ccar.benchmark.report.figures import FIGURES
from keras_ccar.benchmark.report.markdown import (
    code_block,
    link_target,
    markdown_list,
    markdown_table,
)
from keras_ccar.benchmark.report.published_table import (
    published_rows,
    published_sentence,
)
from keras_ccar.benchmark.report.summary import difference_rows, score_rows

_SCORES_NOTE = (
    "Percent, mean ± standard deviation over seeds, at the last epoch. Balanced: mean "
    "of the accuracies of the classes. Many, medium, few: classes of more than 100, of "
    "20 to 100 and of fewer than 20 training examples. ECE: expected calibration "
    "error, 15 bins, lower is better. Mean weight: over all training examples and "
    "epochs; above 1 the loss also acts as a larger learning rate. Seconds: by the "
    "clock, whatever else the machine did meanwhile."
)
_DIFFERENCES_NOTE = (
    "Points, each seed against the same seed of cross-entropy, which had the same "
    "initial weights, batches and augmentation. In brackets: 95 % confidence interval "
    "(Student's t) over seeds. It says how the difference varies with the seed on this "
    "one training and test set, not how it would vary over data sets. Each interval "
    "stands for itself: of 20 methods that change nothing, one is expected to exclude "
    "zero."
)
_PUBLISHED_NOTE = (
    "Top-1 in percent, in brackets the points that the source gained over its own "
    "baseline. † from the paper, not read again in its files. Ours: mean ± standard "
    "deviation over seeds at the last epoch. A number that differs in more than the "
    "draw of the images is not comparable, and the table says what it differs in: most "
    "sources report their best epoch on the test images."
)


@dataclass(frozen=True)
class Section:
    """A table with its heading, and the text above and below it.

    `style` is a CSS class of `report.html`: `"words"` for cells of running text.
    """

    heading: str
    rows: list[list[str]]
    introduction: str = ""
    note: str = ""
    style: str = ""


def table_sections(comparison: Comparison) -> list[Section]:
    """Returns the tables of a comparison, without the empty ones."""
    sections = [
        Section("Scores", score_rows(comparison), note=_SCORES_NOTE),
        Section(
            "Differences to cross-entropy",
            difference_rows(comparison),
            note=_DIFFERENCES_NOTE,
        ),
        Section(
            "Published numbers and ours",
            published_rows(comparison),
            published_sentence(comparison),
            _PUBLISHED_NOTE,
            "words",
        ),
        Section("Failed runs", _failure_rows(comparison), style="words"),
    ]
    return [section for section in sections if section.rows]


def markdown_sections(
    comparison: Comparison, drawn: Iterable[str], heading: str = "##", folder: str = ""
) -> list[str]:
    """Returns all but the verdicts as blocks of Markdown.

    `drawn` are the file names of the figures, which the page finds in `folder`.
    """
    parts = []
    for section in table_sections(comparison):
        parts += [f"{heading} {section.heading}", section.introduction]
        parts += [markdown_table(section.rows), section.note]
    parts.append(f"{heading} Figures")
    parts += [f"![{FIGURES[name][1]}]({link_target(folder + name)})" for name in drawn]
    facts = describe_setup(comparison)
    parts.append(f"{heading} How this was made")
    parts.append(markdown_list(f"{name}: {value}" for name, value in facts))
    parts.append(code_block(comparison.command))
    return [part for part in parts if part]


def _failure_rows(comparison: Comparison) -> list[list[str]]:
    failed = comparison.failed
    rows = [[run["method"], str(run["seed"]), run["error"]] for run in failed]
    return [["method", "seed", "error"], *rows] if rows else []


def class_rows(comparison: Comparison, labels: Iterable[int]) -> list[list[str]]:
    """Returns the accuracy of some classes under each method, the header first."""
    names = comparison.dataset["class_names"]
    counts = comparison.dataset["class_counts"]
    methods = comparison.methods
    rows = [["class", "training examples", *(method["title"] for method in methods)]]
    runs = [comparison.finished_runs(method["name"]) for method in methods]
    for label in labels:
        cells = []
        for of_method in runs:
            accuracies = [run["per_class_accuracy"][label] for run in of_method]
            # A class without test examples has no accuracy.
            found = [accuracy for accuracy in accuracies if accuracy is not None]
            cells.append(f"{sum(found) / len(found):.1f}" if found else "–")
        rows.append([names[label], str(counts[label]), *cells])
    return rows
