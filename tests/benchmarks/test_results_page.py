import shutil

import planned
import pytest
import results_page
from made_results import made_results

from keras_ccar.benchmark.report.page import HOW_MEASURED, page

MADE = made_results({"ce": [38.0, 38.5], "ccar": [38.1, 39.0]}, epochs=5)


@pytest.fixture
def text():
    return page({"made": MADE}, {"made": []}, {}, results_page.page_text([MADE]))


def test_the_page_names_the_planned_comparisons_and_their_commands(text):
    head, _, section = text.partition("## Not yet run")
    count = len(planned.PLANNED)
    assert f"**Not yet run: {count} of the {count} planned comparisons" in head
    assert HOW_MEASURED in head
    for plan in planned.PLANNED:
        assert f"\n{plan.command}\n" in section


def test_the_page_lists_what_was_published_on_data_without_results(text):
    published = text.partition("Published on data that nothing above is about")[2]
    # The comparison is about the factor 100.
    assert "| cifar100-lt, IF 200 |" in published
    assert "| cifar100-lt, IF 100 |" not in published
    assert "| imagenet-lt " in published


def test_nothing_is_planned_once_all_is_run(monkeypatch):
    monkeypatch.setattr(results_page, "not_yet_run", lambda comparisons: {})
    text = results_page.page_text([MADE])
    assert text.appendix == ()
    assert "have been run" in text.introduction[0]


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
