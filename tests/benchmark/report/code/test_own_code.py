"""The code that a report prints of a user's own data runs, for every kind of winner."""

import re
import shutil

import keras
import numpy as np
import pytest
from own_data import answers, classes, compare, network, tags, without_some
from sklearn import metrics

import keras_ccar
from keras_ccar.benchmark import Comparison
from keras_ccar.benchmark.report.code.usage_code import code_of_best
from keras_ccar.benchmark.report.write import markdown
from keras_ccar.benchmark.runner.results import write_results

KINDS = {
    "answers": (answers, network(1, "sigmoid"), "balanced", {}),
    "classes": (classes, network(3), "macro_f1", {"ignore_class": -1}),
    "tags": (tags, network(3, "sigmoid"), "f1", {"ignore_value": float("nan")}),
}
WINNERS = {
    "answers": ["la", "class_weight", "prior-bias", "ce+thresholds", "ce+crt"],
    "classes": ["ce", "la", "focal", "prior-bias", "ce+tau", "ce+tau-norm", "ce+crt"],
    "tags": ["la", "class_weight", "prior-bias", "ce+thresholds"],
}


@pytest.fixture(scope="module", params=KINDS)
def finished(request, tmp_path_factory):
    """A comparison on data of one kind, and what it was given."""
    data, build_model, metric, unknown = KINDS[request.param]
    value = next(iter(unknown.values()), None)
    folder = tmp_path_factory.mktemp(request.param)
    given = {
        "build_model": build_model,
        "train": without_some(data(), value),
        "validation": without_some(data(1), value),
        "test": data(2),
        "optimizer": keras.optimizers.Adam(0.01),
    }
    names = [name for name in WINNERS[request.param] if not re.search(r"e\+", name)]
    losses = ["ce", *(name for name in names if name != "ce")]
    _, failed = compare(folder, **given, losses=losses, metric=metric, **unknown)
    assert not failed
    return request.param, folder, given


def won(folder, name, destination):
    """The comparison with another winner on the validation data, in a folder."""
    shutil.copytree(folder, destination)
    comparison = Comparison.read(destination)
    for run in comparison.run_entries:
        better = run["method"] == name
        run["splits"]["validation"][comparison.metric] = 99.0 + run["seed"] * better
        if not better:
            run["splits"]["validation"][comparison.metric] = 1.0
    write_results(comparison, destination)
    comparison = Comparison.read(destination)
    assert comparison.best().method == name
    return comparison


def says(model, x, kind):
    outputs = model.predict(x, verbose=0)
    return outputs.argmax(1) if kind == "classes" else outputs >= 0.5


# Models that were trained to balanced classes are said to be so.
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The probabilities of")
def test_the_code_of_every_winner(finished, tmp_path, monkeypatch):
    kind, folder, given = finished
    monkeypatch.chdir(tmp_path)
    x, labels = given["test"]
    for number, name in enumerate(WINNERS[kind]):
        comparison = won(folder, name, tmp_path / f"won{number}")
        text = markdown(comparison, {})
        printed = re.findall(r"```python\n(.*?)```", text, re.S)
        assert len(printed) == 2
        loading, training = printed
        # The loaded model is what was measured.
        names = {}
        exec(loading, names)
        (run,) = [r for r in comparison.finished_runs(name) if r["seed"] == 1]
        answered = says(names["model"], x, kind)
        column = "macro_f1" if kind == "classes" else "f1"
        average = "binary" if kind == "answers" else "macro"
        score = metrics.f1_score(labels, answered, average=average, zero_division=0)
        assert run[column] == pytest.approx(100 * score, abs=1e-3), name
        # The other block needs nothing but what the comparison was given.
        names = {**given, "optimizer": keras.optimizers.Adam(0.01)}
        exec(training, names)
        assert np.isfinite(names["model"].predict(x, verbose=0)).all()
        saved = {m["name"]: m for m in comparison.methods}[name]["loss"]
        made = keras.saving.serialize_keras_object(names["loss"])
        assert made["class_name"] == saved["class_name"], name
        for key in ("class_counts", "num_examples", "weighting", "adjustment"):
            assert made["config"].get(key) == saved["config"].get(key), (name, key)
        for key, value in KINDS[kind][3].items():
            assert repr(made["config"][key]) == repr(value), (name, key)


def test_prior_bias_begins_at_the_prior(finished, tmp_path, monkeypatch):
    _, folder, given = finished
    monkeypatch.chdir(tmp_path)
    comparison = won(folder, "prior-bias", tmp_path / "won")
    training = code_of_best(comparison)[1].code
    begun = re.sub(r"^(x, y = train|model\.(compile|fit)).*$", "", training, flags=re.M)
    names = dict(given)
    exec(begun, names)
    bias = names["model"].layers[-1].bias
    expected = keras_ccar.initializers.PriorBias(names["class_counts"])(bias.shape)
    np.testing.assert_allclose(np.asarray(bias), np.asarray(expected))


def test_many_counts_are_read_from_the_folder(finished, tmp_path, monkeypatch):
    _, folder, _ = finished
    monkeypatch.chdir(tmp_path)
    comparison = won(folder, "la", tmp_path / "won")
    monkeypatch.setattr("keras_ccar.benchmark.report.code.own_code._MOST_COUNTS", 1)
    training = code_of_best(comparison)[1].code
    (line,) = re.findall(r"^class_counts = .*$", training, re.M)
    names = {"Comparison": Comparison}
    exec(line, names)
    assert names["class_counts"] == comparison.dataset["counts"]


def test_weights_batches_and_models_that_compile_themselves(tmp_path):
    x, y = classes()
    weights = np.ones(len(y))
    compare(tmp_path / "w", train=(x, y, weights), losses=["ce"], seeds=1, epochs=1)
    code = code_of_best(Comparison.read(tmp_path / "w"))[1].code
    assert "x, y, sample_weight = train\n" in code
    assert "sample_weight=sample_weight)" in code

    def build(loss):
        model = network()()
        model.compile("sgd", loss)
        return model

    import tensorflow as tf

    batches = tf.data.Dataset.from_tensor_slices((x, y)).batch(16)
    compare(
        tmp_path / "b",
        build_model=build,
        optimizer=None,
        train=batches,
        losses=["ce"],
        seeds=1,
        epochs=1,
    )
    code = code_of_best(Comparison.read(tmp_path / "b"))[1].code
    assert "model = build_model(loss)\n" in code
    assert "model.compile" not in code
    assert "model.fit(train, epochs=1)" in code


def test_the_comment_of_files_is_whole(finished, tmp_path):
    _, folder, _ = finished
    comparison = won(folder, "la", tmp_path / "won")
    comparison.command = "keras-ccar compare table.csv --label kind"
    loading = code_of_best(comparison)[0].code
    comment = " ".join(re.findall(r"^# (.*)$", loading, re.M))
    assert comment.startswith(
        "The trained model of the seed that is best on validation"
    )
    assert "which are without it. It takes what the network was trained on" in comment
    assert comment.endswith("images of any size.")
