"""Writes what was measured into docs/choosing-a-loss.md.

Run by `make results`. The page around it is written by hand and quotes no number.
"""

from collections.abc import Mapping

from planned import PLANNED, not_yet_run
from results_page import ROOT, read_comparisons

from keras_ccar.benchmark.comparison import Comparison, MethodEntry
from keras_ccar.benchmark.report.markdown import markdown_table
from keras_ccar.benchmark.report.page import comparison_title, sort_by_training_size
from keras_ccar.benchmark.report.summary import difference_text, score_text
from keras_ccar.benchmark.statistics.paired import PairedDifference, paired_difference

PAGE = ROOT / "docs" / "choosing-a-loss.md"
BEGIN = "<!-- measured: written by benchmarks/choosing_a_loss.py -->\n"
END = "<!-- end of what was measured -->\n"


def measured(comparisons: Mapping[str, Comparison]) -> str:
    """Returns what comparisons of two losses or more say about the choice."""
    comparisons = {k: c for k, c in comparisons.items() if len(_ranked(c)) > 1}
    data = sorted({comparison.dataset["name"] for comparison in comparisons.values()})
    waiting = len(not_yet_run(comparisons.values()))
    not_run = (
        f"[{waiting} not yet run, or not whole](results.md#not-yet-run)"
        if waiting
        else "all run"
    )
    parts = [
        f"Measured so far, on {', '.join(data)}: {len(comparisons)} "
        f"comparison{'' if len(comparisons) == 1 else 's'}. Of the {len(PLANNED)} "
        f"planned at full length: {not_run}. "
        "What holds on one data set need not hold on another."
    ]
    for name in sort_by_training_size(comparisons):
        comparison = comparisons[name]
        parts += [
            f"**{comparison_title(comparison)}**",
            markdown_table(_rows(comparison)),
            _leaders(comparison),
        ]
    parts.append(
        "Percent and points, mean ± standard deviation over seeds, at the last epoch. "
        "Differences are paired by seed, with their 95 % confidence interval. "
        "*Better* and *worse* are said only where it excludes zero."
    )
    return "\n\n".join(parts) + "\n"


def _ranked(comparison: Comparison) -> list[MethodEntry]:
    """Returns the methods with finished runs, highest balanced accuracy first."""
    means = comparison.finished.groupby("method")["balanced"].mean()
    finished = [method for method in comparison.methods if method["name"] in means]
    return sorted(finished, key=lambda method: -means[method["name"]])


def _compare(
    comparison: Comparison, method: MethodEntry, other: str, metric: str = "balanced"
) -> PairedDifference:
    return paired_difference(
        comparison.by_seed(method["name"], metric), comparison.by_seed(other, metric)
    )


def _rows(comparison: Comparison) -> list[list[str]]:
    methods = _ranked(comparison)
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
            difference_text(_compare(comparison, method, "ce", metric))
            for metric in ("balanced", "few", "many")
        ]
        word = _word(_compare(comparison, method, "ce"))
        if method["name"] == "ce":
            cells, word = ["", "", ""], ""
        scores = comparison.by_seed(method["name"], "balanced")
        rows.append([method["title"], score_text(scores), *cells, word])
    return rows


def _word(difference: PairedDifference) -> str:
    if not difference.has_interval:
        return "cannot be said"
    if difference.includes_zero:
        return "no measurable difference"
    return "better" if difference.mean > 0 else "worse"


def _leaders(comparison: Comparison) -> str:
    """Says which method leads, and which ones are not measurably below it."""
    methods = _ranked(comparison)
    best, *others = methods
    apart = {
        method["title"]: _word(_compare(comparison, method, best["name"]))
        for method in others
    }
    near = [title for title, word in apart.items() if word != "worse"]
    sentence = f"Highest balanced accuracy: **{best['title']}**."
    if near:
        sentence += f" Not measurably below it: {', '.join(near)}."
    return sentence


def with_measured(text: str, comparisons: Mapping[str, Comparison]) -> str:
    """Returns the page's text with what was measured between the two marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{measured(comparisons)}\n{END}{after}"


def main() -> None:
    text = PAGE.read_text("utf-8")
    PAGE.write_text(with_measured(text, read_comparisons()), "utf-8")


if __name__ == "__main__":
    main()
