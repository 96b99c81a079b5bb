import pytest
from made_results import SOME, made_under_recipe

from keras_ccar.benchmark.report.published_table import (
    published_rows,
    published_sentence,
)
from keras_ccar.benchmark.report.write import html, markdown


def row_of(rows, *start):
    (row,) = [row for row in rows if tuple(row[: len(start)]) == start]
    return dict(zip(rows[0], row, strict=True))


def test_a_published_number_stands_beside_ours():
    rows = published_rows(made_under_recipe("plain"))
    ours = row_of(rows, "Balanced Softmax", "43.2")
    assert ours["ours"] == "43.50 ± 0.56 (3 seeds)"
    # Differences 5, 4.9 and 5.1; t(0.975, 2) = 4.3027, so ± 4.3027 · 0.1 / √3.
    assert ours["ours less cross-entropy"] == "+5.00 [+4.75, +5.25]"
    assert ours["source"] == "Bag-of-Tricks (Zhang et al. 2021)"
    assert row_of(rows, "focal loss")["ours"] == "not run"
    strong = row_of(rows, "Balanced Softmax", "50.8†")
    assert (strong["ours"], strong["its recipe"]) == ("not comparable", "strong")
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


def test_failed_methods_have_no_number_beside_the_published_one():
    results = made_under_recipe("plain", {**SOME, "bs": [None]})
    row = row_of(published_rows(results), "Balanced Softmax", "43.2")
    assert row["ours"] == "– (0 seeds)"
    assert row["ours less cross-entropy"] == "–"
