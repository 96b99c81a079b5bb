"""The sections of a report and their notes, the same for Markdown and HTML."""

from keras_ccar.benchmark.report.markdown import markdown_table
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
    "deviation over seeds at the last epoch, where network and recipe are those of "
    "the published number; anything else is not comparable. Two papers' long-tailed "
    "CIFAR rarely hold the same images, and some sources report their best epoch."
)


def markdown_sections(comparison, heading):
    """Returns the tables of a comparison as Markdown, each with what it means.

    Args:
        comparison: the `Comparison`.
        heading: the signs before a heading, such as `"##"`.

    Returns:
        A list of blocks of text.
    """
    parts = [f"{heading} Scores", markdown_table(score_rows(comparison))]
    parts.append(_SCORES_NOTE)
    differences = difference_rows(comparison)
    if differences:
        parts.append(f"{heading} Differences to cross-entropy")
        parts.append(markdown_table(differences))
        parts.append(_DIFFERENCES_NOTE)
    published = published_rows(comparison)
    if published:
        parts.append(f"{heading} Published numbers and ours")
        parts.append(published_sentence(comparison))
        parts.append(markdown_table(published))
        parts.append(_PUBLISHED_NOTE)
    failures = failed_runs(comparison)
    if failures:
        parts.append(f"{heading} Failed runs")
        parts.append(markdown_table([["method", "seed", "error"], *failures]))
    return parts


def failed_runs(comparison):
    """Returns method, seed and error of every run that failed, as text.

    Args:
        comparison: the `Comparison`.
    """
    return [
        [run["method"], str(run["seed"]), run["error"]]
        for run in comparison.run_entries
        if run["status"] == "failed"
    ]


def class_rows(comparison):
    """Returns the accuracy of each class as text, the header first.

    Args:
        comparison: the `Comparison`.
    """
    dataset = comparison.dataset
    rows = [
        ["class", "training examples", *(m["title"] for m in comparison.methods)],
    ]
    finished = [run for run in comparison.run_entries if run["status"] == "finished"]
    for label, (name, count) in enumerate(
        zip(dataset["class_names"], dataset["class_counts"], strict=True)
    ):
        cells = []
        for method in comparison.methods:
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
