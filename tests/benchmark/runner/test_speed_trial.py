"""The trial at the start of a long plan, with real processes."""

import json
import os

import keras
import pytest
from small_comparison import compare, read, run_files

from keras_ccar.benchmark.runner import speed_trial
from keras_ccar.benchmark.runner.request import CompareRequest
from keras_ccar.benchmark.runner.speed_settings import SPEED_FILE, write_choice

SHORT = ("--seeds", "1", "--epochs", "1")
IS_TENSORFLOW = keras.backend.backend() == "tensorflow"


@pytest.fixture
def long(monkeypatch):
    """Has every plan count as long."""
    monkeypatch.setattr(speed_trial, "_SECONDS_OF_LONG_PLAN", 0.0)
    monkeypatch.setattr(speed_trial, "_SECONDS_OF_CHOICE", 0.2)
    # On a machine that does much else, processes take long to begin.
    monkeypatch.setattr(speed_trial, "_SECONDS_OF_TRIAL", 300.0)


def choose_beforehand(folder, **chosen):
    """Writes the choice of a trial that was made before."""
    settings = {"epochs": 1, "batch_size": 100}
    request = CompareRequest("digits-lt", ["ce"], 1, recipe_settings=settings)
    folder.mkdir()
    choice = {"processes": 1, "chosen": chosen, "measured": []}
    write_choice(choice, request.build_plan(), folder)


@pytest.mark.slow
@pytest.mark.skipif(not IS_TENSORFLOW, reason="nothing to choose")
def test_what_is_fastest_is_measured_once_and_kept(long, tmp_path, capsys):
    assert compare(tmp_path, *SHORT, methods=["ce"]) == 0
    results = read(tmp_path)
    speed = results["speed"]
    measured = {
        (each["jit_compile"], each["onednn"]): each for each in speed["measured"]
    }
    assert {(False, False), (True, False)} <= set(measured)
    assert all(each["images_per_second"] > 0 for each in measured.values())
    chosen = speed["chosen"]["jit_compile"]
    assert results["recipe"]["jit_compile"] == chosen
    flag = "--jit-compile" if chosen else "--no-jit-compile"
    assert f" {flag} --fixed-speed-settings " in results["command"]
    is_onednn = "TF_ENABLE_ONEDNN_OPTS=1 keras-ccar" in results["command"]
    assert is_onednn == speed["chosen"]["onednn"]
    assert "Speed: chosen by measuring" in (tmp_path / "report.md").read_text("utf-8")
    assert "Measuring for up to a minute" in capsys.readouterr().out

    before = run_files(tmp_path)
    kept = (tmp_path / SPEED_FILE).read_bytes()
    assert compare(tmp_path, *SHORT, "--parallel", "2", methods=["ce", "bs"]) == 0
    assert "Measuring" not in capsys.readouterr().out
    assert (tmp_path / SPEED_FILE).read_bytes() == kept
    after = run_files(tmp_path)
    assert {name: after[name] for name in before} == before
    assert len(after) == 2
    assert read(tmp_path)["speed"] == speed


@pytest.mark.slow
@pytest.mark.skipif(not IS_TENSORFLOW, reason="nothing to choose")
def test_an_earlier_choice_is_used_unless_it_is_overruled(tmp_path):
    folder = tmp_path / "chosen"
    choose_beforehand(folder, jit_compile=True, threads=None, onednn=False)
    plain = tmp_path / "plain"
    for target in (folder, plain):
        assert compare(target, *SHORT, methods=["ce"]) == 0
    assert read(folder)["recipe"]["jit_compile"] is True
    assert read(plain)["recipe"]["jit_compile"] is False
    assert read(plain)["speed"] == {}
    for flags in (["--no-jit-compile"], ["--fixed-speed-settings"]):
        assert compare(folder, *SHORT, *flags, methods=["ce"]) == 0
        assert read(folder)["recipe"]["jit_compile"] is False
    assert "--fixed-speed-settings" in read(folder)["command"]
    assert read(folder)["runs"][0]["id"] == read(plain)["runs"][0]["id"]


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="no choice of threads")
def test_a_number_of_threads_is_kept_by_a_run_alone(tmp_path):
    folder = tmp_path / "chosen"
    choose_beforehand(folder, jit_compile=False, threads=1, onednn=False)
    assert compare(folder, *SHORT, methods=["ce"]) == 0
    results = read(folder)
    assert results["runs"][0]["status"] == "finished"
    assert "TF_NUM_INTRAOP_THREADS=1 NPROC=1 keras-ccar" in results["command"]


@pytest.mark.skipif(not IS_TENSORFLOW, reason="oneDNN is TensorFlow's")
def test_convolutions_of_onednn_are_kept_by_a_run_alone(tmp_path, monkeypatch):
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    folder = tmp_path / "chosen"
    choose_beforehand(folder, jit_compile=False, threads=None, onednn=True)
    assert compare(folder, *SHORT, methods=["ce"]) == 0
    results = read(folder)
    assert results["runs"][0]["status"] == "finished"
    assert "TF_ENABLE_ONEDNN_OPTS=1 keras-ccar" in results["command"]
    report = (folder / "report.md").read_text("utf-8")
    assert "without XLA, with oneDNN" in report
    # This process stays as it is.
    assert "TF_ENABLE_ONEDNN_OPTS" not in os.environ


@pytest.mark.slow
def test_short_plans_and_plans_that_have_begun_measure_nothing(
    long, copied, monkeypatch
):
    before = run_files(copied)
    # It has results that were trained without a choice.
    assert compare(copied) == 0
    assert run_files(copied) == before
    assert not (copied / SPEED_FILE).exists()
    monkeypatch.undo()
    assert compare(copied, "--epochs", "1", "--seeds", "1") == 0
    assert not (copied / SPEED_FILE).exists()
    assert json.loads((copied / "results.json").read_text())["speed"] == {}
