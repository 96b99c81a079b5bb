import dataclasses

import pytest
from made_results import SOME, made_under_recipe

from keras_ccar.benchmark.report import published_table
from keras_ccar.benchmark.report.published_table import (
    published_rows,
    published_sentence,
)
from keras_ccar.benchmark.report.write import html, markdown
from keras_ccar.benchmark.spec.published import published_results


def row_of(rows, *start):
    (row,) = [row for row in rows if tuple(row[: len(start)]) == start]
    return dict(zip(rows[0], row, strict=True))


@pytest.fixture
def as_ours(monkeypatch):
    """The published number of Balanced Softmax, as if it were measured as ours are."""
    found = next(r for r in published_results() if r.top1 == "43.2")
    found = dataclasses.replace(found, subset="Cao", epoch="last")
    monkeypatch.setattr(published_table, "published_for", lambda dataset: [found])


@pytest.mark.usefixtures("as_ours")
def test_a_published_number_stands_beside_ours():
    rows = published_rows(made_under_recipe("plain"))
    ours = row_of(rows, "Balanced Softmax", "43.2")
    assert ours["ours"] == "43.50 ± 0.56 (3 seeds)"
    # Differences 5, 4.9 and 5.1; t(0.975, 2) = 4.3027, so ± 4.3027 · 0.1 / √3.
    assert ours["ours less cross-entropy"] == "+5.00 [+4.75, +5.25]"
    assert ours["differs in"] == "–"
    assert ours["source"] == "Bag-of-Tricks (Zhang et al. 2021)"
    without = published_rows(made_under_recipe("plain", {"ce": SOME["ce"]}))
    assert row_of(without, "Balanced Softmax")["ours"] == "not run"


def test_a_number_says_what_it_differs_in():
    rows = published_rows(made_under_recipe("plain"))
    ours = row_of(rows, "Balanced Softmax", "43.2")
    assert ours["ours"] == "not comparable"
    assert ours["ours less cross-entropy"] == "–"
    assert ours["differs in"] == "Cui's subset, best epoch"
    assert row_of(rows, "LDAM-DRW", "42.0†")["differs in"] == "best epoch"
    strong = row_of(rows, "BALMS (Balanced Softmax with its meta sampler)", "50.8†")
    assert (strong["differs in"], strong["its recipe"]) == (
        "recipe, best epoch",
        "strong",
    )
    assert row_of(rows, "CCAR + logit adjustment", "48.91†")["ours"] == "not comparable"


@pytest.mark.parametrize("changes", [{"model": "resnet8"}, {"epochs": 12}])
def test_another_network_or_length_compares_with_nothing(changes):
    results = made_under_recipe("plain", **changes)
    rows = published_rows(results)
    assert {row[2] for row in rows[1:]} == {"not comparable"}
    assert {row[3] for row in rows[1:]} == {"–"}
    assert "Comparable with it: 0 of 17 published" in published_sentence(results)


def test_without_published_numbers_there_is_no_such_table():
    results = made_under_recipe("plain")
    results.dataset["name"] = "digits-lt"
    assert published_rows(results) == []
    assert "Published" not in markdown(results, {})
    assert "Published" not in html(results, {})


@pytest.mark.usefixtures("as_ours")
def test_failed_methods_have_no_number_beside_the_published_one():
    results = made_under_recipe("plain", {**SOME, "bs": [None]})
    row = row_of(published_rows(results), "Balanced Softmax", "43.2")
    assert row["ours"] == "– (0 seeds)"
    assert row["ours less cross-entropy"] == "–"
