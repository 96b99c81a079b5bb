import html.parser
import json
import re

import pytest
from small_comparison import FIGURES, read

from keras_ccar.benchmark.cli import main


def test_the_report_begins_with_the_verdict(finished):
    lines = (finished / "report.md").read_text("utf-8").splitlines()
    assert lines[0] == (
        "# CCAR on digits-lt, imbalance factor 40, recipe digits changed: epochs 2, "
        "batch_size 100"
    )
    assert lines[2] == "**This proves nothing: 2 epochs.**"
    assert re.fullmatch(
        r"\*\*On digits-lt .* cross-entropy.* 2 seeds\).*\*\*", lines[4]
    )
    assert lines[6].startswith("The best was chosen by the test data")
    verdict, speed, half, absent, *_ = lines[8:]
    assert re.match(r"- CCAR .* cross-entropy: [\d.]+ % against [\d.]+ %", verdict)
    assert re.search(r"(includes|excludes) zero", verdict)
    assert speed.startswith("- Speed of training: ")
    assert half.startswith("- Second half of the training: ")
    assert absent.startswith("- Not compared here: Balanced Softmax, logit adjust")
    order = [line for line in lines if line.startswith("## ")]
    assert order[0] == "## Ranking"
    assert order[-3:] == [
        "## How this was made",
        "## The code of the best",
        "## How to run it again",
    ]


class References(html.parser.HTMLParser):
    """Collects what a page refers to, the elements it has, and its text."""

    def __init__(self, page):
        super().__init__()
        self.references, self.elements, self.text = [], set(), ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.elements.add(tag)
        self.references += [
            value
            for name, value in attributes
            if name in ("src", "href", "srcset", "data", "action", "poster")
        ]

    def handle_data(self, text):
        self.text += text


def test_the_page_needs_no_other_file(finished):
    page = (finished / "report.html").read_text("utf-8")
    found = References(page)
    assert len(found.references) == len(FIGURES)
    assert all(text.startswith("data:image/png;base64,") for text in found.references)
    assert not found.elements & {"script", "link", "iframe", "object", "embed"}
    assert not re.search(r"url\(|@import|https?://", page)
    assert "CCAR" in found.text


def test_report_is_made_again_from_the_results_alone(copied):
    results = (copied / "results.json").read_bytes()
    page = (copied / "report.html").read_text("utf-8")
    for name in (*FIGURES, "report.html", "report.md"):
        (copied / name).unlink()
    assert main(["report", str(copied)]) == 0
    assert (copied / "report.html").read_text("utf-8") == page
    assert all((copied / name).exists() for name in (*FIGURES, "report.md"))
    assert (copied / "results.json").read_bytes() == results


@pytest.mark.slow
def test_one_page_of_several_comparisons(copied, tmp_path_factory, capsys):
    root = tmp_path_factory.mktemp("results")
    for name in ("first", "second"):
        (root / name).mkdir()
        (root / name / "results.json").write_bytes(
            (copied / "results.json").read_bytes()
        )
    measurement = {
        "command": "python speed.py",
        "environment": read(copied)["environment"],
        "rows": [{"way": "ours", "images_per_second": 1234.5}],
    }
    (root / "speed.json").write_text(json.dumps(measurement))
    page = root / "docs" / "results.md"

    def make(*folders):
        assert main(["report", *map(str, folders), "--page", str(page)]) == 0
        return {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file()
        }

    made = make(root)
    figures = {name for name in made if name.startswith("docs/figures/")}
    assert figures == {
        f"docs/figures/{folder}/{name}"
        for folder in ("first", "second")
        for name in FIGURES
    }
    text = page.read_text("utf-8")
    assert set(re.findall(r"\]\((figures/[^)]+)\)", text)) == {
        name.removeprefix("docs/") for name in figures
    }
    head = text.split("## ")[0]
    assert head.startswith("# Results\n\n**digits-lt, imbalance factor 40")
    assert head.count("balanced accuracy, ") == 2
    assert "| ours  | 1234.50" in text
    # What this project plans is no part of other people's pages.
    assert "## Not yet run" not in text
    assert make(root) == made
    # The folders one by one hold the same comparisons, but no measurements.
    make(root / "second", root / "first")
    assert page.read_text("utf-8") == text.partition("\n## Speed")[0]
    capsys.readouterr()
    assert main(["report", str(root), str(root / "first")]) == 2
    assert "both called 'first'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("5", "lacks command, environment"),
        ('{"rows": []}', "lacks command, environment"),
        ('{"command": "c", "environment": {}}', "rows or seconds"),
    ],
)
def test_files_that_are_no_measurements(content, message, copied, capsys):
    (copied / "speed.json").write_text(content)
    assert main(["report", str(copied)]) == 2
    assert message in capsys.readouterr().err


def test_every_name_is_escaped(copied):
    results = read(copied)
    names = ["<script>alert(1)</script>", "$\\frac{$", "漢字", '"><img src=x>', "a|b"]
    results["dataset"]["class_names"][: len(names)] = names
    results["methods"][1]["title"] = "<b>bold</b>"
    (copied / "results.json").write_text(json.dumps(results), "utf-8")
    assert main(["report", str(copied)]) == 0
    found = References((copied / "report.html").read_text("utf-8"))
    assert not found.elements & {"script", "b"}
    assert "x" not in found.references
    for name in names:
        assert name in found.text
    assert "<b>" not in (copied / "report.md").read_text("utf-8").split("##")[1]


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "is not JSON"), ("[]", "format 1"), ('{"format": 1}', "lacks command")],
)
def test_files_that_are_no_results(content, message, tmp_path, capsys):
    (tmp_path / "results.json").write_text(content)
    assert main(["report", str(tmp_path)]) == 2
    assert message in capsys.readouterr().err
