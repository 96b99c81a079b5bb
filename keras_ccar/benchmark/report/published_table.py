"""Published numbers beside ours."""

from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.report.summary import difference_rows, score_rows
from keras_ccar.benchmark.spec.published import (
    differences_to,
    is_comparable,
    published_for,
)


def published_rows(comparison: Comparison) -> list[list[str]]:
    """Returns published numbers on the same data beside ours, the header first.

    There are no rows if nothing was published on the data.
    """
    names = [method["name"] for method in comparison.methods]
    scores = dict(zip(names, score_rows(comparison)[1:], strict=True))
    others = [name for name in names if name != "ce"]
    # Without cross-entropy there are no differences.
    differences = dict(zip(others, difference_rows(comparison)[1:], strict=False))
    known = comparison.representatives
    header = ["method", "published", "ours", "ours less cross-entropy"]
    rows = [[*header, "its network", "its recipe", "differs in", "source"]]
    for published in published_for(comparison.dataset):
        method = known.get(published.method, "")
        differences_in = ", ".join(differences_to(published, comparison.recipe))
        if differences_in:
            ours, difference = "not comparable", "–"
        elif method not in scores:
            ours, difference = "not run", "–"
        else:
            _, seeds, ours, *_ = scores[method]
            ours = f"{ours} ({seeds} {'seed' if seeds == '1' else 'seeds'})"
            difference = differences.get(method, ["", "–"])[1]
        numbers = [published.title, published.number, ours, difference]
        training = [published.network, published.recipe, differences_in or "–"]
        rows.append([*numbers, *training, published.source])
    return rows if len(rows) > 1 else []


def published_sentence(comparison: Comparison) -> str:
    """Says how ours were trained, and how many published numbers are comparable."""
    recipe = comparison.recipe
    published = published_for(comparison.dataset)
    comparable = sum(is_comparable(number, recipe) for number in published)
    return (
        f"Ours: network {recipe['model']}, recipe {recipe['name']}, "
        f"{recipe['epochs']} epochs. Comparable with it: {comparable} of "
        f"{len(published)} published numbers on this data."
    )
