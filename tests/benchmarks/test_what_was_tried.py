import re

import pytest
import what_was_tried
from what_was_tried import BACKENDS, TRIALS

ENVIRONMENT = {
    "versions": {
        "python": "3.11.7",
        "keras": "3.15.1",
        **dict.fromkeys(BACKENDS, "1.2"),
    },
    "hardware": {"processor": "one", "cores": 2, "accelerators": []},
    "commit": "c" * 40,
    "code": "d" * 16,
}


def made_file(trial, backend, **changed):
    totals = {trial.tried[0]: 50_000, **dict.fromkeys(trial.found, 0), **changed}
    return {
        "command": f"KERAS_BACKEND={backend} python tests/{trial.name}.py --seed 0 "
        "--output 'a b/c.json'",
        "environment": ENVIRONMENT,
        "platform": "Linux-6",
        "totals": totals,
    }


def large_batches(lost=0):
    rows = [
        {"backend": backend, "mode": mode, "samples": 40_000_000, "lost": lost}
        for backend in BACKENDS
        for mode in ("eager", "eager", "compiled")
    ]
    environment = {**ENVIRONMENT, "platform": "Linux-6"}
    command = "python benchmarks/large_batches.py --samples 40000000"
    return {"command": command, "environment": environment, "rows": rows}


@pytest.fixture
def files():
    """The files of all trials, in which nothing is lost."""
    made = {
        f"{trial.name}-{backend}": made_file(trial, backend)
        for trial in TRIALS
        if trial.name != "large_batches"
        for backend in BACKENDS
    }
    return {**made, "large_batches": large_batches()}


def head_of(text):
    return text.split("\n\n")[1]


def cells_of(text, title):
    """The rows of the table below a heading, as lists of cells."""
    section = text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_where_nothing_was_run_the_page_says_so():
    text = what_was_tried.page({})
    assert head_of(text).startswith("**Not yet run:** fuzzed calls on tensorflow, jax ")
    assert "lost" not in head_of(text)
    for trial in TRIALS:
        for row in cells_of(text, trial.title)[2:]:
            assert row[1] == "not yet run"
            assert set(row[2:]) == {"–"}


def test_nothing_lost(files):
    text = what_was_tried.page(files)
    assert head_of(text) == (
        "**Nothing was lost** of 150,000 fuzzed calls, 150,000 kills, 150,000 damaged "
        "files, 150,000 hostile inputs and 120,000,000 samples of one batch."
    )
    for row in cells_of(text, "What was lost")[2:]:
        assert row[1:] == ["nothing"] * 3
    assert ["jax", "40,000,000", "3", "eager, compiled", "0"] in cells_of(
        text, "Large batches"
    )


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.name)
def test_what_is_lost_is_told(trial, files):
    if trial.name == "large_batches":
        files["large_batches"] = large_batches(lost=1)
        lost = 9
    else:
        changed = dict.fromkeys(trial.lost, 4)
        files[f"{trial.name}-jax"] = made_file(trial, "jax", **changed)
        lost = 4 * len(trial.lost)
    text = what_was_tried.page(files)
    assert head_of(text).startswith(f"**{lost} lost** of ")
    rows = {row[0]: row[1:] for row in cells_of(text, "What was lost")[2:]}
    one = rows.pop(trial.title.lower())
    assert one == (["3"] * 3 if lost == 9 else ["nothing", str(lost), "nothing"])
    assert all(row == ["nothing"] * 3 for row in rows.values())


def test_what_is_missing_is_told_beside_what_is_there(files):
    del files["kills-jax"], files["kills-torch"], files["large_batches"]
    text = what_was_tried.page(files)
    assert head_of(text).endswith(
        "**Not yet run:** kills on jax and torch; large batches on tensorflow, jax and "
        "torch."
    )
    assert " 50,000 kills," in head_of(text)
    assert [row[1] for row in cells_of(text, "Kills")[2:]] == [
        "50,000",
        "not yet run",
        "not yet run",
    ]


def test_platforms_are_those_of_the_files(files):
    files["fuzz-torch"]["platform"] = "Darwin-25"
    files["fuzz-torch"]["environment"] = {**ENVIRONMENT, "commit": None}
    _, _, *rows = cells_of(what_was_tried.page(files), "Platforms")
    assert [row[0] for row in rows] == ["jax 1.2", "tensorflow 1.2", *["torch 1.2"] * 2]
    assert rows[2][3:] == [
        "Darwin-25",
        "one, 2 cores, accelerators: none",
        "code " + "d" * 16,
        "fuzzed calls",
    ]
    assert rows[0][-1] == "fuzzed calls, kills, damaged files, hostile files, " + (
        "large batches"
    )


def test_commands_are_without_the_file_that_was_written(files):
    text = what_was_tried.page(files)
    assert "\nKERAS_BACKEND=jax python tests/kills.py --seed 0\n" in text
    assert "--output" not in text


def test_every_file_belongs_to_a_trial():
    names = {f"{trial.name}-{backend}" for trial in TRIALS for backend in BACKENDS}
    found = {re.sub(r"-\d+$", "", name) for name in what_was_tried.read_trials()}
    assert found <= names | {"large_batches"}


def test_parts_of_a_trial_are_added(files):
    (fuzz,) = (trial for trial in TRIALS if trial.name == "fuzz")
    del files["fuzz-jax"]
    for part, failures in enumerate((0, 2)):
        made = made_file(fuzz, "jax", malformed=7, failures=failures)
        made["command"] = made["command"].replace("--seed 0", f"--first {part}")
        files[f"fuzz-jax-{part}"] = made
    text = what_was_tried.page(files)
    rows = {row[0]: row[1:] for row in cells_of(text, "Fuzzed calls")}
    assert rows["jax"] == ["100,000", "14", "2"]
    for part in range(2):
        assert f"\nKERAS_BACKEND=jax python tests/fuzz.py --first {part}\n" in text


def test_every_trial_has_its_target():
    targets = (what_was_tried.ROOT / "Makefile").read_text("utf-8")
    for trial in TRIALS:
        if trial.make.startswith("make "):
            assert f"\n{trial.make.removeprefix('make ')}: " in targets
            for backend in BACKENDS:
                assert f"--output $(TRIED)/{trial.name}-{backend}.json\n" in targets
