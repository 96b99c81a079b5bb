"""Writes docs/results.md and its figures, and the reports in benchmarks/results.

Run by `make results`. To the page that `keras-ccar report --page` gives it adds what
the numbers of each measurement mean, and the planned comparisons that were not run yet.
"""

import re
from collections.abc import Collection
from pathlib import Path

import pretrained_page
from planned import PLANNED, not_yet_run
from pretrained_statistics import Runs
from rich.console import Console

from keras_ccar.benchmark.comparison import Comparison, comparison_folders
from keras_ccar.benchmark.report.console import say
from keras_ccar.benchmark.report.figures.all_figures import draw_all
from keras_ccar.benchmark.report.markdown import escape_markdown, markdown_table
from keras_ccar.benchmark.report.measurements import read_measurements
from keras_ccar.benchmark.report.page import HOW_MEASURED, PageText, write_page
from keras_ccar.benchmark.report.sentences.facts import describe_hardware
from keras_ccar.benchmark.report.summary import difference_text, score_text
from keras_ccar.benchmark.report.write import write_report
from keras_ccar.benchmark.spec.published import (
    PublishedResult,
    differences_to,
    is_unchanged,
    published_for,
    published_results,
)
from keras_ccar.benchmark.statistics.paired import paired_difference

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "results.md"
NUMBER = re.compile(r"\d+(\.\d+)?")
NOTE = (
    "`make results` made this page from the files in `benchmarks/results`; it is not "
    f"edited by hand. {HOW_MEASURED}"
)
# What the numbers of a measurement mean, by its file name.
MEASUREMENT_NOTES = {
    "count_speed.json": "Seconds to count the classes of the 50,000 training images of "
    "CIFAR-100, over 3 rounds.",
    "digits_learning_rate.json": "Balanced accuracy of cross-entropy on validation "
    "images at the learning rates that were tried for digits, percent, mean over "
    "seeds; the best is the recipe's.",
}


def read_comparisons() -> dict[str, Comparison]:
    """Returns the comparisons in benchmarks/results by the name of their folder."""
    return {
        folder.name: Comparison.read(folder) for folder in comparison_folders(RESULTS)
    }


def shown(comparisons: dict[str, Comparison]) -> dict[str, Comparison]:
    """Returns the comparisons that compare: those with two finished methods or more.

    A run of one method is in the table of the full-length runs.
    """
    return {
        name: comparison
        for name, comparison in comparisons.items()
        if comparison.finished["method"].nunique() > 1
    }


def page_text(comparisons: Collection[Comparison]) -> PageText:
    """Returns what the page says beside the results of these comparisons."""
    return PageText(
        first=_first_answers(comparisons),
        introduction=(_planned_sentence(comparisons), NOTE),
        measurement_notes=MEASUREMENT_NOTES,
        measurement_folder="benchmarks/results/",
        appendix=(*_full_length_section(comparisons), *_planned_section(comparisons)),
    )


def _first_answers(comparisons: Collection[Comparison]) -> tuple[str, ...]:
    """Returns what the prior and confidence add, and whether published runs agree."""
    studies = pretrained_page.read_all()
    if not studies:
        return ()
    answers = pretrained_page.answers(Runs(studies[0]))
    return (
        "With a pretrained network, on real images at imbalance 100 "
        "([all numbers](pretrained-results.md)):",
        "\n".join([*answers, f"- **Full-length runs.** {_agreement(comparisons)}"]),
    )


def _agreement(comparisons: Collection[Comparison]) -> str:
    """Says how far full-length runs are from what was published under their recipe.

    Of several comparisons that trained a method, the one with most seeds speaks.
    """
    found: dict[PublishedResult, tuple[int, str]] = {}
    for comparison in comparisons:
        if not is_unchanged(comparison.recipe):
            continue
        runs = comparison.finished
        for published in published_for(comparison.dataset):
            of_method = runs[runs["method"] == published.method]
            is_same = published.recipe == comparison.recipe["name"]
            # A range, or "about", is no number to compare with.
            if not is_same or of_method.empty or not NUMBER.fullmatch(published.top1):
                continue
            ours = dict(zip(of_method["seed"], of_method["top1"], strict=True))
            difference = paired_difference(
                ours, dict.fromkeys(ours, float(published.top1))
            )
            if difference.seeds <= found.get(published, (0, ""))[0]:
                continue
            differs = differences_to(published, comparison.recipe)
            sentence = (
                f"{published.title}: {of_method['top1'].mean():.1f} % top-1 against "
                f"{published.top1} % published ({published.source}), "
                f"{difference_text(difference)} points over {difference.seeds} "
                f"seed{'s' if difference.seeds > 1 else ''}"
                + (f"; theirs: {', '.join(differs)}" if differs else "")
            )
            found[published] = (difference.seeds, sentence)
    if not found:
        return "None that has a published counterpart is finished yet."
    return " ".join(f"{sentence}." for _, sentence in found.values())


def _planned_sentence(comparisons: Collection[Comparison]) -> str:
    waiting = len(not_yet_run(comparisons))
    if not waiting:
        return (
            f"**All {len(PLANNED)} planned comparisons at full length have been run.**"
        )
    return (
        f"**Not yet run, or not with all methods and seeds: {waiting} of the "
        f"{len(PLANNED)} planned comparisons at full length**, "
        "[listed below](#not-yet-run)."
    )


def _full_length_section(comparisons: Collection[Comparison]) -> tuple[str, ...]:
    """Lists the runs under recipes of published numbers, with those beside."""
    header = ["data", "recipe", "method", "top-1", "published", "differs in"]
    rows = [[*header, "seeds", "minutes a run", "hardware"]]
    for comparison in comparisons:
        data, recipe = comparison.dataset, comparison.recipe
        published = {
            number.method: number
            for number in published_for(data)
            if number.recipe == recipe["name"]
        }
        if not published or not is_unchanged(recipe):
            continue
        finished = comparison.finished
        for method in comparison.methods:
            own = finished[finished["method"] == method["name"]]
            if own.empty:
                continue
            number = published.get(method["name"])
            differs = differences_to(number, recipe) if number else ()
            hardware = comparison.environment["hardware"]
            rows.append(
                [
                    _data_name(data["name"], data["imbalance_factor"]),
                    recipe["name"],
                    method["title"],
                    score_text(own["top1"]),
                    number.number if number else "–",
                    ", ".join(differs) or "–",
                    str(len(own)),
                    score_text(own["seconds"] / 60),
                    escape_markdown(describe_hardware(hardware)),
                ]
            )
    if len(rows) == 1:
        return ()
    return (
        "## Full-length runs",
        "Runs of a whole recipe, beside the number that was published for the method "
        "and the recipe; top-1 in percent, at the last epoch.",
        markdown_table(rows),
    )


def _planned_section(comparisons: Collection[Comparison]) -> tuple[str, ...]:
    waiting = not_yet_run(comparisons)
    if not waiting:
        return ()
    rows = [["data", "recipe", "network", "seeds", "answers", "not yet run"]]
    for plan, missing in waiting.items():
        data = _data_name(plan.dataset, plan.imbalance_factor)
        cells = [data, plan.recipe, plan.network, str(plan.seeds), plan.purpose]
        rows.append([*cells, " ".join(missing)])
    return (
        "## Not yet run",
        "Each is one command. ResNet-32 at full length takes a GPU, on which it runs "
        "without TensorFlow too, from one file of images: "
        "`python benchmarks/packed_data.py --help`. ImageNet and iNaturalist have to "
        "be fetched by hand.",
        markdown_table(rows),
        *_published_without_results(comparisons),
        "```sh\n" + "\n".join(plan.command for plan in waiting) + "\n```",
    )


def _data_name(dataset: str, imbalance_factor: float | None) -> str:
    return dataset + (f", IF {imbalance_factor:g}" if imbalance_factor else "")


def _published_without_results(comparisons: Collection[Comparison]) -> tuple[str, ...]:
    """Lists the published numbers on data that no comparison is about yet."""
    data = [comparison.dataset for comparison in comparisons]
    names = {dataset["name"] for dataset in data}
    seen = {(dataset["name"], dataset["imbalance_factor"]) for dataset in data}

    def has_results(published: PublishedResult) -> bool:
        if published.imbalance_factor is None:
            return published.dataset in names
        return (published.dataset, published.imbalance_factor) in seen

    rows = [
        [
            _data_name(published.dataset, published.imbalance_factor),
            published.title,
            published.number,
            published.network,
            published.recipe,
            published.source,
        ]
        for published in published_results()
        if not has_results(published)
    ]
    if not rows:
        return ()
    header = ["data", "method", "published", "its network", "its recipe", "source"]
    return (
        "Published on data that nothing above is about (top-1 in percent, in brackets "
        "the gain over the source's own baseline; † from the paper, not read again in "
        "its files):",
        markdown_table([header, *rows]),
    )


def main() -> None:
    """Writes the reports, the page and the figures of both."""
    comparisons = read_comparisons()
    console = Console()
    drawn = {name: draw_all(comparison) for name, comparison in comparisons.items()}
    for name, comparison in comparisons.items():
        write_report(comparison, RESULTS / name, drawn[name])
    text = page_text(comparisons.values())
    on_page = shown(comparisons)
    figures = {name: drawn[name] for name in on_page}
    write_page(PAGE, on_page, figures, read_measurements(RESULTS), text)
    say(console, f"Page: {PAGE}")


if __name__ == "__main__":
    main()
