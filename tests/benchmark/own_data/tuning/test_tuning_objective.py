"""Trials of Optuna: what they train, how they are scored, and that they are kept."""

import keras
import numpy as np
import optuna
import pytest
from own_data import answers, classes, measured, network

import keras_ccar
from keras_ccar.benchmark import TuningObjective

pytestmark = pytest.mark.slow
optuna.logging.set_verbosity(optuna.logging.WARNING)
PARAMS = {"form": "power", "strength": 0.5, "tau": 1.25, "learning_rate": 0.01}


def objective(folder, **changes):
    arguments = {
        "build_model": network(),
        "train": classes(),
        "validation": classes(1),
        "seeds": 2,
        "epochs": 2,
        "batch_size": 16,
        "output": folder,
        **changes,
    }
    return TuningObjective(**arguments)


def study_of(tuned, trials):
    sampler = optuna.samplers.TPESampler(seed=0)
    study = optuna.create_study(direction=tuned.direction, sampler=sampler)
    study.optimize(tuned, n_trials=trials)
    return study


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    found = objective(tmp_path_factory.mktemp("tuned"))
    return found, study_of(found, 3)


def test_a_score_is_the_mean_over_seeds_on_the_validation_data(tuned):
    found, study = tuned
    x, labels = classes(1)
    for trial in study.trials:
        row = trial.user_attrs["row"]
        recalls = []
        for seed in range(2):
            model = found.comparison.model(row, seed)
            guesses = model.predict(x, verbose=0).argmax(axis=1)
            recalls += [(guesses[labels == k] == k).mean() for k in range(3)]
        assert trial.value == pytest.approx(100 * np.mean(recalls), abs=1e-4)
    assert study.best_value == max(trial.value for trial in study.trials)


def test_a_trial_is_a_row_beside_cross_entropy(tuned):
    found, study = tuned
    comparison = found.comparison
    rows = [trial.user_attrs["row"] for trial in study.trials]
    assert [method["name"] for method in comparison.methods] == ["ce", *rows]
    assert (comparison.baseline, comparison.split) == ("ce", "validation")
    for trial, method in zip(study.trials, comparison.methods[1:], strict=True):
        config = method["loss"]["config"]
        assert config["form"] == trial.params["form"]
        strength = trial.params["strength"]
        assert config["strength"] == pytest.approx(strength, rel=1e-3)
        tau = config["adjustment"]["config"]["tau"]
        assert tau == pytest.approx(trial.params["tau"], rel=1e-3)


def test_a_study_that_begins_again_trains_only_what_is_missing(tuned):
    found, study = tuned
    folder = found.comparison.folder
    before = measured(found.comparison)
    times = {path: path.stat().st_mtime_ns for path in (folder / "models").iterdir()}
    again = study_of(objective(folder), 4)
    assert [trial.value for trial in again.trials[:3]] == [
        trial.value for trial in study.trials
    ]
    after = {path: path.stat().st_mtime_ns for path in (folder / "models").iterdir()}
    assert times.items() < after.items()
    assert len(after) == len(times) + 2
    assert [run for run in measured(found.comparison) if run in before] == before


def test_the_winner_trains_the_same_by_itself(tmp_path):
    """The row of a trial has the digits of a comparison with its loss and rate."""
    found = objective(tmp_path / "tuned", learning_rate=(1e-3, 1e-2))
    value = found(optuna.trial.FixedTrial(PARAMS))
    comparison = keras_ccar.compare(
        network(),
        classes(),
        classes(1),
        losses={
            "tuned": found.make_loss(PARAMS),
            "by hand": keras_ccar.CCARLoss(
                [40, 20, 10],
                strength=0.5,
                form="power",
                adjustment=keras_ccar.adjustments.LogitAdjustment(1.25),
                from_logits=True,
            ),
        },
        optimizer=found.make_optimizer(PARAMS),
        seeds=2,
        epochs=2,
        batch_size=16,
        output=tmp_path / "compared",
    )
    for name in ("tuned", "by hand"):
        assert comparison.by_seed(name, "balanced").mean() == value


def test_a_trial_that_diverges_is_pruned_and_other_failures_are_not(tmp_path):
    found = objective(tmp_path, learning_rate=(1e30, 1e38), optimizer="sgd")
    study = study_of(found, 1)
    assert study.trials[0].state == optuna.trial.TrialState.PRUNED

    def callbacks():
        def fail(epoch, logs):
            raise OSError("no room")

        return [keras.callbacks.LambdaCallback(on_epoch_begin=fail)]

    found = objective(tmp_path, callbacks=callbacks)
    with pytest.raises(RuntimeError, match="failed: OSError: no room"):
        found(optuna.trial.FixedTrial(PARAMS))


def test_yes_or_no_labels_and_an_error_to_minimise(tmp_path):
    found = objective(
        tmp_path,
        build_model=network(1, "sigmoid"),
        train=answers(),
        validation=answers(1),
        metric="log_loss",
        learning_rate=None,
        seeds=1,
        epochs=1,
    )
    assert found.direction == "minimize"
    params = {name: PARAMS[name] for name in ("form", "strength", "tau")}
    value = found(optuna.trial.FixedTrial(params))
    x, labels = answers(1)
    row = found.comparison.methods[1]["name"]
    model = found.comparison.model(row, 0)
    yes = model.predict(x, verbose=0)[:, 0].astype("float64")
    expected = -np.mean(np.log(np.where(labels == 1, yes, 1 - yes)))
    assert value == pytest.approx(expected, abs=1e-4)
    assert isinstance(found.make_loss(params)([60, 15]), keras_ccar.BinaryCCARLoss)


def test_a_model_that_compiles_itself_keeps_its_learning_rate(tmp_path):
    def build_model(loss):
        model = network()()
        model.compile(keras.optimizers.SGD(0.05), loss)
        return model

    with pytest.raises(ValueError, match="`learning_rate` must be None here"):
        objective(tmp_path, build_model=build_model)
    found = objective(tmp_path, build_model=build_model, learning_rate=None, seeds=1)
    assert study_of(found, 1).best_value > 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("strength", (1.0, 0.5)),
        ("strength", (-1.0, 0.5)),
        ("tau", 1.0),
        ("tau", (0.0, "1")),
        ("forms", []),
        ("forms", ["linear"]),
        ("learning_rate", (0.0, 0.1)),
        ("seeds", 0),
    ],
)
def test_wrong_arguments(tmp_path, name, value):
    with pytest.raises(ValueError, match=f"`{name}` must be"):
        objective(tmp_path, **{name: value})


def test_wrong_params(tuned):
    found, _ = tuned
    for params in ({}, {**PARAMS, "pivot": 1.0}, None):
        with pytest.raises(ValueError, match="`params` must be the `params` of a tr"):
            found.make_loss(params)
