import copy
import dataclasses
import io
import re

import pytest
from made_results import TITLES, made_results
from rich.console import Console

from keras_ccar.benchmark.report.console import console_tables
from keras_ccar.benchmark.report.difference_figures import ablations, differences
from keras_ccar.benchmark.report.facts import describe_hardware, describe_setup, title
from keras_ccar.benchmark.report.figures import FIGURES, draw_all
from keras_ccar.benchmark.report.page import page
from keras_ccar.benchmark.report.published_table import (
    published_rows,
    published_sentence,
)
from keras_ccar.benchmark.report.write import html, markdown
from keras_ccar.benchmark.spec.recipe_book import RECIPES
from keras_ccar.files import to_json

SOME = {"ce": [38.0, 38.5, 39.0], "bs": [43.0, 43.4, 44.1], "ccar": [38.1, 39, 39.2]}
VARIANTS = ("ccar[strength=2]", "ccar[form=power]", "ccar[strength=3,normalize]")


def whole(name, **changes):
    """A comparison under a recipe as it stands, but for the changes."""
    settings = to_json(dataclasses.asdict(RECIPES[name]))
    del settings["name"]
    return made_results(SOME, recipe=name, **{**settings, **changes})


def many():
    names = (*TITLES, *VARIANTS)
    return made_results(
        {name: [30 + at, 31 + 1.1 * at, 29 + at] for at, name in enumerate(names)},
        epochs=5,
    )


def row_of(rows, *start):
    (row,) = [row for row in rows if tuple(row[: len(start)]) == start]
    return dict(zip(rows[0], row, strict=True))


def test_a_published_number_stands_beside_ours():
    rows = published_rows(whole("plain"))
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
    results = whole("plain", **changes)
    rows = published_rows(results)
    assert {row[2] for row in rows[1:]} == {"not comparable"}
    assert {row[3] for row in rows[1:]} == {"–"}
    assert "Comparable with it: 0 of 17 published" in published_sentence(results)


def test_the_heading_names_the_settings_that_were_changed():
    assert title(whole("plain")).endswith("factor 100, recipe plain")
    results = whole("plain", learning_rate=0.2, steps_per_execution=5)
    results.options |= {"strength": 3.0, "normalize": True}
    heading = "recipe plain changed: learning_rate 0.2, s = 3, normalised"
    assert title(results).endswith(heading)
    assert heading in page({"some": results}, {"some": []}, {})
    shorter = to_json(dataclasses.asdict(RECIPES["strong"].with_settings(epochs=3)))
    del shorter["name"]
    heading = title(whole("strong", **shorter))
    assert heading.endswith("recipe strong changed: epochs 3")


def test_without_published_numbers_there_is_no_such_table():
    results = whole("plain")
    results.dataset["name"] = "digits-lt"
    assert published_rows(results) == []
    assert "Published" not in markdown(results, {})
    assert "Published" not in html(results, {})


def test_failed_methods_have_no_number_beside_the_published_one():
    results = made_results({**SOME, "bs": [None]}, **without_name("plain"))
    row = row_of(published_rows(results), "Balanced Softmax", "43.2")
    assert row["ours"] == "– (0 seeds)"
    assert row["ours less cross-entropy"] == "–"


def without_name(recipe):
    settings = to_json(dataclasses.asdict(RECIPES[recipe]))
    del settings["name"]
    return settings


@pytest.mark.slow
def test_figures_of_many_methods():
    results = many()
    drawn = draw_all(results)
    assert set(drawn) == set(FIGURES)
    for content in drawn.values():
        assert content.startswith(b"\x89PNG")
    again = differences(results)
    assert again == drawn["differences.png"]


def test_what_there_is_nothing_to_draw_of_is_not_drawn():
    results = made_results({"ce": [38.0]}, epochs=2)
    assert ablations(results) is None
    assert differences(results) is None


def test_many_methods_fit_a_terminal():
    console = Console(width=80, record=True, file=io.StringIO())
    for table in console_tables(many()):
        console.print(table)
    text = console.export_text()
    # A name is no markup.
    for name in VARIANTS:
        assert name in text
    assert max(map(len, text.splitlines())) <= 80


def test_names_are_text_in_every_part_of_the_page():
    results = whole("plain")
    name = "<i>x</i> & 'y'"
    for part in (results.dataset, results.recipe):
        part["name"] = name
    results.methods[0]["title"] = name
    results.run_entries[0].update(status="failed", error=name)
    results.command = name
    page = html(results, {})
    assert "<i>" not in page
    assert page.count("&lt;i&gt;x&lt;/i&gt; &amp; &#39;y&#39;") >= 5
    text = re.sub("```.*?```", "", markdown(results, {}), flags=re.DOTALL)
    assert "<i>" not in text


def test_runs_from_several_machines_and_commits_are_all_named():
    results = whole("plain")
    facts = dict(describe_setup(results))
    assert facts["Hardware"] == describe_hardware(results.environment["hardware"])
    other = copy.deepcopy(results.environment)
    other["commit"] = "f" * 40
    other["hardware"]["cores"] = 1
    for run in results.run_entries[:1]:
        run["environment"] = other
    facts = dict(describe_setup(results))
    # Each of nine runs counts.
    assert facts["Commit"].endswith(f"{results.environment['commit']} (8 runs)")
    assert facts["Commit"].startswith(f"{'f' * 40} (1 run); ")
    assert re.search(
        r" 1 core, .* \(1 run\); .* cores, .* \(8 runs\)$", facts["Hardware"]
    )
    # Nothing is said of the machine that only looked on.
    for run in results.run_entries:
        run["environment"] = other
    assert dict(describe_setup(results))["Commit"] == "f" * 40
