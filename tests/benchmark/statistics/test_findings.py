"""What a comparison answers."""

import html.parser

import pytest
from made_results import made_results
from rich.console import Console

from keras_ccar.benchmark.report.figures.all_figures import FIGURES
from keras_ccar.benchmark.report.write import show_report

BALANCED = {"ce": [50, 51, 52], "la": [56, 57.2, 57.8], "ccar": [56.4, 56.9, 57.5]}


def test_the_summary_by_hand():
    made = made_results(BALANCED)
    table = made.summary.set_index("method")
    assert list(table.index) == ["la", "ccar", "ce"]
    la = table.loc["la"]
    # Differences 6, 6.2 and 5.8: t(0.975, 2) = 4.3027, so 6 ± 4.3027 · 0.2 / √3.
    assert (la["title"], la["seeds"], la["mean"]) == ("logit adjustment", 3, 57.0)
    assert la["difference"] == pytest.approx(6.0)
    assert (la["low"], la["high"]) == pytest.approx((5.5032, 6.4968), abs=1e-4)
    # t = 6 / (0.2 / √3) = 51.96 has p = 0.00037, doubled by Holm.
    assert la["p"] == pytest.approx(0.00074, abs=1e-5)
    assert table.loc["ce"][["difference", "p"]].isna().all()


def test_the_best_and_its_ties():
    made = made_results(BALANCED)
    best = made.best()
    assert (best.method, best.title, best.seeds) == ("la", "logit adjustment", 3)
    assert (best.metric, best.mean, best.ties) == ("balanced", 57.0, ("ccar",))
    assert (best.chosen_on, best.measured_on) == ("test", "test")
    assert made.best("ece").method == "ce"  # All are equal, the baseline first.
    with pytest.raises(ValueError, match="`metric` must be one of"):
        made.best("speed")
    with pytest.raises(ValueError, match="No run of a method that could be chosen"):
        made_results({"ce": [None]}).best()


def test_the_report_is_written_to_the_folder(tmp_path):
    made = made_results(BALANCED)
    with pytest.raises(ValueError, match="`folder` must be"):
        made.report()
    made.folder = tmp_path / "mine"
    page = made.report()
    assert page == tmp_path / "mine" / "report.html"
    text = page.read_text("utf-8")
    assert '<p class="answer">On cifar100-lt logit adjustment gives +6.0' in text
    assert "warning" not in text.partition("<body>")[2]
    drawn = {path.name for path in page.parent.glob("*.png")}
    assert drawn == FIGURES.keys() - {"ablations.png"}


class Shown(html.parser.HTMLParser):
    """The text of a piece of HTML, and the tags that are still open."""

    def __init__(self, text):
        super().__init__()
        self.words, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data.strip())


def test_a_notebook_shows_the_answer_in_red_where_it_proves_nothing():
    made = made_results({"ce": [50], "ccar": [60]})
    made.methods[1]["title"] = "<b>CCAR</b>"
    text = made._repr_html_()
    shown = Shown(text)
    assert not shown.open
    assert "This proves nothing: one seed." in shown.words
    assert "color: #c62828" in text
    assert "<b>" not in text
    assert "<b>CCAR</b>" in shown.words
    assert "#c62828" not in made_results(BALANCED)._repr_html_()


def test_the_terminal_begins_with_the_answer():
    console = Console(width=200, record=True, force_terminal=True, quiet=False)
    show_report(made_results({"ce": [50], "ccar": [60]}), console)
    styled = console.export_text(styles=True)
    warning, answer, *_ = styled.splitlines()
    assert warning.startswith("\x1b[1;31m")  # bold and red
    assert "This proves nothing: one seed." in warning
    assert "On cifar100-lt CCAR gives +10.0 points" in answer


@pytest.mark.parametrize("kind", ["binary", "labels"])
def test_reports_of_own_data(kind, tmp_path):
    """Other columns, no curves of the training, some settings unknown."""
    made = made_results(BALANCED)
    made.dataset |= {"kind": kind, "imbalance_factor": None, "digest": None}
    made.recipe = {"name": "own", "epochs": 20}
    made.metrics = {"f1": "F1", "log_loss": "log loss"}
    made.metric = "f1"
    made.split = "validation"
    made.folder = tmp_path
    for run in made.run_entries:
        value = run["balanced"]
        for name in ("history", "top1", "balanced", "many", "medium", "few", "ece"):
            run.pop(name)
        run |= {"f1": value, "log_loss": 1 - value / 100}
    text = made.report().read_text("utf-8")
    assert "On your data logit adjustment gives +6.0 points of F1 over" in text
    assert "The best was chosen by the validation data" in text
    assert "on the validation set" in text
    drawn = {path.name for path in tmp_path.glob("*.png")}
    assert drawn == {
        "accuracy_by_class.png",
        "differences.png",
        "weight_by_confidence.png",
    }
