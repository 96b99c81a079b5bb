"""Published numbers beside ours."""

from keras_ccar.benchmark.report.summary import difference_rows, score_rows
from keras_ccar.benchmark.spec.published import is_comparable, published_for


def published_rows(comparison):
    """Returns published numbers on the same data beside ours as text.

    Args:
        comparison: the `Comparison`.

    Returns:
        A list of rows, the header first; empty where nothing was published.
    """
    names = [method["name"] for method in comparison.methods]
    scores = dict(zip(names, score_rows(comparison)[1:], strict=True))
    others = [name for name in names if name != "ce"]
    # No rows at all where there is nothing to compare with.
    differences = dict(zip(others, difference_rows(comparison)[1:], strict=False))
    rows = []
    for published in published_for(comparison.dataset):
        if not is_comparable(published, comparison.recipe):
            ours, difference = "not comparable", "–"
        elif published.method not in scores:
            ours, difference = "not run", "–"
        else:
            _, seeds, ours, *_ = scores[published.method]
            ours = f"{ours} ({seeds} {'seed' if seeds == '1' else 'seeds'})"
            difference = differences.get(published.method, ["", "–"])[1]
        rows.append(
            [
                published.title,
                published.number,
                ours,
                difference,
                published.network,
                published.recipe,
                published.source,
            ]
        )
    if not rows:
        return []
    header = ["method", "published", "ours", "ours less cross-entropy"]
    return [[*header, "its network", "its recipe", "source"], *rows]


def published_sentence(comparison):
    """Says how ours were trained, and how many published numbers compare with it.

    Args:
        comparison: the `Comparison`.
    """
    recipe = comparison.recipe
    published = published_for(comparison.dataset)
    comparable = sum(is_comparable(number, recipe) for number in published)
    return (
        f"Ours: network {recipe['model']}, recipe {recipe['name']}, "
        f"{recipe['epochs']} epochs. Comparable with it: {comparable} of "
        f"{len(published)} published numbers on this data."
    )
