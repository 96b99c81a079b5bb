"""The report of a comparison: Markdown, one HTML page, and figures."""

import collections
from pathlib import Path

import pandas as pd
from rich import box
from rich.table import Table
from rich.text import Text

from keras_ccar.benchmark import figures, html_page, summary
from keras_ccar.benchmark.methods import changed_options
from keras_ccar.benchmark.provenance import describe_hardware
from keras_ccar.benchmark.published import (
    changed_settings,
    is_comparable,
    published_for,
)
from keras_ccar.benchmark.results import environment_of
from keras_ccar.benchmark.storage import write_atomic
from keras_ccar.benchmark.verdicts import verdicts

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
    "deviation over seeds at the last epoch, where network and recipe are those of "
    "the published number; anything else is not comparable. Two papers' long-tailed "
    "CIFAR rarely hold the same images, and some sources report their best epoch."
)
# With more methods a column each is too wide for a terminal.
_CONSOLE_COLUMNS = 5


def write_report(results, drawn, folder):
    """Writes `report.md`, `report.html` and the figures.

    Args:
        results: the dict of `results.json`.
        drawn: its figures, from `keras_ccar.benchmark.figures.draw_all`.
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
    parts.extend(f"![{figures.FIGURES[name][1]}]({name})" for name in drawn)
    parts.append("## How this was made")
    parts.append(bullets(f"{name}: {value}" for name, value in facts(results)))
    parts.append(f"```\n{results['command']}\n```")
    return "\n\n".join(parts) + "\n"


def sections(results, heading):
    """Returns the tables of a comparison as Markdown, each with what it means.

    Args:
        results: the dict of `results.json`.
        heading: the signs before a heading, such as `"##"`.

    Returns:
        A list of blocks of text.
    """
    parts = [f"{heading} Scores", markdown_table(summary.score_rows(results))]
    parts.append(_SCORES_NOTE)
    differences = summary.difference_rows(results)
    if differences:
        parts.append(f"{heading} Differences to cross-entropy")
        parts.append(markdown_table(differences))
        parts.append(_DIFFERENCES_NOTE)
    published = published_rows(results)
    if published:
        parts.append(f"{heading} Published numbers and ours")
        parts.append(published_sentence(results))
        parts.append(markdown_table(published))
        parts.append(_PUBLISHED_NOTE)
    failures = failed_runs(results)
    if failures:
        parts.append(f"{heading} Failed runs")
        parts.append(markdown_table([["method", "seed", "error"], *failures]))
    return parts


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
        scores=summary.score_rows(results),
        scores_note=_SCORES_NOTE,
        differences=summary.difference_rows(results),
        differences_note=_DIFFERENCES_NOTE,
        published=published_rows(results),
        published_sentence=published_sentence(results),
        published_note=_PUBLISHED_NOTE,
        failures=failed_runs(results),
        figures=[
            html_page.embedded(content, figures.FIGURES[name][1])
            for name, content in drawn.items()
        ],
        classes=class_rows(results),
        facts=facts(results),
        command=results["command"],
    )


def console_tables(results):
    """Returns the tables of the report for the terminal.

    Args:
        results: the dict of `results.json`.

    Returns:
        A list of `rich.table.Table`.
    """
    if len(results["methods"]) > _CONSOLE_COLUMNS:
        return [_short_console_table(results)]
    tables = [_console_table("Scores, %", summary.score_rows(results, digits=1))]
    differences = summary.difference_rows(results, digits=1)
    if differences:
        heading = "Paired differences to cross-entropy, [95 % interval]"
        tables.append(_console_table(heading, differences))
    return tables


def title(results):
    """Returns the heading of the report, with the settings that were changed.

    Those that change what is trained, of a recipe that is known.

    Args:
        results: the dict of `results.json`.
    """
    dataset, recipe = results["dataset"], results["recipe"]
    text = (
        f"CCAR on {dataset['name']}, imbalance factor "
        f"{dataset['imbalance_factor']:g}, recipe {recipe['name']}"
    )
    changed = [f"{name} {value}" for name, value in changed_settings(recipe).items()]
    changed += changed_options(results["options"])
    return f"{text} changed: {', '.join(changed)}" if changed else text


def published_rows(results):
    """Returns published numbers on the same data beside ours as text.

    Args:
        results: the dict of `results.json`.

    Returns:
        A list of rows, the header first; empty where nothing was published.
    """
    names = [method["name"] for method in results["methods"]]
    scores = dict(zip(names, summary.score_rows(results)[1:], strict=True))
    others = [name for name in names if name != "ce"]
    # No rows at all where there is nothing to compare with.
    differences = dict(zip(others, summary.difference_rows(results)[1:], strict=False))
    rows = []
    for published in published_for(results["dataset"]):
        if not is_comparable(published, results["recipe"]):
            ours, difference = "not comparable", "–"
        elif published.method not in scores:
            ours, difference = "not run", "–"
        else:
            _, seeds, ours, *_ = scores[published.method]
            ours = f"{ours} ({seeds} {'seed' if seeds == '1' else 'seeds'})"
            difference = differences.get(published.method, ["", "–"])[1]
        rows.append(
            [
                published.title,
                published.number,
                ours,
                difference,
                published.network,
                published.recipe,
                published.source,
            ]
        )
    if not rows:
        return []
    header = ["method", "published", "ours", "ours less cross-entropy"]
    return [[*header, "its network", "its recipe", "source"], *rows]


def published_sentence(results):
    """Says how ours were trained, and how many published numbers compare with it.

    Args:
        results: the dict of `results.json`.
    """
    recipe = results["recipe"]
    published = published_for(results["dataset"])
    comparable = sum(is_comparable(number, recipe) for number in published)
    return (
        f"Ours: network {recipe['model']}, recipe {recipe['name']}, "
        f"{recipe['epochs']} epochs. Comparable with it: {comparable} of "
        f"{len(published)} published numbers on this data."
    )


def failed_runs(results):
    """Returns method, seed and error of every run that failed, as text.

    Args:
        results: the dict of `results.json`.
    """
    return [
        [run["method"], str(run["seed"]), run["error"]]
        for run in results["runs"]
        if run["status"] == "failed"
    ]


def facts(results):
    """Returns what has to be known of the results, as pairs of text.

    Args:
        results: the dict of `results.json`.
    """
    dataset, recipe = results["dataset"], results["recipe"]
    counts = dataset["class_counts"]
    options = ", ".join(f"{name} {value}" for name, value in results["options"].items())
    return [
        (
            "Data",
            f"{dataset['name']}: {sum(counts)} training examples in {len(counts)} "
            f"classes, {max(counts)} to {min(counts)} a class; subset of seed "
            f"{dataset['seed']}, digest {dataset['digest']}",
        ),
        (
            "Recipe",
            f"{recipe['name']} ({recipe['source']}): {recipe['model']}, "
            f"{recipe['epochs']} epochs, batches of {recipe['batch_size']}, learning "
            f"rate {recipe['learning_rate']:g} ({recipe['schedule']}), momentum "
            f"{recipe['momentum']:g}, weight decay {recipe['weight_decay']:g}",
        ),
        ("Losses", options),
        (
            "Seeds",
            f"{', '.join(map(str, results['seeds']))}; one seed gives every method the "
            "same initial weights, the same batches and the same augmentation",
        ),
        ("Measured", "on the test set at the last epoch, never at the best one"),
        *_made_with(results),
    ]


def class_rows(results):
    """Returns the accuracy of each class as text, the header first.

    Args:
        results: the dict of `results.json`.
    """
    dataset = results["dataset"]
    rows = [
        ["class", "training examples", *(m["title"] for m in results["methods"])],
    ]
    finished = [run for run in results["runs"] if run["status"] == "finished"]
    for label, (name, count) in enumerate(
        zip(dataset["class_names"], dataset["class_counts"], strict=True)
    ):
        cells = []
        for method in results["methods"]:
            own = [
                run["per_class_accuracy"][label]
                for run in finished
                if run["method"] == method["name"]
                # No accuracy where the test set holds none of the class.
                and run["per_class_accuracy"][label] is not None
            ]
            cells.append(f"{sum(own) / len(own):.1f}" if own else "–")
        rows.append([name, str(count), *cells])
    return rows


def bullets(sentences):
    """Returns sentences as a list in Markdown.

    Args:
        sentences: text.
    """
    return "\n".join(f"- {escaped(sentence)}" for sentence in sentences)


def markdown_table(rows):
    """Returns rows of text as a table in Markdown.

    Args:
        rows: lists of cells, the header first.
    """
    # A bar or a line break within a cell would end it.
    rows = [[escaped(text) for text in row] for row in rows]
    frame = pd.DataFrame(rows[1:], columns=rows[0])
    return frame.to_markdown(index=False, disable_numparse=True)


def escaped(text):
    """Returns text that neither ends a cell of a table nor becomes markup.

    Args:
        text: such as a name.
    """
    return " ".join(text.split()).replace("|", r"\|").replace("<", "&lt;")


def _made_with(results):
    """Returns hardware, software and commit of the finished runs, as facts.

    A plan may be finished on another machine, and at another commit.
    """
    environments = [
        environment_of(run, results)
        for run in results["runs"]
        if run["status"] == "finished"
    ] or [results["environment"]]

    def each(describe):
        counts = collections.Counter(map(describe, environments))
        if len(counts) == 1:
            return next(iter(counts))
        return "; ".join(
            f"{text} ({count} {'run' if count == 1 else 'runs'})"
            for text, count in counts.items()
        )

    def software(environment):
        versions = environment["versions"].items()
        return f"backend {environment['backend']}; " + ", ".join(
            f"{name} {version}" for name, version in versions
        )

    return [
        ("Hardware", each(lambda found: describe_hardware(found["hardware"]))),
        ("Software", each(software)),
        ("Commit", each(lambda found: found["commit"] or "not run from a repository")),
    ]


def _short_console_table(results):
    """Returns the most important columns, a method a row."""
    scores = summary.score_rows(results, digits=1)
    kept = [scores[0].index(name) for name in ("method", "balanced", "few")]
    differences = {
        row[0]: row[2] for row in summary.difference_rows(results, digits=1)[1:]
    }
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
