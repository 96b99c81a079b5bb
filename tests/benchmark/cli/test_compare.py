import csv
import json
import os
import re
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from small_comparison import (
    FIGURES,
    METHODS,
    SETTINGS,
    compare,
    outcomes,
    read,
    run_files,
)

import keras_ccar
from keras_ccar import datasets
from keras_ccar.benchmark.cli import main
from keras_ccar.benchmark.spec.methods import METHODS as ALL_METHODS


def test_the_folder_holds_everything_and_nothing_unfinished(finished):
    names = {path.name for path in finished.iterdir()}
    assert names == FIGURES | {
        "report.html",
        "report.md",
        "results.csv",
        "results.json",
        "runs",
    }
    for name in FIGURES:
        assert (finished / name).read_bytes().startswith(b"\x89PNG")


def test_csv_has_one_row_a_run(finished):
    with open(finished / "results.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:13] == [
        "dataset",
        "imbalance_factor",
        "recipe",
        "method",
        "seed",
        "epochs",
        "top1",
        "balanced",
        "many",
        "medium",
        "few",
        "ece",
        "seconds",
    ]
    assert [(row["method"], row["seed"]) for row in rows] == [
        ("ce", "0"),
        ("ccar", "0"),
        ("ce", "1"),
        ("ccar", "1"),
    ]
    for row, run in zip(rows, read(finished)["runs"], strict=True):
        assert (row["dataset"], row["recipe"]) == ("digits-lt", "digits")
        assert (row["epochs"], row["imbalance_factor"]) == ("2", "40.0")
        assert float(row["balanced"]) == pytest.approx(run["balanced"], abs=1e-3)
        assert 10 < float(row["many"]) <= 100


def test_json_tells_how_the_results_came_about(finished):
    results = read(finished)
    data = datasets.load("digits-lt")
    assert results["dataset"]["digest"] == data.digest
    assert results["dataset"]["class_counts"] == data.class_counts.tolist()
    assert results["seeds"] == [0, 1]
    assert results["recipe"]["batch_size"] == 100
    environment = results["environment"]
    assert environment["backend"] == keras.backend.backend()
    assert environment["versions"]["keras_ccar"] == keras_ccar.__version__
    assert environment["versions"]["keras"] == keras.__version__
    assert environment["hardware"]["cores"] >= 1
    assert "commit" in environment
    for run in results["runs"]:
        assert len(run["per_class_accuracy"]) == 10
        assert np.mean(run["per_class_accuracy"]) == pytest.approx(run["balanced"])
        assert np.shape(run["history"]["confidence"]) == (2, 10)


def test_the_recorded_command_makes_the_same_runs_again(copied, monkeypatch, capsys):
    command = read(copied)["command"].split()
    assert command[:2] == [f"KERAS_BACKEND={keras.backend.backend()}", "keras-ccar"]
    assert command[-2:] == ["--output", "finished0"]
    before = run_files(copied)
    assert main([*command[2:-1], str(copied)]) == 0
    assert run_files(copied) == before
    assert "4 of 4 runs are finished already" in capsys.readouterr().out


def test_what_is_finished_is_not_trained_again(copied):
    before, results = run_files(copied), (copied / "results.json").read_bytes()
    (copied / "report.html").unlink()
    assert compare(copied) == 0
    assert run_files(copied) == before
    assert read(copied)["runs"] == json.loads(results)["runs"]
    assert (copied / "report.html").exists()


def test_a_run_with_another_setting_is_another_run(copied):
    before = run_files(copied)
    assert compare(copied, "--strength", "0.5") == 0
    after = run_files(copied)
    assert set(before) < set(after)
    # The strength is a setting of CCAR: cross-entropy is not trained again.
    added = set(after) - set(before)
    assert sorted(name.split("-")[0] for name in added) == ["ccar", "ccar"]


def test_methods_and_seeds_are_added_to_what_there_is(copied):
    before = read(copied)
    assert compare(copied, "--seeds", "1", methods=["bs"]) == 0
    after = read(copied)
    assert [method["name"] for method in after["methods"]] == ["ce", "ccar", "bs"]
    assert after["seeds"] == [0, 1]
    runs = {(run["seed"], run["method"]): run for run in after["runs"]}
    assert list(runs) == [(0, "ce"), (0, "ccar"), (0, "bs"), (1, "ce"), (1, "ccar")]
    for run in before["runs"]:
        assert runs[run["seed"], run["method"]] == run
    with open(copied / "results.csv", newline="") as file:
        rows = [(int(row["seed"]), row["method"]) for row in csv.DictReader(file)]
    assert rows == list(runs)
    assert "Balanced Softmax" in (copied / "report.md").read_text("utf-8")
    assert "--methods ce ccar bs --seeds 2 " in after["command"]
    assert not (copied / "earlier").exists()


def test_what_was_planned_and_never_trained_does_not_stay(copied):
    results = read(copied)
    # As if Ctrl-C had been pressed after the first run.
    results["runs"] = results["runs"][1:2]
    (copied / "results.json").write_text(json.dumps(results), "utf-8")
    assert compare(copied, "--seeds", "1", methods=["bs"]) == 0
    after = read(copied)
    assert [method["name"] for method in after["methods"]] == ["ccar", "bs"]
    assert after["seeds"] == [0]
    assert "--methods ccar bs --seeds 1 " in after["command"]


@pytest.mark.slow
def test_another_comparison_puts_the_results_there_are_aside(copied, capsys):
    def files(folder):
        return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}

    first = files(copied)
    for number, factor in ((1, "20"), (2, "10")):
        before = files(copied)
        more = ("--imbalance-factor", factor, "--seeds", "1", "--epochs", "1")
        assert compare(copied, *more, methods=["ce"]) == 0
        aside = copied / "earlier" / str(number)
        assert f"is in {aside} now" in capsys.readouterr().out
        assert files(aside) == before
        assert read(copied)["dataset"]["imbalance_factor"] == float(factor)
        assert [run["method"] for run in read(copied)["runs"]] == ["ce"]
    assert files(copied / "earlier" / "1") == first
    assert main(["report", str(copied / "earlier")]) == 0


@pytest.mark.parametrize("damage", ["code", "recipe"])
def test_results_of_other_code_are_put_aside(copied, damage):
    results = read(copied)
    if damage == "code":
        results["environment"]["code"] = "another"
    else:  # An earlier version had fewer settings.
        del results["recipe"]["image_size"]
    (copied / "results.json").write_text(json.dumps(results), "utf-8")
    assert compare(copied, "--seeds", "1", methods=["ce"]) == 0
    assert read(copied / "earlier" / "1") == results
    assert [run["method"] for run in read(copied)["runs"]] == ["ce"]


def test_a_damaged_run_is_trained_again(copied):
    expected = outcomes(copied)
    victim = next((copied / "runs").glob("ce-seed1-*.json"))
    victim.write_text(victim.read_text()[:100])
    with pytest.warns(UserWarning, match=f"trained again: {victim} is not JSON"):
        assert compare(copied) == 0
    assert outcomes(copied) == expected


def test_a_failed_run_is_recorded_and_the_others_go_on(tmp_path, capsys):
    # Weights as large as exp(10000 * ...) leave no number in the loss or the network.
    assert compare(tmp_path, "--strength", "1e4", "--seeds", "1") == 1
    ce, ccar = read(tmp_path)["runs"]
    assert ce["status"] == "finished"
    assert ccar["status"] == "failed"
    assert ccar["error"].startswith("FloatingPointError: the ")
    assert "try a smaller learning rate" in ccar["error"]
    assert "Failed: ccar, seed 0: FloatingPointError" in capsys.readouterr().out
    assert "## Failed runs" in (tmp_path / "report.md").read_text("utf-8")
    with open(tmp_path / "results.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["status"], row["top1"] == "") for row in rows] == [
        ("finished", False),
        ("failed", True),
    ]
    # It is tried again, the finished one is not.
    before = run_files(tmp_path)
    assert compare(tmp_path, "--strength", "1e4", "--seeds", "1") == 1
    after = run_files(tmp_path)
    assert [name for name in before if after[name] != before[name]] == [
        name for name in before if name.startswith("ccar")
    ]


@pytest.mark.slow
def test_controls_take_over_what_other_runs_decided(tmp_path):
    methods = ("ce-tuned", "cexc[strength=2]", "ccar[strength=2.0]")
    assert compare(tmp_path, "--seeds", "1", methods=methods) == 0
    results = read(tmp_path)
    names = ["ce-tuned", "ce×c[strength=2]", "ccar[strength=2]"]
    assert [method["name"] for method in results["methods"]] == names
    runs = {run["method"]: run for run in results["runs"]}
    assert set(runs) == set(names)
    ccar, control, tuned = (runs[name] for name in reversed(names))
    assert control["scale"] == ccar["mean_weight"]
    assert control["mean_weight"] == pytest.approx(ccar["mean_weight"], rel=1e-6)
    tried = {each["learning_rate"]: each for each in tuned["tried"]}
    assert len(tried) == 4
    best = max(tried, key=lambda rate: tried[rate]["validation_balanced"])
    assert tuned["learning_rate"] == best
    # The runs that tried are kept like any other, and none is in the tables.
    assert len(run_files(tmp_path)) == 3 + 4
    before = run_files(tmp_path)
    assert compare(tmp_path, "--seeds", "1", methods=methods) == 0
    assert run_files(tmp_path) == before


@pytest.mark.slow
def test_every_method_has_its_own_learning_rate(tmp_path, capsys):
    more = ("--seeds", "1", "--epochs", "1", "--tune-learning-rate")
    assert compare(tmp_path, *more) == 0
    results = read(tmp_path)
    assert results["recipe"]["tune_learning_rate"] is True
    assert "--tune-learning-rate" in results["command"]
    for run in results["runs"]:
        tried = {each["learning_rate"]: each for each in run["tried"]}
        assert sorted(tried) == pytest.approx([0.025, 0.05, 0.1, 0.2])
        best = max(tried, key=lambda rate: tried[rate]["validation_balanced"])
        assert run["learning_rate"] == best
    with open(tmp_path / "results.csv", newline="") as file:
        rates = [float(row["learning_rate"]) for row in csv.DictReader(file)]
    assert rates == [run["learning_rate"] for run in results["runs"]]
    assert "Learning rates chosen" in (tmp_path / "report.md").read_text("utf-8")
    before = run_files(tmp_path)
    assert len(before) == 2 * (1 + 4)
    assert compare(tmp_path, *more, "--parallel", "2") == 0
    assert run_files(tmp_path) == before
    # Without it, it is another comparison.
    capsys.readouterr()
    assert compare(tmp_path, *more[:-1], methods=["ce"]) == 0
    assert "of another comparison" in capsys.readouterr().out


@pytest.mark.slow
def test_every_method_trains_once_and_is_in_the_results(tmp_path):
    def train_all():
        arguments = ("--seeds", "1", "--epochs", "1")
        assert compare(tmp_path, *arguments, methods=ALL_METHODS) == 0
        results = read(tmp_path)
        # At τ = 1, Balanced Softmax and logit adjustment are the same.
        expected = [name for name in ALL_METHODS if name not in ("la", "ccar+bs")]
        assert [method["name"] for method in results["methods"]] == expected
        runs = [(run["method"], run["status"]) for run in results["runs"]]
        assert runs == [(name, "finished") for name in expected]
        return run_files(tmp_path)

    assert train_all() == train_all()


@pytest.mark.slow
def test_ctrl_c_keeps_finished_runs_and_the_same_command_goes_on(finished, tmp_path):
    # A shell that starts the tests in the background has SIGINT ignored.
    command = (
        "import signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from keras_ccar.benchmark.cli import main\n"
        "sys.exit(main())"
    )
    arguments = ["compare", "digits-lt", "--methods", *METHODS, *SETTINGS]
    process = subprocess.Popen(
        [sys.executable, "-c", command, *arguments, "--output", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    runs = tmp_path / "runs"
    deadline = time.monotonic() + 120
    while not (runs.is_dir() and list(runs.glob("*.json"))):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    message = re.search(r"Stopped\. (\d) of 4 runs are finished and kept in", output)
    assert message, output
    kept = run_files(tmp_path)
    assert len(kept) == int(message[1])
    assert 1 <= len(kept) < 4
    assert not [name for name in os.listdir(runs) if name.endswith(".tmp")]

    assert compare(tmp_path) == 0
    after = run_files(tmp_path)
    assert {name: after[name] for name in kept} == kept
    assert outcomes(tmp_path) == outcomes(finished)


@pytest.mark.slow
def test_real_cifar_runs_to_its_report(tmp_path):
    try:
        datasets.load("cifar100-lt", imbalance_factor=500)
    except (FileNotFoundError, ModuleNotFoundError) as error:
        pytest.skip(f"CIFAR-100 is not prepared: {error}")
    arguments = ["compare", "cifar100-lt", "--imbalance-factor", "500", "--model"]
    arguments += ["resnet8", "--epochs", "1", "--seeds", "1", "--methods", "ccar"]
    # A third of the epoch, in less time than XLA would compile for.
    arguments += ["--batch-size", "64", "--limit-batches", "40", "--no-jit-compile"]
    assert main([*arguments, "--output", str(tmp_path)]) == 0
    results = read(tmp_path)
    assert results["recipe"]["name"] == "plain"
    (run,) = results["runs"]
    assert run["top1"] > 1
    assert len(run["per_class_accuracy"]) == 100
    assert "Not compared here" in (tmp_path / "report.md").read_text("utf-8")


def test_a_warm_up_that_was_asked_for_stays_as_long(tmp_path):
    steps = ("--steps", "12", "--warmup-epochs", "2", "--seeds", "1")
    arguments = ["compare", "digits-lt", "--methods", "ce", "--batch-size", "100"]
    assert main([*arguments, *steps, "--output", str(tmp_path)]) == 0
    # 359 examples are 4 steps an epoch.
    recipe = read(tmp_path)["recipe"]
    assert (recipe["epochs"], recipe["warmup_epochs"]) == (3, 2)
