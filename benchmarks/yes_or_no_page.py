"""Writes docs/yes-or-no.md from the runs of `yes_or_no.py`; run by `make results`."""

import shlex
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import friedmanchisquare, rankdata, wilcoxon

from keras_ccar.benchmark.report.markdown import code_block, markdown_table
from keras_ccar.benchmark.report.sentences.facts import describe_versions
from keras_ccar.files import read_json, write_atomic

RUNS = Path(__file__).parent / "results" / "yes-or-no" / "runs.json"
PAGE = Path(__file__).parent.parent / "docs" / "yes-or-no.md"
PLAIN = "cross-entropy"
# What is measured, by its column: its title, and whether more of it is better.
MEASURES = {
    "average_precision": ("Average precision", True),
    "balanced_accuracy": ("Balanced accuracy", True),
    "g_mean": ("G-mean", True),
    "calibration_error": ("Expected calibration error", False),
}
SIGNIFICANCE = 0.05
# Wilcoxon's test can find nothing in fewer tables.
FEWEST_TABLES = 6

TITLE = "# Yes or no, on real tables"
NOTE = (
    "`make results` made this page from `benchmarks/results/yes-or-no/runs.json`; it "
    "is not edited by hand."
)
NOT_RUN = "**Not yet run.** This command runs it, and goes on where it was stopped:"
HOW = (
    "Every loss here for one yes-or-no label, on {tables} tables of KEEL in which *no* "
    "is more than 9 times as frequent as *yes*, {tested} folds each. Beside them: "
    "plain cross-entropy; the same with the output bias at the log-odds of the "
    "training fold (*prior bias*); with Keras's `class_weight`, balanced; the same "
    "network after SMOTE; and imbalanced-learn's balanced random forest. The tables "
    "are the first part of KEEL's own list of imbalance ratios above 9, chosen before "
    "anything was trained. The network has hidden layers of {layers} units and is "
    "trained by {optimizer} at a learning rate of `{learning_rate}` for {epochs} "
    "epochs, each one step on {batch}, with features scaled by the training fold. The "
    "last epoch is measured, on the test fold. Nothing was tuned for any method."
)
HOW_COMPARED = (
    "Values are means over folds and tables. A rank is the place among the methods on "
    "a table, 1 for the best, and its mean is over tables. *p* is that of Wilcoxon's "
    "signed-rank test over tables against plain cross-entropy, corrected by Holm for "
    "the number of methods; *better* and *worse* are said only below `{significance}`. "
    "Yes is answered above a probability of `0.5`. The calibration error is that of "
    "the probability of yes, over {bins} bins of equal width. Losses that adjust or "
    "reweight move that probability on purpose: `LogitCorrection` moves it back, which "
    "is not done here."
)


def command_of(script, arguments=()):
    """The command of a script that trains on tables, as a shell takes it."""
    command = shlex.join(["python", f"benchmarks/{script}", *arguments])
    return f"KERAS_BACKEND=torch OMP_NUM_THREADS=1 {command}"


def command_line(arguments=()):
    """The command that makes the runs, as a shell takes it."""
    return command_of("yes_or_no.py", arguments)


def page_not_run(title, note, command):
    """Returns the page for which nothing has run, as Markdown."""
    return "\n\n".join([title, note, NOT_RUN, code_block(command, "bash") + "\n"])


def how_it_was_run(results):
    """Returns the last blocks of a page: machine, versions and command."""
    command = code_block(results["command"], "bash") + "\n"
    return ["## How it was run", environment_text(results), command]


def page(results):
    """Returns the page about the runs, None for none, as Markdown."""
    if results is None:
        return page_not_run(TITLE, NOTE, command_line())
    configuration = results["configuration"]
    runs = whole_tables(pd.DataFrame(results["rows"]))
    how = HOW.format(
        tables=runs["table"].nunique(),
        tested=runs["fold"].nunique(),
        layers=" and ".join(map(str, configuration["units"])),
        **configuration,
    )
    how_compared = HOW_COMPARED.format(
        bins=configuration["bins_of_calibration"], significance=SIGNIFICANCE
    )
    parts = [TITLE, NOTE, how, how_compared]
    parts += compare_measures(runs, MEASURES)
    parts += ["## The tables", markdown_table(_table_rows(runs))]
    parts += how_it_was_run(results)
    return "\n\n".join(parts)


def whole_tables(runs):
    """Returns the runs of the tables on which every method has run on every fold."""
    pairs = runs["method"].nunique() * runs["fold"].nunique()
    return runs.groupby("table").filter(lambda of_table: len(of_table) == pairs)


def whole_draws(runs):
    """Returns the runs of the folds in which every method has run on every table."""
    pairs = runs["method"].nunique() * runs["table"].nunique()
    return runs.groupby("fold").filter(lambda of_fold: len(of_fold) == pairs)


def compare_measures(runs, measures, index="table", heading="##"):
    """Returns what `compare` does of each measure, below a heading.

    Args:
        runs: a row for each run.
        measures: the title of each measure, and whether more of it is better.
        index: the column of what the methods are compared over.
        heading: the sign of the level of the headings.
    """
    parts = []
    for measure, (title, more_is_better) in measures.items():
        means = runs.pivot_table(index=index, columns="method", values=measure)
        parts += [f"{heading} {title}", *compare(means, more_is_better)]
    return parts


def compare(means, more_is_better):
    """Returns a sentence on who is better, a table of methods, and Friedman's test.

    Args:
        means: a measure, a row for each table and a column for each method.
        more_is_better: whether a larger value is better.
    """
    signed = means if more_is_better else -means
    ranks = mean_ranks(signed)
    p_values, directions = against_plain(signed)
    found = {
        method: ("better" if directions[method] > 0 else "worse")
        if p_values[method] < SIGNIFICANCE
        else "no difference shown"
        for method in p_values
    }
    rows = [["method", "mean", "mean rank", "p", f"against {PLAIN}"]]
    for method in sorted(means, key=lambda method: (ranks[method], method)):
        p = format_p(p_values[method]) if method in p_values else ""
        rows.append(
            [
                method,
                f"{means[method].mean():.3f}",
                f"{ranks[method]:.2f}",
                p,
                found.get(method, ""),
            ]
        )
    return [_verdict(found), markdown_table(rows), _friedman(signed)]


def mean_ranks(signed):
    """Returns the mean rank of each method, 1 for the largest value of every table."""
    ranks = rankdata(-signed.to_numpy(), axis=1)
    return dict(zip(signed.columns, ranks.mean(axis=0), strict=True))


def against_plain(signed):
    """Returns Holm's p-value of each method but the plain one, and the direction."""
    p_values, directions = {}, {}
    for method in signed.columns.drop(PLAIN):
        differences = (signed[method] - signed[PLAIN]).to_numpy()
        # Rounded, so that equal values of several folds differ by exactly nothing.
        differences = np.round(differences, 9)
        signed_ranks = rankdata(np.abs(differences)) * np.sign(differences)
        directions[method] = signed_ranks.sum()
        p_values[method] = (
            float(wilcoxon(differences, zero_method="zsplit").pvalue)
            if differences.any()
            else 1.0
        )
    return holm(p_values), directions


def holm(p_values):
    """Returns p-values corrected for their number, as Holm (1979) does."""
    corrected, largest = {}, 0.0
    for place, name in enumerate(sorted(p_values, key=p_values.get)):
        factor = len(p_values) - place
        largest = max(largest, min(1.0, factor * p_values[name]))
        corrected[name] = largest
    return corrected


def format_p(p):
    """Returns a p-value as text."""
    return f"{p:.3f}" if p >= 0.001 else "<0.001"


def _verdict(found):
    parts = []
    for word in ("better", "worse"):
        methods = [method for method, told in found.items() if told == word]
        named = ", ".join(methods) if methods else "none"
        parts.append(f"{word.capitalize()} than {PLAIN}: {named}.")
    return " ".join(parts)


def _friedman(signed):
    tables, methods = signed.shape
    if methods < 3 or tables < FEWEST_TABLES:
        return (
            f"Too few for tests: {methods} methods on {tables} tables, where they need "
            f"3 and {FEWEST_TABLES}."
        )
    if (signed.nunique(axis=1) == 1).all():
        return "All methods give the same on every table."
    statistic, p = friedmanchisquare(*signed.to_numpy().T)
    differ = "differ" if p < SIGNIFICANCE else "are not shown to differ"
    return (
        f"Friedman's test over the {methods} methods: χ² = {statistic:.1f}, p "
        f"{format_p(p)}; the methods {differ}."
    )


def _table_rows(runs):
    rows = [["table", "no", "yes", "no for each yes"]]
    one = runs[runs["method"] == runs["method"].iloc[0]]
    for table, folds in one.groupby("table"):
        no, yes = folds["no"].sum(), folds["yes"].sum()
        rows.append([table, f"{no:,}", f"{yes:,}", f"{no / yes:.1f}"])
    return rows


def environment_text(results):
    environment = results["environment"]
    hardware = environment["hardware"]
    commits = sorted({row["commit"] or "unknown" for row in results["rows"]})
    minutes = sum(row["seconds"] for row in results["rows"]) / 60
    return (
        f"{len(results['rows']):,} runs in {minutes:.1f} minutes on the backend "
        f"{environment['backend']}, on {hardware['processor']}, {hardware['cores']} "
        f"cores. Versions: {describe_versions(environment)}. "
        f"Commit: {', '.join(commits)}."
    )


def write_page(runs=RUNS, path=PAGE):
    """Writes the page about a file of runs, which need not exist."""
    write_atomic(path, page(read_json(runs) if runs.exists() else None))


if __name__ == "__main__":
    write_page()
