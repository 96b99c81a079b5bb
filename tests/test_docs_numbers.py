"""README and docs quote no number that the files of results do not hold."""

import json
import pathlib
import re
import subprocess

import after_training_page
import many_classes_page
import pretrained_page
import published_code_page
import pytest
import speed_page
import test_matrix_page
import what_was_tried
import yes_or_no_page
from results_page import page_text, shown

from keras_ccar.benchmark.comparison import Comparison, comparison_folders
from keras_ccar.benchmark.report.figures.all_figures import FIGURES
from keras_ccar.benchmark.report.measurements import read_measurements
from keras_ccar.benchmark.report.page import page
from keras_ccar.benchmark.report.write import markdown

ROOT = pathlib.Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "results.md"
MADE = {
    PAGE,
    what_was_tried.PAGE,
    yes_or_no_page.PAGE,
    many_classes_page.PAGE,
    after_training_page.PAGE,
    pretrained_page.PAGE,
    speed_page.PAGE,
    published_code_page.PAGE,
    test_matrix_page.PAGE,
}
TEXTS = [ROOT / "README.md", *sorted(set((ROOT / "docs").rglob("*.md")) - MADE)]
COMPARISONS = {folder.name: folder for folder in comparison_folders(RESULTS)}
MEASUREMENTS = read_measurements(RESULTS)

# Settings are written as code or as `name = value`; versions follow a name.
NOT_MEASURED = re.compile(
    r"```.*?```|`[^`]*`|\]\([^)]*\)|<!--.*?-->"
    r"|arXiv:? ?\d{4}\.\d{5}|95 % (?:confidence )?interval"
    r"|[=≥≤<>] ?[+−-]?\d[\d.,]*"
    r"|\b(?:Python|Keras|TensorFlow|JAX|torch|PyTorch|NumPy|version) \d+(?:\.\d+)*",
    re.DOTALL,
)
UNIT = r" ?(?:%|±|points?\b|times\b|×|images\b|ms\b|seconds\b|minutes\b)"
NUMBER = re.compile(
    rf"(?<![\w.])(?<!\w-)[+−-]?(?:\d[\d,]*\.\d+|\d[\d,]*(?={UNIT}))(?![\w.]*\d)"
)


def git(*arguments):
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_results_name_commits_that_can_be_looked_up():
    whole = git("rev-parse", "--is-shallow-repository").stdout.strip() == "false"
    if not whole or not (ROOT / ".git").exists():
        pytest.skip("no history here")
    files = [*RESULTS.glob("*.json"), *RESULTS.glob("*/results.json")]
    files += what_was_tried.TRIED.glob("*.json")
    files += RESULTS.glob("speed/*/*.json")
    files += RESULTS.glob("yes-or-no/runs.json")
    files += RESULTS.glob("many-classes/runs.json")
    files += RESULTS.glob("after-training/*.json")
    files += RESULTS.glob("pretrained/*.json")
    files += RESULTS.glob("versions/*.json")
    assert len(files) > 2
    for path in files:
        results = json.loads(path.read_text("utf-8"))
        # One file has an environment for each backend.
        parts = [results] if "environment" in results else results.values()
        for part in parts:
            commit = part["environment"]["commit"]
            known = git("merge-base", "--is-ancestor", commit, "HEAD")
            assert not known.returncode, f"{path.name} names {commit}: {known.stderr}"


def as_number(text):
    return float(text.replace("−", "-").replace(",", ""))


def quoted(text):
    """The numbers of a text that look measured, as they are written."""
    return NUMBER.findall(NOT_MEASURED.sub(" ", text))


def leaves(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [leaf for item in value for leaf in leaves(item)]
    return [value] if isinstance(value, int | float) else []


def evidence():
    """Every number of the published page and reports, and of the measurements."""
    texts = [*MADE, *(folder / "report.md" for folder in COMPARISONS.values())]
    numbers = []
    for path in texts:
        # Names and digests hold digits too, but no points and no units.
        found = re.findall(r"[+−]?\d+\.\d+|\d+(?= %)", path.read_text("utf-8"))
        numbers += map(as_number, found)
    return [*numbers, *leaves(MEASUREMENTS)]


def unfounded(text, numbers):
    """The numbers of a text that round to none of the others."""
    missing = []
    for word in quoted(text):
        value = as_number(word)
        digits = len(word.partition(".")[2])
        # The evidence is rounded too, to two digits.
        reach = 0.5 * 10**-digits + 0.005
        signed = word[0] in "+−-"
        near = [n if signed else abs(n) for n in numbers]
        if not any(abs(value - n) <= reach for n in near):
            missing.append(word)
    return missing


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_numbers_are_those_of_the_results(path):
    missing = unfounded(path.read_text("utf-8"), evidence())
    assert not missing, (
        f"{path.name} quotes {missing}, which no file of benchmarks/results holds. "
        "Quote what `make results` wrote to docs/results.md; write a setting as code "
        "or as `name = value`."
    )


def test_the_readme_quotes_numbers():
    assert len(quoted((ROOT / "README.md").read_text("utf-8"))) >= 4


def test_a_number_from_nowhere_is_found():
    numbers = [-0.76, 83.80, 0.971]
    told = "It reached 83.8 % (−0.8 points), 0.97 times as long, with `lr=0.3`."
    assert quoted(told) == ["83.8", "−0.8", "0.97"]
    assert unfounded(told, numbers) == []
    assert unfounded("It reached 84.2 %, +0.8 points, in 12 minutes.", numbers) == [
        "84.2",
        "+0.8",
        "12",
    ]
    assert quoted("Keras 3.15 on Python 3.11, arXiv 2601.15924, ω = 0.75") == []


def drawn(folder):
    return [name for name in FIGURES if (folder / name).exists()]


@pytest.mark.slow
def test_the_page_is_what_the_files_give():
    results = {name: Comparison.read(folder) for name, folder in COMPARISONS.items()}
    names = {name: drawn(PAGE.parent / "figures" / name) for name in COMPARISONS}
    expected = page(shown(results), names, MEASUREMENTS, page_text(results.values()))
    assert PAGE.read_text("utf-8") == expected, (
        "docs/results.md is not what benchmarks/results gives: run `make results`."
    )


def test_the_page_on_speed_is_what_the_files_give():
    expected = speed_page.page(speed_page.read_speed())
    assert speed_page.PAGE.read_text("utf-8") == expected, (
        "docs/speed.md is not what benchmarks/results/speed gives: run `make results`."
    )


def test_the_page_of_trials_is_what_the_files_give():
    expected = what_was_tried.page(what_was_tried.read_trials())
    assert what_was_tried.PAGE.read_text("utf-8") == expected, (
        "docs/what-was-tried.md is not what benchmarks/results/tried gives: run "
        "`make results`."
    )


@pytest.mark.slow
def test_the_page_on_many_classes_is_what_its_file_gives(tmp_path):
    written = tmp_path / "many-classes.md"
    many_classes_page.write_page(path=written)
    assert many_classes_page.PAGE.read_text("utf-8") == written.read_text("utf-8"), (
        "docs/many-classes-results.md is not what benchmarks/results gives: run "
        "`make results`."
    )


def test_the_page_on_yes_or_no_is_what_its_file_gives(tmp_path):
    written = tmp_path / "page.md"
    yes_or_no_page.write_page(path=written)
    assert yes_or_no_page.PAGE.read_text("utf-8") == written.read_text("utf-8"), (
        "docs/yes-or-no.md is not what benchmarks/results gives: run `make results`."
    )


def test_the_page_on_what_follows_training_is_what_its_file_gives(tmp_path):
    written = tmp_path / "page.md"
    after_training_page.write_page(path=written)
    assert after_training_page.PAGE.read_text("utf-8") == written.read_text("utf-8"), (
        "docs/after-training-results.md is not what benchmarks/results gives: run "
        "`make results`."
    )


def test_the_page_on_pretrained_features_is_what_the_files_give():
    expected = pretrained_page.page(
        pretrained_page.read_all(), pretrained_page.read_probe()
    )
    assert pretrained_page.PAGE.read_text("utf-8") == expected, (
        "docs/pretrained-results.md is not what benchmarks/results gives: run "
        "`make results`."
    )


@pytest.mark.parametrize("name", COMPARISONS)
def test_the_report_is_what_the_file_gives(name):
    folder = COMPARISONS[name]
    results = Comparison.read(folder)
    expected = markdown(results, drawn(folder))
    assert (folder / "report.md").read_text("utf-8") == expected
    # What the page shows is what lies beside the numbers.
    for figure in drawn(PAGE.parent / "figures" / name):
        on_page = PAGE.parent / "figures" / name / figure
        assert on_page.read_bytes() == (folder / figure).read_bytes()


def test_every_figure_of_the_page_is_there_and_no_other():
    links = re.findall(r"\]\((figures/[^)]+)\)", PAGE.read_text("utf-8"))
    assert links
    there = (PAGE.parent / "figures").glob("*/*.png")
    found = {path.relative_to(PAGE.parent).as_posix() for path in there}
    assert found == set(links)


def test_measurements_are_strict_json():
    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    for name in MEASUREMENTS:
        json.loads((RESULTS / name).read_text("utf-8"), parse_constant=refuse)
