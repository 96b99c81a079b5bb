"""The page of published results, made from the files of comparisons and measurements.

The same files give the same bytes.
"""

from pathlib import Path

from keras_ccar.benchmark.report.facts import describe_hardware, describe_setup, title
from keras_ccar.benchmark.report.figures import FIGURES
from keras_ccar.benchmark.report.markdown import (
    escape_markdown,
    markdown_list,
    markdown_table,
)
from keras_ccar.benchmark.report.measurements import MEANINGS, measurement_rows
from keras_ccar.benchmark.report.planned import PLANNED
from keras_ccar.benchmark.report.sections import markdown_sections
from keras_ccar.benchmark.report.verdicts import verdicts
from keras_ccar.benchmark.spec.published import published_results
from keras_ccar.files import write_atomic

_FIGURES = "figures"
_NOTE = (
    "`make results` made this page from the files in `benchmarks/results`; it is not "
    "edited by hand. All is measured at the last epoch. Every difference is paired "
    "by seed; that one method beat another is said only where the 95 % confidence "
    "interval excludes zero."
)


def write_page(path, comparisons, drawn, measurements):
    """Writes the page and its figures.

    Args:
        path: the Markdown file; the figures go to the folder `figures` beside it.
        comparisons: `Comparison`s by the name of their folder.
        drawn: their figures, from `report.figures.draw_all`, by the same names.
        measurements: contents of measurement files by file name.
    """
    path = Path(path)
    for name, pictures in drawn.items():
        for file_name, content in pictures.items():
            write_atomic(path.parent / _FIGURES / name / file_name, content)
    write_atomic(path, page(comparisons, drawn, measurements))


def page(comparisons, drawn, measurements):
    """Returns the page as Markdown.

    Args:
        comparisons: `Comparison`s by the name of their folder.
        drawn: names of the figures that there are, by the same names.
        measurements: contents of measurement files by file name.
    """
    ordered = sort_by_training_size(comparisons)
    parts = ["# Results"]
    for name in ordered:
        comparison = comparisons[name]
        parts.append(f"**{comparison_title(comparison)}**")
        parts.append(markdown_list(verdicts(comparison)))
    parts.append(_planned_sentence(comparisons))
    parts.append(_NOTE)
    for name in ordered:
        comparison = comparisons[name]
        parts.append(f"## {comparison_title(comparison)}")
        parts.extend(markdown_sections(comparison, heading="###"))
        parts.append("### Figures")
        parts.extend(
            f"![{FIGURES[file_name][1]}]({_FIGURES}/{name}/{file_name})"
            for file_name in drawn[name]
        )
        parts.append("### How this was made")
        facts = describe_setup(comparison)
        parts.append(markdown_list(f"{fact}: {value}" for fact, value in facts))
        parts.append(f"```\n{comparison.command}\n```")
    if measurements:
        parts.append("## Speed")
    for name, measurement in sorted(measurements.items()):
        parts.append(f"### {name}")
        if name in MEANINGS:
            parts.append(MEANINGS[name])
        parts.append(markdown_table(measurement_rows(measurement)))
        parts.append(_measured_on(name, measurement))
    parts.extend(_planned_section(comparisons))
    return "\n\n".join(parts) + "\n"


def sort_by_training_size(comparisons):
    """Returns the names of comparisons: what took the most training tells the most.

    Args:
        comparisons: `Comparison`s by the name of their folder.
    """

    def examples(comparison):
        return sum(comparison.dataset["class_counts"]) * comparison.recipe["epochs"]

    return sorted(comparisons, key=lambda name: (-examples(comparisons[name]), name))


def comparison_title(comparison):
    """Returns the heading of a comparison: data, recipe, network, length and seeds.

    Args:
        comparison: the `Comparison`.
    """
    recipe = comparison.recipe
    heading = title(comparison).removeprefix("CCAR on ")
    return escape_markdown(
        f"{heading} ({recipe['model']}, {recipe['epochs']} epochs, "
        f"{len(comparison.seeds)} seeds)"
    )


def _measured_on(name, measurement):
    environment = measurement["environment"]
    return (
        f"`benchmarks/results/{name}`, by `{measurement['command']}` on "
        f"{describe_hardware(environment['hardware'])}; "
        f"commit {environment['commit']}."
    )


def _planned_sentence(comparisons):
    waiting = sum(bool(plan.missing(comparisons.values())) for plan in PLANNED)
    if not waiting:
        return (
            f"**All {len(PLANNED)} planned comparisons at full length have been run.**"
        )
    return (
        f"**Not yet run: {waiting} of the {len(PLANNED)} planned comparisons at full "
        "length**, [listed below](#not-yet-run)."
    )


def _planned_section(comparisons):
    rows = [["data", "recipe", "network", "seeds", "answers", "not yet run"]]
    commands = []
    for plan in PLANNED:
        missing = plan.missing(comparisons.values())
        if not missing:
            continue
        rows.append(
            [
                _data_name(plan.dataset, plan.imbalance_factor),
                plan.recipe,
                plan.network,
                str(plan.seeds),
                plan.purpose,
                " ".join(missing),
            ]
        )
        commands.append(plan.command)
    if not commands:
        return []
    return [
        "## Not yet run",
        "Each is one command. ResNet-32 at full length takes a GPU; ImageNet and "
        "iNaturalist have to be fetched by hand.",
        markdown_table(rows),
        *_waiting_published(comparisons),
        "```sh\n" + "\n".join(commands) + "\n```",
    ]


def _data_name(dataset, imbalance_factor):
    return dataset + (f", IF {imbalance_factor:g}" if imbalance_factor else "")


def _waiting_published(comparisons):
    """Returns what was published on planned data that no comparison is about yet."""
    seen = {
        (comparison.dataset["name"], comparison.dataset["imbalance_factor"])
        for comparison in comparisons.values()
    }
    rows = [["data", "method", "published", "its network", "its recipe", "source"]]
    for published in published_results():
        dataset, factor = published.dataset, published.imbalance_factor
        if factor is None:
            waiting = dataset not in {name for name, _ in seen}
        else:
            waiting = (dataset, factor) not in seen
        if waiting:
            rows.append(
                [
                    _data_name(dataset, factor),
                    published.title,
                    published.number,
                    published.network,
                    published.recipe,
                    published.source,
                ]
            )
    if len(rows) == 1:
        return []
    return [
        "Published on data that nothing above is about (top-1 in percent, in brackets "
        "the gain over the source's own baseline; † from the paper, not read again in "
        "its files):",
        markdown_table(rows),
    ]
