"""Writes docs/many-classes-results.md from the runs of `many_classes.py`.

Run by `make results`.
"""

from pathlib import Path

import pandas as pd
from yes_or_no_page import (
    SIGNIFICANCE,
    command_of,
    compare_measures,
    how_it_was_run,
    page_not_run,
    whole_draws,
)

from keras_ccar.benchmark.report.markdown import markdown_table
from keras_ccar.files import read_json, write_atomic

RUNS = Path(__file__).parent / "results" / "many-classes" / "runs.json"
TEXT = RUNS.with_name("text.json")
PAGE = Path(__file__).parent.parent / "docs" / "many-classes-results.md"
# What is measured, by its column: its title, and that more of it is better.
MEASURES = {
    "balanced_accuracy": ("Balanced accuracy", True),
    "rare": ("Recall of the rarer half of the classes", True),
    "frequent": ("Recall of the more frequent half of the classes", True),
    "macro_f1": ("Macro F1", True),
    "g_mean": ("G-mean", True),
}

TITLE = "# Many classes, on real tables and texts"
NOTE = (
    "`make results` made this page from the files in "
    "`benchmarks/results/many-classes`; it is not edited by hand."
)
HOW = (
    "Losses of the benchmark for classes that exclude each other, on {tables} tables "
    "of KEEL, {draws} draws each; of equal rows one is kept. These tables have "
    "classes of about the same size, so "
    "each draw cuts the training set to an imbalance factor of `{imbalance_factor}`, "
    "chooses which classes are rare, and keeps a balanced test set: a share of "
    "`{test_share_of_smallest_class}` of the smallest class, from every class. They "
    "are all tables with three classes or more, columns of numbers and at least 90 "
    "rows of every class. The network has a hidden layer of {layers} units and is "
    "trained by {optimizer} at a learning rate of `{learning_rate}` for {epochs} "
    "epochs, each one step on {batch}, with features scaled by the training set. The "
    "last epoch is measured. Nothing was tuned for any method, τ is 1, and weights of "
    "methods with *normalize*, *focal+la* and *inverse+la* have a mean of 1."
)
HOW_COMPARED = (
    "Values are means over draws and tables. A rank is the place among the methods on "
    "a table, 1 for the best, and its mean is over tables. *p* is that of Wilcoxon's "
    "signed-rank test over tables against plain cross-entropy, corrected by Holm for "
    "the number of methods; *better* and *worse* are said only below `{significance}`."
)


TEXT_HOW = (
    "The same methods and the same network on texts: sentences of the ChatterBot "
    "corpus, {classes} topics of {largest} to {smallest} training sentences, a long "
    "tail as it is. The features are those of MiniLM, a network that was pretrained on "
    "other sentences: the mean over the tokens. In each of {draws} draws, a share of "
    "`{test_share_of_conversations}` of the conversations on every topic tests, and no "
    "conversation is divided. The test sentences have the long tail of the training, "
    "so rare topics are measured on few. *p* is over the draws, which share sentences, "
    "and is therefore too small rather than too large; all else is as above."
)


def command_line(arguments=()):
    """The command that makes the runs, as a shell takes it."""
    return command_of("many_classes.py", arguments)


def page(results):
    """Returns the page about the runs, None for none, as Markdown."""
    if results is None:
        return page_not_run(TITLE, NOTE, command_line())
    configuration = results["configuration"]
    runs = whole_draws(pd.DataFrame(results["rows"]))
    how = HOW.format(
        tables=runs["table"].nunique(),
        draws=runs["fold"].nunique(),
        layers=" and ".join(map(str, configuration["units"])),
        **configuration,
    )
    parts = [TITLE, NOTE, how, HOW_COMPARED.format(significance=SIGNIFICANCE)]
    parts += compare_measures(runs, MEASURES)
    rows = [["table", "classes", "largest class", "smallest class"]]
    for table, of_table in runs.groupby("table"):
        first = of_table.iloc[0]
        rows.append([table, *(str(first[n]) for n in ("classes", "largest"))])
        rows[-1].append(str(first["smallest"]))
    parts += ["## The tables", markdown_table(rows), *how_it_was_run(results)]
    return "\n\n".join(parts)


def text_section(path=TEXT):
    """Returns the part of the page about the runs on texts, empty without the file."""
    if not path.exists():
        return ""
    results = read_json(path)
    runs = whole_draws(pd.DataFrame(results["rows"]))
    first = runs.iloc[0]
    how = TEXT_HOW.format(
        draws=runs["fold"].nunique(),
        **{name: first[name] for name in ("classes", "largest", "smallest")},
        **results["configuration"],
    )
    parts = ["## Texts", how, *compare_measures(runs, MEASURES, "fold", "###")]
    _, run, command = how_it_was_run(results)
    packages = results["configuration"]["packages"].items()
    shipped = ", ".join(f"{name} {version}" for name, version in packages)
    parts += [f"{run} Texts and network: {shipped}.", command]
    return "\n\n".join(parts)


def write_page(runs=RUNS, path=PAGE, text=TEXT):
    """Writes the page about files of runs, which need not exist."""
    tables = page(read_json(runs) if runs.exists() else None)
    write_atomic(path, "\n".join(filter(None, [tables, text_section(text)])))


if __name__ == "__main__":
    write_page()
