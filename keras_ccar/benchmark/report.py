"""The report of a comparison: Markdown, one HTML page, and figures."""

import base64
from importlib import resources
from pathlib import Path

import jinja2
import pandas as pd
from rich import box
from rich.table import Table

from keras_ccar.benchmark import figures, summary
from keras_ccar.benchmark.storage import write_atomic

_SCORES_NOTE = (
    "Percent, mean ± standard deviation over seeds, at the last epoch. Balanced: mean "
    "of the accuracies of the classes. Many, medium, few: classes of more than 100, of "
    "20 to 100 and of fewer than 20 training examples. ECE: expected calibration "
    "error, 15 bins, lower is better. Mean weight: over all training examples and "
    "epochs; above 1 the loss also acts as a larger learning rate."
)
_DIFFERENCES_NOTE = (
    "Points, each seed against the same seed of cross-entropy, which had the same "
    "initial weights, batches and augmentation. In brackets: 95 % confidence interval "
    "(Student's t) over seeds. It says how the difference varies with the seed on this "
    "one training and test set, not how it would vary over data sets."
)


def write_report(results, folder):
    """Writes `report.md`, `report.html` and the figures.

    Args:
        results: the dict of `results.json`.
        folder: the folder of the comparison.

    Returns:
        The path of the HTML page.
    """
    folder = Path(folder)
    drawn = figures.draw_all(results)
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
    parts = [f"# {title(results)}"]
    parts.append("\n".join(f"- {line}" for line in summary.verdicts(results)))
    parts.append("## Scores\n\n" + _markdown_table(summary.score_rows(results)))
    parts.append(_SCORES_NOTE)
    differences = summary.difference_rows(results)
    if differences:
        parts.append(
            "## Differences to cross-entropy\n\n" + _markdown_table(differences)
        )
        parts.append(_DIFFERENCES_NOTE)
    failures = failed_runs(results)
    if failures:
        rows = [["method", "seed", "error"], *failures]
        parts.append("## Failed runs\n\n" + _markdown_table(rows))
    parts.append("## Figures")
    parts.extend(f"![{figures.FIGURES[name][1]}]({name})" for name in drawn)
    parts.append("## How this was made")
    parts.append("\n".join(f"- {name}: {value}" for name, value in facts(results)))
    parts.append(f"```\n{results['command']}\n```")
    return "\n\n".join(parts) + "\n"


def html(results, drawn):
    """Returns the report as one HTML page that needs no other file.

    Args:
        results: the dict of `results.json`.
        drawn: dict of PNG bytes by file name.
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    template = (resources.files(__package__) / "report.html").read_text("utf-8")
    return environment.from_string(template).render(
        title=title(results),
        verdicts=summary.verdicts(results),
        scores=summary.score_rows(results),
        scores_note=_SCORES_NOTE,
        differences=summary.difference_rows(results),
        differences_note=_DIFFERENCES_NOTE,
        failures=failed_runs(results),
        figures=[
            {
                "data": base64.b64encode(content).decode("ascii"),
                "caption": figures.FIGURES[name][1],
            }
            for name, content in drawn.items()
        ],
        classes=class_rows(results),
        facts=facts(results),
        command=results["command"],
    )


def console_tables(results):
    """Returns the tables of the report for the terminal, a method a column.

    Args:
        results: the dict of `results.json`.

    Returns:
        A list of `rich.table.Table`.
    """
    tables = [_console_table("Scores, %", summary.score_rows(results, digits=1))]
    differences = summary.difference_rows(results, digits=1)
    if differences:
        heading = "Paired differences to cross-entropy, [95 % interval]"
        tables.append(_console_table(heading, differences))
    return tables


def title(results):
    """Returns the heading of the report.

    Args:
        results: the dict of `results.json`.
    """
    dataset = results["dataset"]
    return (
        f"CCAR on {dataset['name']}, imbalance factor "
        f"{dataset['imbalance_factor']:g}, recipe {results['recipe']['name']}"
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
    environment = results["environment"]
    hardware = environment["hardware"]
    versions = environment["versions"]
    counts = dataset["class_counts"]
    accelerators = ", ".join(hardware["accelerators"]) or "none"
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
        (
            "Hardware",
            f"{hardware['processor']}, {hardware['cores']} cores, accelerators: "
            f"{accelerators}",
        ),
        (
            "Software",
            f"backend {environment['backend']}; "
            + ", ".join(f"{name} {version}" for name, version in versions.items()),
        ),
        ("Commit", environment["commit"] or "not run from a repository"),
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
            ]
            cells.append(f"{sum(own) / len(own):.1f}" if own else "–")
        rows.append([name, str(count), *cells])
    return rows


def _markdown_table(rows):
    # A bar or a line break within a cell would end it.
    rows = [[_cell(text) for text in row] for row in rows]
    frame = pd.DataFrame(rows[1:], columns=rows[0])
    return frame.to_markdown(index=False, disable_numparse=True)


def _cell(text):
    return " ".join(text.split()).replace("|", r"\|").replace("<", "&lt;")


def _console_table(heading, rows):
    # On its side it fits a terminal of 80 columns.
    columns = list(zip(*rows, strict=True))
    table = Table(title=heading, title_justify="left", box=box.SIMPLE_HEAD)
    for index, name in enumerate(columns[0]):
        table.add_column(name, justify="left" if index == 0 else "right")
    for column in columns[1:]:
        table.add_row(*column)
    return table
