"""The sections of a report and their notes, the same for Markdown and HTML."""

from collections.abc import Iterable
from dataclasses import dataclass

from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.report.code.usage_code import code_of_best
from keras_ccar.benchmark.report.figures.all_figures import FIGURES
from keras_ccar.benchmark.report.markdown import (
    bold,
    code_block,
    escape_markdown,
    link_target,
    markdown_list,
    markdown_table,
)
from keras_ccar.benchmark.report.published_table import (
    published_rows,
    published_sentence,
)
from keras_ccar.benchmark.report.sentences.facts import describe_setup
from keras_ccar.benchmark.report.sentences.top_sentence import find_answer
from keras_ccar.benchmark.report.sentences.verdicts import verdicts
from keras_ccar.benchmark.report.sentences.wording import shorten_error
from keras_ccar.benchmark.report.summary import (
    baseline_title,
    cost_rows,
    difference_rows,
    rank_rows,
    score_rows,
)

_RANK_NOTE = (
    "Mean ± standard deviation over seeds. The difference to the baseline is paired: "
    "each seed against the same seed, which had the same initial weights and batches. "
    "In brackets: 95 % confidence interval (Student's t) over seeds. p: of the paired "
    "t test, corrected by Holm for the number of methods; below 0.05 the two differ. "
    "All of it says how the difference varies with the seed on this one training and "
    "test set, not how it would vary over data sets."
)
_COST_NOTE = (
    "In percent and points, but for a log loss. For ECE and log loss, lower is better."
)
_SCORES_NOTE = (
    "Percent, mean ± standard deviation over seeds, at the last epoch. Balanced: mean "
    "of the accuracies of the classes. Many, medium, few: classes of more than 100, of "
    "20 to 100 and of fewer than 20 training examples. ECE: expected calibration "
    "error, 15 bins, lower is better. Mean weight: over all training examples and "
    "epochs; above 1 the loss also acts as a larger learning rate. Seconds: by the "
    "clock, whatever else the machine did meanwhile."
)
_OWN_SCORES_NOTE = (
    "Percent, but for log loss; mean ± standard deviation over seeds. For ECE and log "
    "loss, lower is better. Seconds: by the clock, whatever else the machine did "
    "meanwhile."
)
_DIFFERENCES_NOTE = (
    "Points, paired by seed as above. Each interval stands for itself: of 20 methods "
    "that change nothing, one is expected to exclude zero. The p in the ranking and in "
    "the sentences above it are corrected for that."
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
    is_own = "kind" in comparison.dataset
    sections = [
        Section("Ranking", rank_rows(comparison), note=_RANK_NOTE),
        Section(_cost_heading(comparison), cost_rows(comparison), note=_COST_NOTE),
        Section(
            "Scores",
            score_rows(comparison),
            note=_OWN_SCORES_NOTE if is_own else _SCORES_NOTE,
        ),
        Section(
            f"Differences to {baseline_title(comparison)}",
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


def _cost_heading(comparison: Comparison) -> str:
    try:
        return f"What {comparison.best().title} gains and costs"
    except ValueError:  # Nothing is finished, and the table is empty.
        return ""


def markdown_answer(comparison: Comparison) -> list[str]:
    """Returns answer and verdicts as blocks of Markdown, the answer first."""
    answer = find_answer(comparison)
    parts = [bold(answer.warning)] if answer.warning else []
    parts += [bold(answer.sentence), " ".join(map(escape_markdown, answer.notes))]
    parts.append(markdown_list(verdicts(comparison)))
    return [part for part in parts if part]


def markdown_sections(
    comparison: Comparison, drawn: Iterable[str], heading: str = "##", folder: str = ""
) -> list[str]:
    """Returns all but answer and verdicts as blocks of Markdown.

    `drawn` are the file names of the figures, which the page finds in `folder`.
    """
    parts = []
    for section in table_sections(comparison):
        title = escape_markdown(section.heading)
        parts += [f"{heading} {title}", section.introduction]
        parts += [markdown_table(section.rows), section.note]
    parts.append(f"{heading} Figures")
    parts += [f"![{FIGURES[name][1]}]({link_target(folder + name)})" for name in drawn]
    facts = describe_setup(comparison)
    parts.append(f"{heading} How this was made")
    parts.append(markdown_list(f"{name}: {value}" for name, value in facts))
    blocks = code_of_best(comparison)
    if blocks:
        parts.append(f"{heading} The code of the best")
    for words, code in blocks:
        # Where a test runs the code of pages, the comment leaves this one out.
        shown = f"<!-- not run: your model and data -->\n{code_block(code, 'python')}"
        parts += [words, shown]
    parts += [f"{heading} How to run it again", code_block(comparison.command)]
    return [part for part in parts if part]


def _failure_rows(comparison: Comparison) -> list[list[str]]:
    failed = comparison.failed
    rows = [
        [run["method"], str(run["seed"]), shorten_error(run["error"])] for run in failed
    ]
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
