import dataclasses
import shutil

import planned
import pytest
import results_page
from made_results import made_results, made_under_recipe

from keras_ccar.benchmark.report.page import HOW_MEASURED, page
from keras_ccar.benchmark.spec.recipe_book import RECIPES
from keras_ccar.files import to_json

MADE = made_results({"ce": [38.0, 38.5], "ccar": [38.1, 39.0]}, epochs=5)


@pytest.fixture
def text():
    return page({"made": MADE}, {"made": []}, {}, results_page.page_text([MADE]))


def test_the_page_names_the_planned_comparisons_and_their_commands(text):
    head, _, section = text.partition("## Not yet run")
    count = len(planned.PLANNED)
    assert f"all methods and seeds: {count} of the {count} planned comparisons" in head
    assert HOW_MEASURED in head
    for plan in planned.PLANNED:
        assert f"\n{plan.command}\n" in section


def test_the_page_lists_what_was_published_on_data_without_results(text):
    published = text.partition("Published on data that nothing above is about")[2]
    # The comparison is about the factor 100.
    assert "| cifar100-lt, IF 200 |" in published
    assert "| cifar100-lt, IF 100 |" not in published
    assert "| imagenet-lt " in published


def test_full_length_runs_stand_beside_what_was_published():
    whole = made_under_recipe("plain", {"ce": [38.0, 39.0], "bs": [43.0], "ccar": [40]})
    whole.methods.append(whole.methods[0] | {"name": "la", "title": "not trained"})
    section = "\n\n".join(results_page.page_text([whole]).appendix).partition("\n## ")[
        0
    ]
    assert section.startswith("## Full-length runs")
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in section.splitlines()
        if line.startswith("| cifar100-lt, IF 100 | plain ")
    ]
    found = {row[2]: (row[4], row[6]) for row in rows}
    assert found == {
        "cross-entropy": ("38.2", "2"),
        "Balanced Softmax": ("43.2", "1"),
        "CCAR": ("–", "1"),
    }


def test_shortened_runs_are_not_of_full_length(text):
    assert "## Full-length runs" not in text


def test_nothing_is_planned_once_all_is_run(monkeypatch):
    monkeypatch.setattr(results_page, "not_yet_run", lambda comparisons: {})
    text = results_page.page_text([MADE])
    assert text.appendix == ()
    assert "have been run" in text.introduction[0]


def test_full_length_runs_are_compared_with_what_was_published():
    recipe = to_json(dataclasses.asdict(RECIPES["plain"]))
    full = made_results({"ce": [38.0, 38.5], "ccar": [38.1, 39.0]})
    full.recipe = recipe
    full.dataset |= {"name": "cifar100-lt", "imbalance_factor": 100}
    told = results_page._agreement([full])
    # 38.25 against 38.2; Student's t of one degree of freedom is 12.7.
    assert told.startswith(
        "cross-entropy: 38.2 % top-1 against 38.2 % published (Bag-of-Tricks (Zhang et "
        "al. 2021)), +0.05 [−3.13, +3.23] points over 2 seeds; theirs: Cui's subset, "
        "best epoch."
    )
    # CCAR's own numbers are "about", and shorter trainings are not compared.
    assert "CCAR" not in told
    full.recipe = recipe | {"epochs": 20}
    assert "None that has a published" in results_page._agreement([full])


def test_the_comparison_with_most_seeds_speaks_for_a_method():
    few, many = (
        made_under_recipe("plain", {"ce": values}) for values in ([30.0], [38.0, 39.0])
    )
    for comparisons in ([few, many], [many, few]):
        told = results_page._agreement(comparisons)
        assert told.startswith("cross-entropy: 38.5 % top-1 against 38.2 % published")
        assert "over 2 seeds" in told
        assert "1 seed" not in told


def test_the_page_begins_with_the_study_on_pretrained_features(text):
    head = text.partition("\n\n**")[0]
    for words in ("What the prior adds", "What confidence adds", "Full-length runs"):
        assert words in head


def test_every_measurement_has_a_note():
    there = {path.name for path in results_page.RESULTS.glob("*.json")}
    assert set(results_page.MEASUREMENT_NOTES) == there


def test_the_command_writes_the_reports_and_the_page(tmp_path, monkeypatch):
    results = tmp_path / "results"
    shutil.copytree(results_page.RESULTS / "digits-lt", results / "digits-lt")
    (results / "digits-lt" / "report.html").unlink(missing_ok=True)
    monkeypatch.setattr(results_page, "RESULTS", results)
    monkeypatch.setattr(results_page, "PAGE", tmp_path / "results.md")
    results_page.main()
    assert (results / "digits-lt" / "report.html").exists()
    written = (tmp_path / "results.md").read_text("utf-8")
    figures = list((tmp_path / "figures" / "digits-lt").iterdir())
    assert figures
    assert all(figure.name in written for figure in figures)
