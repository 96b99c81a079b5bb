"""Comparisons on a user's own data, from the data to the results."""

import io
import json
import re
import shutil

import keras
import numpy as np
import pandas as pd
import pytest
from own_data import LOSSES, answers, classes, compare, measured, network, tags
from rich.console import Console
from sklearn import metrics

import keras_ccar
from keras_ccar.benchmark import Comparison
from keras_ccar.benchmark.own_data.request import OwnRequest, run_own
from keras_ccar.benchmark.report.sentences.top_sentence import find_answer
from keras_ccar.benchmark.report.summary import score_rows

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A comparison with a test set, that nobody disturbed."""
    folder = tmp_path_factory.mktemp("own")
    comparison, failed = compare(folder, test=classes(2))
    assert failed == []
    return comparison


def test_rows_and_columns(finished):
    names = ["ce", "ccar", "ce+tau", "ce+tau-norm", "ce+crt"]
    assert [method["name"] for method in finished.methods] == names
    derived = [method.get("derived_from") for method in finished.methods]
    assert derived == [None, None, "ce", "ce", "ce"]
    assert (finished.metric, finished.split, finished.baseline) == (
        "balanced",
        "test",
        "ce",
    )
    assert finished.dataset["kind"] == "softmax"
    assert finished.dataset["class_counts"] == [40, 20, 10]
    assert len(finished.finished) == 10
    for run in finished.run_entries:
        assert set(run["splits"]) == {"validation", "test"}
        assert run["balanced"] == run["splits"]["test"]["balanced"]


def test_what_is_read_again_is_the_same(finished):
    read = Comparison.read(finished.folder)
    assert read == finished
    rows = read.runs
    assert len(rows) == 20
    assert (finished.folder / "results.csv").exists()
    assert (finished.folder / "report.html").exists()


def test_figures_are_those_of_scikit_learn(finished):
    x, labels = classes(2)
    for run in finished.run_entries:
        model = finished.model(run["method"], run["seed"])
        logits = model.predict(x, verbose=0).astype("float64")
        guesses = logits.argmax(axis=1)
        recalls = metrics.recall_score(labels, guesses, average=None)
        assert run["balanced"] == pytest.approx(100 * recalls.mean(), abs=1e-4)
        np.testing.assert_allclose(run["per_class_accuracy"], 100 * recalls, atol=1e-4)
        assert run["top1"] == pytest.approx(100 * (guesses == labels).mean(), abs=1e-4)
        f1 = metrics.f1_score(labels, guesses, average="macro")
        assert run["macro_f1"] == pytest.approx(100 * f1, abs=1e-4)
        powers = np.exp(logits)
        loss = metrics.log_loss(labels, powers / powers.sum(axis=1, keepdims=True))
        assert run["log_loss"] == pytest.approx(loss, abs=1e-4)


def test_chosen_values_are_kept(finished):
    for run in finished.run_entries:
        keys = set(run["chosen"]) - {"temperature", "prior_gap"}
        wanted = {"tau"} if "tau" in run["method"] else set()
        assert keys == wanted


@pytest.mark.filterwarnings("ignore:The probabilities of:UserWarning")
def test_nothing_is_selected_on_the_test_data(finished, tmp_path):
    """Another test set changes its figures, and nothing else."""
    x, labels = classes(2)
    shuffled = np.random.default_rng(0).permutation(labels)
    other, _ = compare(tmp_path, test=(-x, shuffled))
    for run, same in zip(finished.run_entries, other.run_entries, strict=True):
        assert run["splits"]["validation"] == same["splits"]["validation"]
        assert run["chosen"] == same["chosen"]
        assert run["splits"]["test"] != same["splits"]["test"]
        weights = finished.model(run["method"], run["seed"]).get_weights()
        others = other.model(run["method"], run["seed"]).get_weights()
        for weight, same_weight in zip(weights, others, strict=True):
            np.testing.assert_array_equal(weight, same_weight)
    first, second = finished.finish(), other.finish()
    np.testing.assert_array_equal(
        first.predict(x, verbose=0), second.predict(x, verbose=0)
    )


def test_the_same_again_trains_nothing_and_says_the_same(finished, tmp_path):
    folder = shutil.copytree(finished.folder, tmp_path / "own")
    paths = sorted((folder / "models").iterdir())
    times = [path.stat().st_mtime_ns for path in paths]
    again, failed = compare(folder, test=classes(2))
    assert failed == []
    assert measured(again) == measured(finished)
    assert [path.stat().st_mtime_ns for path in paths] == times


def test_how_many_were_made_before_does_not_matter(tmp_path):
    """Keras numbers the names of optimizers and of losses without a name."""

    class Own(keras.losses.Loss):
        def call(self, y_true, y_pred):
            return LOSSES["ce"].call(y_true, y_pred)

    for _ in range(2):
        comparison, _ = compare(
            tmp_path,
            losses={"own": Own()},
            optimizer=keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD()),
            seeds=1,
        )
    assert len(list((tmp_path / "runs").iterdir())) == len(comparison.run_entries) == 4


@pytest.mark.parametrize("lost", ["record", "model", "results"])
def test_what_was_lost_is_made_again_the_same(finished, lost, tmp_path):
    shutil.copytree(finished.folder, tmp_path, dirs_exist_ok=True)
    run = finished.run_entries[0]
    if lost == "record":
        (path,) = (tmp_path / "runs").glob(f"ce-seed0-{run['id']}.json")
    elif lost == "model":
        path = tmp_path / run["model"]
    else:
        path = tmp_path / "results.json"
    path.unlink()
    again, _ = compare(tmp_path, test=classes(2))
    assert measured(again) == measured(finished)
    assert path.exists()


def test_without_test_data_the_figures_are_those_of_validation(tmp_path):
    comparison, _ = compare(tmp_path, seeds=1, losses={"ce": LOSSES["ce"]})
    assert comparison.split == "validation"
    for run in comparison.run_entries:
        assert set(run["splits"]) == {"validation"}
        assert run["balanced"] == run["splits"]["validation"]["balanced"]


def test_new_losses_are_added_and_other_data_archive_what_is_there(tmp_path):
    compare(tmp_path, seeds=1)
    new = {"ce": LOSSES["ce"], "focal": keras_ccar.FocalLoss(from_logits=True)}
    comparison, _ = compare(tmp_path, seeds=1, losses=new)
    names = {method["name"] for method in comparison.methods}
    assert {"ce", "ccar", "focal"} <= names
    assert set(comparison.finished["method"]) == names
    only = {"ce": LOSSES["ce"]}
    comparison, _ = compare(tmp_path, seeds=1, train=classes(3), losses=only)
    assert (tmp_path / "earlier" / "1" / "results.json").exists()
    assert len(comparison.run_entries) == 4


def test_a_failing_loss_does_not_stop_the_others(tmp_path):
    def broken(y_true, y_pred):
        raise RuntimeError("no such loss")

    def infinite(y_true, y_pred):
        return keras.ops.sum(y_pred, axis=-1) * np.float32("nan")

    losses = {"broken": broken, "infinite": infinite, "ce": LOSSES["ce"]}
    comparison, failed = compare(tmp_path, seeds=1, losses=losses)
    errors = {run["method"]: run["error"] for run in failed}
    assert set(errors) == {
        "broken",
        "infinite",
        "broken+tau",
        "broken+tau-norm",
        "broken+crt",
    }
    assert "no such loss" in errors["broken"]
    assert errors["infinite"].startswith("FloatingPointError: the loss became nan")
    assert "needs a finished run of broken" in errors["broken+tau"]
    assert comparison.finished["method"].tolist() == ["ce"]
    assert Comparison.read(tmp_path).failed == comparison.failed


def test_one_label(tmp_path):
    comparison, failed = compare(
        tmp_path,
        build_model=network(1),
        train=answers(),
        validation=answers(1),
        test=answers(2),
        losses=None,
        seeds=1,
        epochs=1,
        metric="f1",
        class_names=["fine", "faulty"],
    )
    assert failed == []
    assert comparison.dataset["kind"] == "binary"
    assert comparison.dataset["class_counts"] == [60, 15]
    assert comparison.dataset["class_names"] == ["fine", "faulty"]
    names = [method["name"] for method in comparison.methods]
    assert names[0] == "ce"
    assert names[-2:] == ["ce+thresholds", "ce+crt"]
    x, labels = answers(2)
    for run in comparison.run_entries:
        model = comparison.model(run["method"], 0)
        outputs = model.predict(x, verbose=0)[:, 0].astype("float64")
        said = outputs == 1 if run["method"] == "ce+thresholds" else outputs > 0
        for column, score in (
            ("balanced", metrics.balanced_accuracy_score(labels, said)),
            ("recall", metrics.recall_score(labels, said)),
            ("precision", metrics.precision_score(labels, said, zero_division=0)),
            ("f1", metrics.f1_score(labels, said)),
        ):
            assert run[column] == pytest.approx(100 * score, abs=1e-4), run["method"]
        if run["method"] != "ce+thresholds":
            score = metrics.average_precision_score(labels, outputs)
            assert run["average_precision"] == pytest.approx(100 * score, abs=1e-4)
            loss = metrics.log_loss(labels, 1 / (1 + np.exp(-outputs)))
            assert run["log_loss"] == pytest.approx(loss, abs=1e-4)


@pytest.mark.filterwarnings("ignore:The probabilities of:UserWarning")
def test_the_finished_model_of_one_label_is_served_with_its_names(tmp_path):
    loss = {"ce": keras.losses.BinaryCrossentropy(from_logits=True)}
    comparison, _ = compare(
        tmp_path / "own",
        build_model=network(1),
        train=answers(),
        validation=answers(1),
        losses=loss,
        seeds=1,
        epochs=1,
        class_names=["fine", "faulty"],
    )
    assert comparison.model("ce", 0).class_names == ["fine", "faulty"]
    finished = comparison.finish()
    assert finished.class_names == ["fine", "faulty"]
    finished.save(tmp_path / "finished.keras")
    model = keras.models.load_model(tmp_path / "finished.keras")
    if keras.backend.backend() != "tensorflow":
        return
    import tensorflow as tf

    x = answers(2)[0][:2]
    path = keras_ccar.serving.export(model, tmp_path / "served", warm_up=False)
    served = tf.saved_model.load(str(path)).signatures["serving_default"]
    answer = served(tf.constant(x))
    assert answer["class_names"].numpy()[0].tolist() == [b"fine", b"faulty"]
    if "decisions" not in answer:
        logits = model.predict(x, verbose=0)[:, 0]
        expected = 1 / (1 + np.exp(-logits))
        np.testing.assert_allclose(answer["probabilities"][:, 1], expected, atol=1e-5)


def test_probabilities_of_an_adjusted_winner(tmp_path):
    """The report and `finish` say what to do about them, and doing it helps."""
    train, held_out = answers(0, 60, 1140), answers(1, 40, 760)
    losses = {
        "ce": keras.losses.BinaryCrossentropy(from_logits=True),
        "la": lambda counts: keras_ccar.BinaryLogitAdjustedLoss(
            counts, from_logits=True
        ),
    }
    comparison, failed = compare(
        tmp_path,
        build_model=network(1),
        train=train,
        validation=held_out,
        losses=losses,
        seeds=1,
        epochs=15,
        batch_size=32,
        metric="balanced",
        class_names=["fine", "faulty"],
    )
    assert failed == []
    ce, la = (comparison.finished_runs(name)[0]["chosen"] for name in ("ce", "la"))
    assert "prior_gap" not in ce
    place, mean, share = la["prior_gap"]
    assert (place, share) == (1, 0.05)
    assert mean > 0.1
    best = comparison.best().method
    assert best in ("la", "ce+crt")  # both are rebalanced
    with pytest.warns(UserWarning, match=rf"of {re.escape(best)} are not .* faulty is"):
        model = comparison.finish()
    (sentence,) = [note for note in find_answer(comparison).notes if "prob" in note]
    layer = re.search(r"`(keras_ccar\.LogitC.*?\))`", sentence)[1]
    behind = re.search(r"behind `(comparison\..*?)`, the model without", sentence)[1]
    calibrate = re.search(r"calibrate the result by `(.*?)`", sentence)[1]
    named = {
        "keras_ccar": keras_ccar,
        "comparison": comparison,
        "class_counts": [1140, 60],
    }
    chain = keras_ccar.posthoc.chain
    trained = eval(behind, named)
    corrected = chain(trained, eval(layer, named))
    whole = chain(corrected, eval(calibrate, named)(corrected, held_out))

    def logits_of(model):
        return model.predict(held_out[0], verbose=0)[:, 0].astype("float64")

    def log_loss(logits):
        return np.logaddexp(
            0, np.where(held_out[1] == 1, -1, 1).ravel() * logits
        ).mean()

    assert np.mean(1 / (1 + np.exp(-logits_of(whole)))) == pytest.approx(0.05, rel=0.2)
    # No other temperature is better behind the prior of the data.
    of_data = logits_of(trained) + np.log(60 / 1140)
    best_of_all = min(log_loss(of_data / t) for t in np.geomspace(0.05, 20, 4000))
    assert log_loss(logits_of(whole)) == pytest.approx(best_of_all, abs=1e-5)
    assert log_loss(logits_of(whole)) < log_loss(logits_of(model))


def test_thresholds_leave_the_probabilities_of_an_adjusted_loss(tmp_path):
    """Where they win, `finish` and the report say what they say of the loss."""
    train, held_out = tags(0, 400), tags(1, 400)
    comparison, failed = compare(
        tmp_path,
        build_model=network(3, "sigmoid"),
        train=train,
        validation=held_out,
        losses=["la"],
        seeds=1,
        epochs=15,
        batch_size=32,
        metric="precision",
        class_names=["a", "b", "c"],
    )
    assert failed == []
    assert comparison.best().method == "la+thresholds"
    entries = comparison.methods
    assert [entry["trained_prior"] for entry in entries] == ['"balanced"'] * 2
    with pytest.warns(
        UserWarning, match=r"of la\+thresholds are not those of the data"
    ):
        comparison.finish()
    (sentence,) = [note for note in find_answer(comparison).notes if "prob" in note]
    layer = re.search(r"`(keras_ccar\.LogitC.*?\))`", sentence)[1]
    model = re.search(r"behind `(comparison\..*?)`", sentence)[1]
    named = {
        "keras_ccar": keras_ccar,
        "comparison": comparison,
        "class_counts": comparison.dataset["counts"],
    }
    corrected = keras_ccar.posthoc.chain(eval(model, named), eval(layer, named))
    means = corrected.predict(held_out[0], verbose=0).mean(axis=0)
    np.testing.assert_allclose(means, held_out[1].mean(axis=0), rtol=0.25)


def test_several_labels(tmp_path):
    comparison, failed = compare(
        tmp_path,
        build_model=network(3, "sigmoid"),
        train=tags(),
        validation=tags(1),
        losses=None,
        seeds=1,
        epochs=1,
        class_names=["a", "b", "c"],
    )
    assert failed == []
    assert comparison.dataset["kind"] == "labels"
    x, labels = tags(1)
    yes = tags()[1].sum(axis=0).astype(int).tolist()
    assert comparison.dataset["class_counts"] == yes
    names = [method["name"] for method in comparison.methods]
    assert names[-1] == "ce+thresholds"
    run = comparison.finished_runs("ce")[0]
    probabilities = comparison.model("ce", 0).predict(x, verbose=0)
    said = probabilities > 0.5
    f1 = metrics.f1_score(labels, said, average="macro", zero_division=0)
    assert run["f1"] == pytest.approx(100 * f1, abs=1e-4)
    score = metrics.average_precision_score(labels, probabilities, average="macro")
    assert run["average_precision"] == pytest.approx(100 * score, abs=1e-4)
    (run,) = comparison.finished_runs("ce+thresholds")
    assert len(run["chosen"]["thresholds"]) == 3


def test_the_default_losses_of_classes(tmp_path):
    """With steps that change nothing, the bias is where it began."""
    still = keras.optimizers.SGD(1e-12)
    comparison, failed = compare(
        tmp_path, losses=None, seeds=1, epochs=1, optimizer=still
    )
    assert failed == []
    names = [method["name"] for method in comparison.methods]
    assert names[:4] == ["ce", "class_weight", "la", "ccar"]
    assert {"ccar+la", "focal", "prior-bias", "ce+tau", "ce+crt"} <= set(names)
    assert sum(name.startswith("ccar[form=") for name in names) == 3
    assert len(set(names)) == len(names)
    model = comparison.model("prior-bias", 0)
    bias = model.layers[-1].get_weights()[1]
    expected = np.log(np.array([40, 20, 10]) / 70)
    np.testing.assert_allclose(bias, expected, atol=1e-5)


def test_metrics_and_callbacks_of_the_user(tmp_path):
    epochs = []

    def callbacks():
        def note(epoch, logs):
            epochs.append((epoch, "val_loss" in logs))

        return [keras.callbacks.LambdaCallback(on_epoch_end=note)]

    comparison, _ = compare(
        tmp_path,
        seeds=1,
        losses={"ce": LOSSES["ce"]},
        metrics=["accuracy"],
        callbacks=callbacks,
    )
    run = comparison.finished_runs("ce")[0]
    assert epochs == [(0, True), (1, True)]
    assert run["user_metrics"]["accuracy"] == pytest.approx(run["top1"] / 100, abs=1e-4)
    table = comparison.finished.set_index("method")
    assert table["accuracy"]["ce"] == run["user_metrics"]["accuracy"]
    assert np.isnan(table["accuracy"]["ce+tau"])
    assert "accuracy" in score_rows(comparison)[0]
    assert "accuracy" in comparison.runs


def test_a_metric_with_the_name_of_a_column_stands_beside_it(tmp_path):
    limits = {"many": 30, "few": 15}
    comparison, _ = compare(
        tmp_path,
        seeds=1,
        losses={"ce": LOSSES["ce"]},
        epochs=5,
        metrics=[keras_ccar.ShotAccuracy([40, 20, 10], **limits)],
    )
    run = comparison.finished_runs("ce")[0]
    many, medium, few = np.array(run["per_class_accuracy"]) / 100
    found = [run["user_metrics"][f"user_{name}"] for name in ("many", "medium", "few")]
    np.testing.assert_allclose(found, [many, medium, few], atol=1e-4)
    # At the limits of the benchmark: no class has more than 100 examples.
    row = comparison.finished.set_index("method").loc["ce"]
    assert np.isnan(row["many"]) or "many" not in comparison.metrics
    assert row["user_many"] == pytest.approx(many, abs=1e-4)
    assert row["balanced"] == run["balanced"]
    assert "user_many" in comparison.runs


def test_layers_that_models_share_draw_what_the_seed_decides(tmp_path):
    frozen = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(16, "relu"), keras.layers.Dropout(0.5)]
    )
    frozen.trainable = False

    def build():
        return keras.Sequential([keras.Input((6,)), frozen, keras.layers.Dense(3)])

    def losses(*names):
        return dict.fromkeys(names, LOSSES["ce"])

    def scores(comparison):
        table = comparison.finished.set_index(["method", "seed"])
        return table.drop(columns="seconds")

    both, _ = compare(tmp_path / "both", build_model=build, losses=losses("a", "b"))
    found = scores(both)
    pd.testing.assert_frame_equal(found.loc["a"], found.loc["b"])
    assert found.loc["a", 0]["log_loss"] != found.loc["a", 1]["log_loss"]
    # What was drawn in between, as after a stop, changes nothing.
    frozen(np.ones((4, 6)), training=True)
    again, _ = compare(tmp_path / "again", build_model=build, losses=losses("a"))
    pd.testing.assert_frame_equal(scores(again).loc["a"], found.loc["a"])


@pytest.mark.parametrize(
    "changed",
    [
        {"callbacks": [keras.callbacks.EarlyStopping("loss", patience=50)]},
        {
            "callbacks": [keras.callbacks.EarlyStopping("loss", patience=0)],
            "build_model": lambda: scaled(30.0),
        },
        {
            "callbacks": [keras.callbacks.EarlyStopping("loss", patience=0)],
            "losses": {"own": lambda y, z: LOSSES["ce"](y, z) * 2},
        },
    ],
    ids=["callback", "Lambda layer", "loss"],
)
def test_changed_settings_and_code_are_trained_again(changed, tmp_path):
    first = {
        "build_model": lambda: scaled(1.0),
        "losses": {"own": lambda y, z: LOSSES["ce"](y, z) * 1},
        "callbacks": [keras.callbacks.EarlyStopping("loss", patience=0)],
        "seeds": 1,
    }
    compare(tmp_path, **first)
    ids = {path.name for path in (tmp_path / "runs").iterdir()}
    compare(tmp_path, **first)
    assert {path.name for path in (tmp_path / "runs").iterdir()} == ids
    compare(tmp_path, **{**first, **changed})
    added = {path.name for path in (tmp_path / "runs").iterdir()} - ids
    assert len(added) == len(ids)


def scaled(factor):
    layers = [keras.Input((6,)), keras.layers.Lambda(lambda x: x * factor)]
    return keras.Sequential([*layers, keras.layers.Dense(3)])


def test_models_that_share_what_they_learn_are_refused(tmp_path):
    model, layer = network()(), keras.layers.Dense(6)
    for build_model in (
        lambda: model,
        lambda: keras.Sequential([keras.Input((6,)), layer, keras.layers.Dense(3)]),
    ):
        with pytest.raises(ValueError, match="`build_model` must be a function that"):
            compare(tmp_path, build_model=build_model)
    layer.trainable = False  # as the message advises
    comparison, failed = compare(
        tmp_path,
        build_model=lambda: keras.Sequential(
            [keras.Input((6,)), layer, keras.layers.Dense(3)]
        ),
        seeds=1,
    )
    assert failed == []
    assert "few_examples" in comparison.dataset


def test_a_model_that_compiles_itself(tmp_path):
    def build_model(loss):
        model = network()()
        model.compile("adam", loss)
        return model

    comparison, failed = compare(
        tmp_path,
        build_model=build_model,
        optimizer=None,
        seeds=1,
        losses={"ce": LOSSES["ce"]},
    )
    assert failed == []
    assert len(comparison.finished) == 4


def test_smoke_trains_one_epoch_with_one_seed(tmp_path):
    comparison, _ = compare(tmp_path, smoke=True, losses={"ce": LOSSES["ce"]})
    assert comparison.seeds == [0]
    assert comparison.recipe["epochs"] == 1
    assert comparison.recipe["smoke"] is True


def test_other_processes_need_what_can_be_pickled(tmp_path):
    with pytest.raises(ValueError, match=r"`parallel`.*no lambda"):
        compare(tmp_path, parallel=2, test=classes(2))


def test_results_are_plain_json(finished):
    content = finished.to_json()
    assert json.loads(json.dumps(content)) == content


def test_sample_weights_of_the_training_data_reach_every_method(tmp_path):
    x, labels = classes()
    weights = np.linspace(0.2, 3, len(labels))
    changes = {"train": (x, labels, weights), "seeds": 1, "epochs": 1}
    comparison, failed = compare(tmp_path, **changes)
    assert failed == []
    methods = {run["method"] for run in comparison.run_entries}
    assert methods == {"ce", "ccar", "ce+tau", "ce+tau-norm", "ce+crt"}


def test_progress_shows_what_decides(tmp_path):
    for metric, shown in (
        ("macro_f1", r"ce, seed 0: macro F1 \d+\.\d\d %, "),
        ("log_loss", r"ce, seed 0: log loss \d+\.\d{4}, "),
    ):
        console = Console(record=True, file=io.StringIO(), width=200)
        request = OwnRequest(
            network(),
            classes(),
            classes(1),
            losses={"ce": LOSSES["ce"]},
            seeds=1,
            epochs=1,
            metric=metric,
            output=tmp_path / metric,
        )
        run_own(request, console)
        assert re.search(shown, console.export_text())
