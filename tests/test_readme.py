"""The README's code runs, and its numbers are those of the result files."""

import json
import pathlib
import re
import statistics

import pytest
from code_blocks import code_blocks, run

ROOT = pathlib.Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
RESULTS = ROOT / "benchmarks" / "results"
RUNS = json.loads((RESULTS / "digits-lt" / "results.json").read_text())["runs"]
COLUMNS = ("balanced", "many", "medium", "few", "ece")
ROWS = {
    "cross-entropy": "ce",
    "Balanced Softmax": "bs",
    "CCAR": "ccar",
    "CCAR + logit adjustment": "ccar+la",
}


def scores(method, column):
    return [run[column] for run in RUNS if run["method"] == method]


def test_code_runs():
    assert len(code_blocks(README)) == 2
    run(README, "README.md")


def test_links_lead_somewhere():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert links
    for link in links:
        assert (ROOT / link).exists(), link


@pytest.mark.parametrize("title", ROWS)
def test_table_is_that_of_the_results(title):
    row = next(line for line in README.splitlines() if line.startswith(f"| {title} |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")][1:]
    for cell, column in zip(cells, COLUMNS, strict=True):
        values = scores(ROWS[title], column)
        mean, deviation = statistics.mean(values), statistics.stdev(values)
        assert cell == f"{mean:.1f} ± {deviation:.1f}", column


@pytest.mark.parametrize("method", ["bs", "ccar", "ccar+la"])
def test_differences_are_those_of_the_results(method):
    difference = statistics.mean(
        a - b
        for a, b in zip(
            scores(method, "balanced"), scores("ce", "balanced"), strict=True
        )
    )
    assert f"{difference:+.1f}".replace("-", "−") in README


def test_quotes_no_ratio_of_speed_of_one_kind_of_processor():
    files = [json.loads(path.read_text()) for path in RESULTS.glob("*loss_speed*.json")]
    processors = {file["environment"]["hardware"]["processor"] for file in files}
    section = README.partition("\n## Speed\n")[2].partition("\n## ")[0]
    assert section.strip()
    if len(processors) < 2:
        assert not re.search(r"\d[.]\d|times as (long|fast)", section)
