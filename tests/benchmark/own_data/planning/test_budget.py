"""What fits into a budget, and that the decision is kept."""

import pytest
from own_data import answers, classes, compare, network

from keras_ccar.benchmark.own_data.planning import budget
from keras_ccar.benchmark.own_data.planning.budget import Fit, Speed, choose
from keras_ccar.files import read_json

# Of one method: 1 s to begin, 10 steps of 0.1 s an epoch, 2 s to measure.
SPEED = Speed(1.0, 0.1, 2.0)
FIT = Fit(1, 2, "")
ONE = {"num_trained": 1, "num_derived": 0, "steps": 10, "seeds": 5, "epochs": 7}


@pytest.mark.parametrize(
    ("time_given", "seeds", "epochs"),
    [
        (1000, 5, 7),  # 10 s a seed
        (50, 5, 7),
        (49, 4, 7),
        (30, 3, 7),
        (29, 3, 6),  # epochs go before seeds that an interval needs
        (12, 3, 1),
        (11, 2, 2),
        (8, 2, 1),
        (7, 1, 4),
        (4, 1, 1),
        (0.5, 1, 1),
    ],
)
def test_seeds_and_epochs_that_fit(time_given, seeds, epochs):
    found = choose(time_given, SPEED, **ONE)
    assert (found.seeds, found.epochs) == (seeds, epochs)
    is_too_small = "too small" in found.note
    assert is_too_small == (seeds * (3 + epochs) > time_given)


def test_methods_share_the_budget():
    both = choose(100, SPEED, **{**ONE, "num_trained": 4})
    assert both.seeds == 3  # 40 s a seed, for three seeds 33 s: 5 epochs
    assert both.epochs == 5
    derived = choose(100, SPEED, **{**ONE, "num_derived": 3})
    assert derived.seeds == 4  # 10 s + 3 * 5 s a seed


def test_the_second_stage_counts():
    # 10 s + 5 s of what takes its models + 20 s of a second stage.
    stages = {"num_derived": 1, "num_retrained": 1}
    found = choose(100, SPEED._replace(second_stage=20.0), **{**ONE, **stages})
    assert (found.seeds, found.epochs) == (3, 5)  # 28 s a seed, and 1 s an epoch


@pytest.mark.slow
def test_the_second_stage_is_measured(tmp_path, monkeypatch):
    """What is planned for cRT is about what its training then takes."""
    told = []
    monkeypatch.setattr(budget, "choose", lambda *a, **k: told.append((a, k)) or FIT)
    found, _ = compare(
        tmp_path,
        train=classes(counts=(4000, 2000, 1000)),
        losses=["ce"],
        budget=600,
    )
    ((_, speed), counted) = told[0]
    assert counted["num_retrained"] == 1
    taken = [run["seconds"] for run in found.finished_runs("ce+crt")]
    planned = speed.begin + 2 * speed.end + speed.second_stage
    assert min(taken) / 4 < planned < 4 * max(taken)
    # Ten epochs of a small network's last layer are more than half of its own two.
    assert speed.second_stage > speed.step * counted["steps"]


def test_the_second_stage_of_one_answer_is_measured(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(budget, "choose", lambda *a, **k: told.append(a) or FIT)
    compare(
        tmp_path,
        build_model=network(1),
        train=answers(),
        validation=answers(1),
        losses=["ce"],
        budget=600,
    )
    ((_, speed),) = told
    assert speed.second_stage > 0


@pytest.mark.slow
def test_the_decision_is_kept(tmp_path):
    first, _ = compare(tmp_path, budget=600, epochs=1)
    kept = read_json(tmp_path / "budget.json")
    assert kept["seeds"] == len(first.seeds)
    assert kept["epochs"] == first.recipe["epochs"]
    content = (tmp_path / "budget.json").read_text()
    # Whatever a new measurement would say.
    (tmp_path / "budget.json").write_text(
        content.replace('"seeds": 2,', '"seeds": 1,', 1)
    )
    again, _ = compare(tmp_path, budget=600, epochs=1)
    assert len(again.finished) == len(first.finished)
    assert "Into the budget of 10 min" in kept["note"]
