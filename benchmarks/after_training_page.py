"""Writes docs/after-training-results.md from the results of `after_training.py`.

`make results` runs it.
"""

from pathlib import Path

import numpy as np

from keras_ccar.benchmark.report.figures import figure_style as style
from keras_ccar.benchmark.report.markdown import code_block, markdown_table
from keras_ccar.benchmark.report.sentences.facts import (
    describe_hardware,
    describe_versions,
)
from keras_ccar.benchmark.report.summary import difference_text
from keras_ccar.benchmark.statistics.paired import (
    mean_and_deviation,
    paired_difference,
)
from keras_ccar.files import read_json, write_atomic

RESULTS = (
    Path(__file__).parent / "results" / "after-training" / "cifar100-lt-if100.json"
)
PAGE = Path(__file__).parent.parent / "docs" / "after-training-results.md"
FIGURE = "figures/after-training.png"
# What the picture shows: the methods, in the words of their legend.
SHOWN = {
    "cross-entropy": "cross-entropy",
    "Balanced Softmax": "a loss for long tails (Balanced Softmax)",
    "τ chosen": "cross-entropy, corrected after training (τ chosen)",
}
COMMAND = "KERAS_BACKEND=torch python benchmarks/after_training.py"
PLAIN = "cross-entropy"
PEER = "Balanced Softmax"
GROUPS = ("balanced", "many", "medium", "few")

TITLE = "# After training, measured"
NOTE = (
    "`make results` made this page from `benchmarks/results/after-training`; it is not "
    "edited by hand. [After training](after-training.md) says how to use what is "
    "measured here."
)
NOT_RUN = "**Not yet run.** This command runs it, and goes on where it was stopped:"
HOW = (
    "{data} (imbalance `{imbalance_factor}`), features of {features} at `{image_size}` "
    "pixels, and a linear classifier trained by {optimizer}, for `{epochs}` epochs. "
    "The learning rate of each method, from {rates}, and every τ are chosen on "
    "training images that were held out: each of `{folds}` folds is predicted by a "
    "classifier that was trained on the others. What is measured is trained on all "
    "training images. The test images, which are balanced, are used for the numbers "
    "alone. Each of the `{seeds}` seeds has other folds and another start."
)
HOW_READ = (
    "Accuracies are in percent, as mean ± standard deviation over seeds. Differences "
    "from {peer} are in points, paired by seed, with Student's 95 % interval: *better* "
    "and *worse* are said only where it excludes 0."
)


def page(results):
    """Returns the page about the results, None for none, as Markdown."""
    if results is None or not results["seeds"]:
        return "\n\n".join([TITLE, NOTE, NOT_RUN, code_block(COMMAND, "bash") + "\n"])
    configuration, seeds = results["configuration"], results["seeds"]
    how = HOW.format(
        rates=", ".join(f"`{rate}`" for rate in configuration["learning_rates"]),
        seeds=len(seeds),
        **configuration,
    )
    parts = [
        TITLE,
        NOTE,
        how,
        "## Balanced accuracy",
        verdict(seeds),
        HOW_READ.format(peer=PEER),
        markdown_table(method_rows(seeds)),
        f"![Accuracy of many-, medium- and few-shot classes]({FIGURE})",
        "## The choice of τ",
        "What the τ that was chosen on held-out images loses against the τ "
        "that is best on the test images, in points of balanced accuracy:",
        markdown_table(regret_rows(seeds)),
        "## Calibration",
        "Calibration error on the test images in percent, of the cross-entropy model "
        "corrected with τ = 1, without and with the temperature that `calibrate` found "
        "on the held-out images:",
        markdown_table(calibration_rows(seeds)),
        "## Prediction sets",
        "Coverage of the test images in percent, where `{coverage}` was asked for, and "
        "the mean number of classes in a set, over all seeds and folds: the sets of a "
        "fold are made from its images, for the classifier that was trained on the "
        "others. Many, medium and few are the shot groups.".format(**configuration),
        markdown_table(coverage_rows(seeds)),
        "## How it was run",
        _environment(results),
        code_block(results["command"], "bash") + "\n",
    ]
    return "\n\n".join(parts)


def by_method(seeds):
    """Returns by method the rows of its seeds."""
    found = {}
    for entry in seeds:
        for row in entry["rows"]:
            found.setdefault(row["method"], []).append(row)
    return found


def difference(rows, peer_rows):
    """Returns the paired difference in balanced accuracy."""
    return paired_difference(
        *({row["seed"]: row["balanced"] for row in of} for of in (rows, peer_rows))
    )


def method_rows(seeds):
    """Returns the table of methods, the best first."""
    methods = by_method(seeds)
    ordered = sorted(
        methods, key=lambda name: -np.mean([row["balanced"] for row in methods[name]])
    )
    table = [["method", *GROUPS, f"difference from {PEER}", ""]]
    for name in ordered:
        cells = []
        for group in GROUPS:
            mean, deviation = mean_and_deviation([row[group] for row in methods[name]])
            cells.append(f"{mean:.1f} ± {deviation:.1f}")
        found, told = ("", "")
        if name != PEER:
            of = difference(methods[name], methods[PEER])
            found, told = difference_text(of), _word(of) if of.has_interval else ""
        table.append([name, *cells, found, told])
    return table


@style.png_figure
def accuracy_by_group(seeds, figure):
    """Draws the mean accuracy of the groups of classes, a bar a method."""
    methods = by_method(seeds)
    figure.set_size_inches(7, 3.4)
    axes = figure.subplots()
    width = 0.8 / len(SHOWN)
    for place, (name, label) in enumerate(SHOWN.items()):
        columns = [[row[group] for row in methods[name]] for group in GROUPS]
        means, deviations = zip(*map(mean_and_deviation, columns), strict=True)
        left = np.arange(len(GROUPS)) + (place - 1) * width
        colour = style.COLOURS[place]
        axes.bar(left, means, width, yerr=deviations, color=colour, label=label)
        for at, mean in zip(left, means, strict=True):
            axes.annotate(
                f"{mean:.0f}", (at, 2), ha="center", color="white", fontweight="bold"
            )
    axes.set_xticks(
        range(len(GROUPS)),
        ["all classes", "many examples\n(over 100)", "medium", "few\n(under 20)"],
    )
    axes.set_ylabel("accuracy in percent")
    style.legend_above(figure, axes)
    return True


def verdict(seeds):
    """Returns a sentence on which methods are better and worse than the peer."""
    methods = by_method(seeds)
    told = {
        name: _word(difference(rows, methods[PEER]))
        for name, rows in methods.items()
        if name != PEER
    }
    parts = []
    for word in ("better", "worse", "no difference shown"):
        named = ", ".join(name for name, found in told.items() if found == word)
        text = f"{word.capitalize()} than {PEER}: {named or 'none'}."
        if word == "no difference shown":
            text = f"No difference from {PEER} shown: {named or 'none'}."
        parts.append(text)
    return " ".join(parts)


def _word(difference):
    if not difference.has_interval or difference.includes_zero:
        return "no difference shown"
    return "better" if difference.mean > 0 else "worse"


def regret_rows(seeds):
    """Returns the table of the τ that was chosen, a row a seed."""
    table = [["seed", "τ chosen", "best τ on the test images", "points lost"]]
    for entry in seeds:
        of = entry["regret"]
        row = [entry["seed"], of["chosen"], of["best_on_test"], f"{of['points']:.2f}"]
        table.append([str(cell) for cell in row])
    return table


def calibration_rows(seeds):
    """Returns the table of calibration errors, a row a seed."""
    table = [["seed", "temperature", "before", "after"]]
    for entry in seeds:
        of = entry["calibration"]
        numbers = [f"{of[name]:.2f}" for name in ("temperature", "before", "after")]
        table.append([str(entry["seed"]), *numbers])
    return table


def coverage_rows(seeds):
    """Returns the table of coverage and sizes of sets, a row a method."""
    groups = ("all", "many", "medium", "few")
    table = [["method", *groups, *(f"classes in a set, {name}" for name in groups)]]
    for place, row in enumerate(seeds[0]["coverage"]):
        cells = [row["method"]]
        for name in (*groups, *(f"{name}_size" for name in groups)):
            values = [entry["coverage"][place][name] for entry in seeds]
            cells.append(f"{np.mean(values):.1f}")
        table.append(cells)
    return table


def _environment(results):
    environment = results["environment"]
    commits = sorted(
        {
            entry[name]
            for entry in results["seeds"]
            for name in ("commit", "coverage_commit")
            if name in entry
        }
    )
    minutes = sum(entry["seconds"] for entry in results["seeds"]) / 60
    return (
        f"{minutes:.1f} minutes after the features were computed, on the backend "
        f"{environment['backend']}, on {describe_hardware(environment['hardware'])}. "
        f"Versions: {describe_versions(environment)}. Commit: {', '.join(commits)}."
    )


def write_page(results=RESULTS, path=PAGE):
    """Writes the page about a file of results, which need not exist, and its figure."""
    found = read_json(results) if results.exists() else None
    write_atomic(path, page(found))
    if found is not None and found["seeds"]:
        (path.parent / FIGURE).parent.mkdir(exist_ok=True)
        write_atomic(path.parent / FIGURE, accuracy_by_group(found["seeds"]))


if __name__ == "__main__":
    write_page()
