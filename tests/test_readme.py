"""The README's code runs, and its numbers are those of the result files."""

import json
import pathlib
import re
import statistics

import pytest
from code_blocks import examples, run

ROOT = pathlib.Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
RESULTS = ROOT / "benchmarks" / "results"
RUNS = json.loads((RESULTS / "digits-lt" / "results.json").read_text())["runs"]
AFTER = json.loads(
    (RESULTS / "after-training" / "cifar100-lt-if100.json").read_text("utf-8")
)
METHODS = {
    "cross-entropy reaches a balanced accuracy of": "ce",
    "logit adjustment": "bs",  # which it is at τ = 1, so that both have one run
    "CCAR with logit adjustment": "ccar+la",
}


@pytest.mark.slow
def test_code_runs_and_prints_what_it_says():
    told = [example.printed for example in examples(README)]
    assert len(told) == 2
    assert all(told)
    run(README, "README.md")


def test_links_lead_somewhere():
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert links
    for link in links:
        assert (ROOT / link).exists(), link


@pytest.mark.parametrize("words", METHODS)
def test_numbers_are_those_of_the_results(words):
    values = [run["balanced"] for run in RUNS if run["method"] == METHODS[words]]
    assert f"{words} {statistics.mean(values):.1f} %" in README


@pytest.mark.parametrize("method", ["cross-entropy", "τ chosen"])
def test_the_gain_is_that_of_the_results(method):
    rows = [row for seed in AFTER["seeds"] for row in seed["rows"]]
    values = [row["balanced"] for row in rows if row["method"] == method]
    assert f"{statistics.mean(values):.1f}" in README.partition("## Install")[0]
