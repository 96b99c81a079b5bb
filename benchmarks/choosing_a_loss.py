"""Writes what was measured into docs/choosing-a-loss.md.

Run by `make results`. The page around it is written by hand and quotes no number.
"""

from pathlib import Path

from keras_ccar.benchmark.comparison import (
    by_seed,
    comparison_folders,
    read_results,
    runs_table,
)
from keras_ccar.benchmark.report.markdown import markdown_table
from keras_ccar.benchmark.report.page import comparison_title, most_training_first
from keras_ccar.benchmark.report.planned import PLANNED
from keras_ccar.benchmark.report.statistics import paired_difference
from keras_ccar.benchmark.report.summary import difference_text, score_text

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "choosing-a-loss.md"
BEGIN = "<!-- measured: written by benchmarks/choosing_a_loss.py -->\n"
END = "<!-- end of what was measured -->\n"


def measured(comparisons):
    """Returns what comparisons say about the choice, as Markdown.

    Args:
        comparisons: dicts of `results.json` by the name of their folder.
    """
    data = sorted({results["dataset"]["name"] for results in comparisons.values()})
    waiting = sum(bool(plan.missing(comparisons.values())) for plan in PLANNED)
    not_run = (
        f"[{waiting} not yet run](results.md#not-yet-run)" if waiting else "all run"
    )
    parts = [
        f"Measured so far, on {', '.join(data)}: {len(comparisons)} "
        f"comparison{'' if len(comparisons) == 1 else 's'}. Of the {len(PLANNED)} "
        f"planned at full length: {not_run}. "
        "What holds on one data set need not hold on another."
    ]
    for name in most_training_first(comparisons):
        results = comparisons[name]
        parts += [
            f"**{comparison_title(results)}**",
            markdown_table(_rows(results)),
            _leaders(results),
        ]
    parts.append(
        "Percent and points, mean ± standard deviation over seeds, at the last epoch. "
        "Differences are paired by seed, with their 95 % confidence interval. "
        "*Better* and *worse* are said only where it excludes zero."
    )
    return "\n\n".join(parts) + "\n"


def _ranked(results):
    """Returns the table of runs, and methods from the highest balanced accuracy on."""
    table = runs_table(results)
    finished = set(table["method"])
    methods = [m for m in results["methods"] if m["name"] in finished]
    means = table.groupby("method")["balanced"].mean()
    return table, sorted(methods, key=lambda method: -means[method["name"]])


def _compare(table, method, other, metric="balanced"):
    return paired_difference(
        by_seed(table, method["name"], metric), by_seed(table, other, metric)
    )


def _rows(results):
    table, methods = _ranked(results)
    rows = [
        [
            "loss",
            "balanced accuracy",
            "less cross-entropy",
            "few-shot, less cross-entropy",
            "many-shot, less cross-entropy",
            "against cross-entropy",
        ]
    ]
    for method in methods:
        cells = [
            difference_text(_compare(table, method, "ce", metric))
            for metric in ("balanced", "few", "many")
        ]
        word = _word(_compare(table, method, "ce"))
        if method["name"] == "ce":
            cells, word = ["", "", ""], ""
        scores = by_seed(table, method["name"], "balanced")
        rows.append([method["title"], score_text(scores), *cells, word])
    return rows


def _word(difference):
    if not difference.has_interval:
        return "cannot be said"
    if difference.includes_zero:
        return "no measurable difference"
    return "better" if difference.mean > 0 else "worse"


def _leaders(results):
    """Says which method leads, and from which ones it cannot be told apart."""
    table, methods = _ranked(results)
    if not methods:
        return "No run is finished."
    best, *others = methods
    apart = {
        method["title"]: _word(_compare(table, method, best["name"]))
        for method in others
    }
    near = [title for title, word in apart.items() if word != "worse"]
    sentence = f"Highest balanced accuracy: **{best['title']}**."
    if near:
        sentence += f" Not measurably below it: {', '.join(near)}."
    return sentence


def with_measured(text, comparisons):
    """Returns the page's text with what was measured in its place."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{measured(comparisons)}\n{END}{after}"


def main():
    """Rewrites the page."""
    comparisons = {
        folder.name: read_results(folder) for folder in comparison_folders(RESULTS)
    }
    text = PAGE.read_text("utf-8")
    PAGE.write_text(with_measured(text, comparisons), "utf-8")


if __name__ == "__main__":
    main()
