import dataclasses
import json

import keras
import pytest

from keras_ccar.benchmark.runner.environment import hardware
from keras_ccar.benchmark.runner.request import CompareRequest
from keras_ccar.benchmark.runner.speed_settings import (
    SPEED_FILE,
    SpeedSettings,
    candidates,
    plan_key,
    read_choice,
    write_choice,
)
from keras_ccar.benchmark.runner.speed_trial import choose, estimate_seconds

BACKEND = keras.backend.backend()
PLAIN, XLA, ONE_THREAD, ONEDNN = (
    SpeedSettings(False),
    SpeedSettings(True),
    SpeedSettings(False, 1),
    SpeedSettings(False, onednn=True),
)
CHOICE = {
    "processes": 2,
    "chosen": {"jit_compile": True, "threads": None, "onednn": False},
    "measured": [
        {
            "jit_compile": False,
            "threads": None,
            "onednn": False,
            "images_per_second": 94.0,
        },
        {
            "jit_compile": True,
            "threads": None,
            "onednn": False,
            "images_per_second": None,
        },
    ],
}


@pytest.fixture(scope="module")
def plan():
    return CompareRequest("digits-lt", ["ce"], 1).build_plan()


def test_what_there_is_to_choose(plan, monkeypatch):
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    has_onednn = BACKEND == "tensorflow" and not hardware()["accelerators"]
    both = [PLAIN, XLA] if BACKEND == "tensorflow" else [PLAIN]
    if has_onednn:
        both.append(ONEDNN)
    assert candidates(plan, False, 1) == both
    assert candidates(plan, True, 1) == [PLAIN, ONEDNN] if has_onednn else [PLAIN]
    assert ONEDNN not in candidates(XLA.apply(plan), True, 1)
    cores = hardware()["cores"]
    if BACKEND == "torch" or cores == 1 or hardware()["accelerators"]:
        assert candidates(plan, False, 2) == both
        return
    share = max(1, cores // 2)
    shared = [dataclasses.replace(each, threads=share) for each in both]
    assert candidates(plan, False, 2) == both + shared


def test_what_the_environment_decides_is_no_choice(plan, monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    assert ONEDNN not in candidates(plan, False, 1)


def test_the_environment_of_a_choice():
    assert PLAIN.variables == {}
    assert ONEDNN.variables == {"TF_ENABLE_ONEDNN_OPTS": "1"}
    assert ONE_THREAD.variables == {"TF_NUM_INTRAOP_THREADS": "1", "NPROC": "1"}


def test_a_choice_is_kept_for_its_plan_alone(plan, tmp_path):
    assert read_choice(plan, tmp_path) is None
    write_choice(CHOICE, plan, tmp_path)
    assert read_choice(plan, tmp_path) == CHOICE
    # More seeds, and what was chosen, change nothing.
    more = dataclasses.replace(XLA.apply(plan), seeds=(0, 1))
    assert read_choice(more, tmp_path) == CHOICE
    longer = plan.recipe.with_settings(epochs=99)
    other = dataclasses.replace(plan, recipe=longer)
    assert plan_key(other) != plan_key(plan)
    assert read_choice(other, tmp_path) is None


@pytest.mark.parametrize("damage", ["cut", "field", "value"])
def test_a_damaged_choice_is_made_again(damage, plan, tmp_path):
    write_choice(CHOICE, plan, tmp_path)
    path = tmp_path / SPEED_FILE
    content = json.loads(path.read_text("utf-8"))
    if damage == "cut":
        text = path.read_text("utf-8")[:40]
    elif damage == "field":
        text = json.dumps({"plan": content["plan"]})
    else:
        text = path.read_text("utf-8").replace("94.0", "95.0")
    path.write_text(text, "utf-8")
    with pytest.warns(UserWarning, match=f"chosen again: .*{SPEED_FILE}"):
        assert read_choice(plan, tmp_path) is None


def test_the_fastest_is_chosen_if_it_gains_enough():
    assert choose({PLAIN: 94.0, XLA: 138.0}, PLAIN) == XLA
    assert choose({PLAIN: 94.0, XLA: 98.0}, PLAIN) == PLAIN
    assert choose({PLAIN: 94.0, XLA: 90.0}, PLAIN) == PLAIN
    assert choose({PLAIN: 140.0, XLA: 140.0, ONE_THREAD: 170.0}, XLA) == ONE_THREAD
    # What was not measured in time is not chosen, and nothing is chosen over it.
    assert choose({PLAIN: 94.0, XLA: None}, PLAIN) == PLAIN
    assert choose({PLAIN: 94.0, XLA: None}, XLA) == XLA
    assert choose({PLAIN: None, XLA: None}, XLA) == XLA


def test_how_long_a_plan_takes(plan):
    minute = estimate_seconds(plan)
    assert 0 < minute < 60
    tuned = plan.recipe.with_settings(epochs=plan.recipe.epochs * 100)
    longer = dataclasses.replace(plan, recipe=tuned)
    assert estimate_seconds(longer) == pytest.approx(100 * minute)
    methods = CompareRequest("digits-lt", ["ce", "ccar"], 5).build_plan()
    assert estimate_seconds(methods) == pytest.approx(10 * minute)
