"""Published numbers beside ours."""

from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.report.sentences.wording import format_seeds
from keras_ccar.benchmark.report.summary import difference_text, score_text
from keras_ccar.benchmark.spec.published import (
    differences_to,
    is_comparable,
    published_for,
)
from keras_ccar.benchmark.statistics.paired import paired_difference


def published_rows(comparison: Comparison) -> list[list[str]]:
    """Returns published numbers on the same data beside ours, the header first.

    There are no rows if nothing was published on the data.
    """
    if "kind" in comparison.dataset:  # data of the user's own
        return []
    known = comparison.representatives
    header = ["method", "published", "ours", "ours less cross-entropy"]
    rows = [[*header, "its network", "its recipe", "differs in", "source"]]
    for published in published_for(comparison.dataset):
        method = known.get(published.method, "")
        differences_in = ", ".join(differences_to(published, comparison.recipe))
        if differences_in:
            ours, difference = "not comparable", "–"
        elif not method:
            ours, difference = "not run", "–"
        else:
            found = comparison.by_seed(method, "top1")
            ours = f"{score_text(found)} ({format_seeds(len(found))})"
            plain = comparison.by_seed("ce", "top1")
            # Cross-entropy itself gains nothing over itself.
            is_other = method != "ce" and "ce" in known
            gain = difference_text(paired_difference(found, plain))
            difference = gain if is_other else "–"
        numbers = [published.title, published.number, ours, difference]
        training = [published.network, published.recipe, differences_in or "–"]
        rows.append([*numbers, *training, published.source])
    return rows if len(rows) > 1 else []


def published_sentence(comparison: Comparison) -> str:
    """Says how ours were trained, and how many published numbers are comparable."""
    if "kind" in comparison.dataset:  # data of the user's own
        return ""
    recipe = comparison.recipe
    published = published_for(comparison.dataset)
    comparable = sum(is_comparable(number, recipe) for number in published)
    return (
        f"Ours: network {recipe['model']}, recipe {recipe['name']}, "
        f"{recipe['epochs']} epochs. Comparable with it: {comparable} of "
        f"{len(published)} published numbers on this data."
    )
