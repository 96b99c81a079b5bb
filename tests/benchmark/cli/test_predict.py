"""`keras-ccar predict`: new files are read, and answered, as at the comparison."""

import contextlib
import json
import re
import subprocess
import sys
import warnings
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.special import softmax
from small_preset import write_preset

from keras_ccar import posthoc, serving
from keras_ccar.benchmark.cli import main
from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.sources.options import SourceOptions
from keras_ccar.benchmark.sources.read import read_data

SHORT = ["--seeds", "1", "--epochs", "2", "--batch-size", "16", "--losses", "ce", "la"]
RNG = np.random.default_rng(0)
Y = RNG.permutation(np.repeat([0, 1, 2], [60, 20, 10]))
X = (RNG.normal(size=(90, 4)) + Y[:, None]).astype("float32")


def table(**columns):
    rows = pd.DataFrame(
        {
            "size (cm)": X[:, 0],
            # Keras's own file of categories has a line for each.
            "colour": np.array(["red", "green", "blue\nor red"])[
                RNG.integers(0, 3, 90)
            ],
            "note": [f"some words about number {i}" for i in range(90)],
        }
    )
    rows.loc[3, ["size (cm)", "colour"]] = np.nan
    return rows.assign(**columns)


def compare(path, *more):
    assert main(["compare", str(path), *SHORT, *more, "--output", "out"]) == 0


def network_outputs(path, options, inputs=None):
    """What the network of the best run says of the training's own examples."""
    comparison = Comparison.read("out")
    data = read_data(path, options)
    examples = data.validation[0] if inputs is None else inputs
    network = comparison.finish(whole=False)
    return network.predict(examples, verbose=0), data.validation[1]


# What `finish` warns of depends on which of the losses is best.
pytestmark = pytest.mark.filterwarnings("ignore:The probabilities of:UserWarning")


@pytest.fixture(autouse=True)
def in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_table(in_folder, capsys):
    rows = table(kind=np.array(["a", "b", "c"])[Y])
    rows.to_csv("table.csv", index=False)
    held_out = rows.iloc[:30]
    held_out.to_csv("held.csv", index=False)
    compare(in_folder / "table.csv", "--label", "kind", "--validation", "held.csv")
    # What was learned of the columns is kept: the training table is not needed.
    options = SourceOptions(label=("kind",), validation=in_folder / "held.csv")
    outputs, _ = network_outputs(in_folder / "table.csv", options)
    (in_folder / "table.csv").unlink()
    capsys.readouterr()
    held_out.drop(columns="kind").iloc[:, ::-1].to_csv("new.csv", index=False)
    assert main(["predict", "out", "new.csv"]) == 0
    out = capsys.readouterr().out
    assert "30 examples predicted by" in out
    assert "Predictions: new-predicted.csv" in out
    found = pd.read_csv("new-predicted.csv")
    assert found.columns.tolist() == [
        *("note", "colour", "size (cm)", "predicted"),
        *("probability_a", "probability_b", "probability_c"),
    ]
    expected = softmax(outputs.astype("float64"), axis=-1)
    np.testing.assert_allclose(found.iloc[:, 4:], expected, atol=1e-6)
    assert found["predicted"].tolist() == ["abc"[i] for i in outputs.argmax(1)]
    for name, count in found["predicted"].value_counts().items():
        assert f"{name}: {count} ({count / 30:.1%})" in out


def test_yes_or_no_with_a_threshold_that_was_tuned_on_its_predictions(in_folder):
    rows = table(fraud=np.where(Y == 2, "fraud", "ok"), other=X[:, 1])
    rows.to_csv("table.csv", index=False)
    compare(in_folder / "table.csv", "--label", "fraud")
    comparison = Comparison.read("out")
    found = comparison.predict("table.csv", threshold=0.25)
    assert found["fraud"].tolist() == rows["fraud"].tolist()
    p = found["probability_fraud"].to_numpy()
    assert 0 < p.min() < p.max() < 1
    assert found["predicted"].tolist() == ["fraud" if x >= 0.25 else "ok" for x in p]
    tuned = posthoc.tune_thresholds(
        p[:, None],
        (found["fraud"] == "fraud").astype(int).to_numpy(),
        from_logits=False,
        objective=[[0, 5], [200, 0]],
    )
    flagged = comparison.predict("table.csv", threshold=tuned.thresholds[0])
    is_fraud, says = (flagged[c] == "fraud" for c in ("fraud", "predicted"))

    def costs(says):
        return 5 * (says & ~is_fraud).sum() + 200 * (~says & is_fraud).sum()

    assert costs(says) == min(costs(p >= limit) for limit in [*p, 2])


def test_probabilities_of_another_prior_are_said(in_folder, capsys):
    # Which method is best must not depend on the tests before this one.
    random = np.random.default_rng(0)
    labels = random.random(1500) < 0.04
    x = random.normal(size=(1500, 3)) + labels[:, None]
    np.savez("rare.npz", x=x.astype("float32"), y=labels.astype(int))
    arguments = ["--losses", "la", "--epochs", "8", "--seeds", "1", "--output", "out"]
    assert main(["compare", "rare.npz", *arguments, "--batch-size", "64"]) == 0
    capsys.readouterr()
    np.savez("new.npz", x=x[:50].astype("float32"))
    assert main(["predict", "out", "new.npz"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert said.count("are not those of the data") == 1
    with pytest.warns(UserWarning, match="are not those of the data") as told:
        Comparison.read("out").predict("new.npz")
    # NumPy deprecates what Keras does on torch.
    own = [one for one in told if one.category is not DeprecationWarning]
    assert [Path(one.filename).name for one in own] == ["test_predict.py"]


def test_columns_that_are_written_otherwise(in_folder, capsys):
    rows = table(
        kind=np.array(["a", "b", "c"])[Y], card=X[:, 1] > 0.5, sum=X[:, 2] * 5e3
    )
    rows.to_parquet("table.parquet")
    compare(in_folder / "table.parquet", "--label", "kind")
    comparison = Comparison.read("out")
    expected = comparison.predict("table.parquet")
    other = rows.assign(
        card=np.where(rows["card"], "yes", "no"),
        sum=rows["sum"].map("{:,.9f}".format),
    )
    other.to_csv("other.csv", index=False)
    found = comparison.predict("other.csv")
    assert found["card"].tolist() == other["card"].tolist()
    np.testing.assert_allclose(
        found.filter(like="probability_"),
        expected.filter(like="probability_"),
        atol=1e-5,
    )
    other.assign(sum="much").to_csv("other.csv", index=False)
    assert main(["predict", "out", "other.csv"]) == 2
    assert "sum of other.csv must hold numbers" in capsys.readouterr().err


def test_chosen_thresholds_are_used(in_folder):
    np.savez("tags.npz", x=X, y=(X[:, :3] > [0.5, 1.5, 1.0]).astype(int))
    compare(in_folder / "tags.npz", "--metric", "f1")
    comparison = Comparison.read("out")
    np.savez("new.npz", x=X[:20])
    found = comparison.predict("new.npz")
    p = found[[f"probability_{k}" for k in range(3)]].to_numpy()
    answers = found[[f"predicted_{k}" for k in range(3)]].to_numpy()
    whole = comparison.finish().predict(X[:20], verbose=0)
    if set(np.unique(whole)) <= {0, 1}:
        np.testing.assert_array_equal(answers, whole)
    else:
        np.testing.assert_allclose(p, whole, atol=1e-6)
        np.testing.assert_array_equal(answers, p >= 0.5)
    np.testing.assert_array_equal(
        comparison.predict("new.npz", threshold=0.9).filter(like="predicted_"),
        p >= 0.9,
    )


@pytest.mark.parametrize("backbone", [False, True])
def test_images(in_folder, backbone, capsys):
    more = []
    if backbone:
        more = ["--backbone", write_preset(in_folder / "preset", 16, 1.0, 0.0)]
    names = ["dent", "ok"]
    for place, (name, count) in enumerate(zip(names, (12, 24), strict=True)):
        (in_folder / "photos" / name).mkdir(parents=True)
        for i in range(count):
            pixels = RNG.integers(0, 100, (20, 24, 3)) + 100 * place
            Image.fromarray(pixels.astype("uint8")).save(
                in_folder / "photos" / name / f"{i}.png"
            )
    compare(in_folder / "photos", *more)
    comparison = Comparison.read("out")
    # Folders within folders, and none for each class.
    (in_folder / "new" / "deep").mkdir(parents=True)
    for i in range(3):
        where = in_folder / "new" / ("deep" if i else "")
        (in_folder / "photos" / "ok" / f"{i}.png").rename(where / f"{i}.png")
    found = comparison.predict("new")
    assert found["file"].tolist() == ["new/0.png", "new/deep/1.png", "new/deep/2.png"]
    assert set(found["predicted"]) <= set(names)
    one = comparison.predict("new/0.png")
    np.testing.assert_allclose(
        one.iloc[0, 2:].astype(float), found.iloc[0, 2:].astype(float), atol=1e-6
    )
    (in_folder / "new" / "deep" / "1.png").write_bytes(b"no image")
    with pytest.warns(UserWarning, match="^1 of 3 image files in new cannot be read"):
        comparison.predict("new")
    capsys.readouterr()
    assert main(["predict", "out", "new", "--output", "a/found.parquet"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert said.count("Warning: 1 of 3 image files") == 1
    assert pd.read_parquet("a/found.parquet")["file"].tolist() == [
        "new/0.png",
        "new/deep/2.png",
    ]


def photos_of(folder, counts, size):
    """Writes a folder of images for each class; those of one are brighter."""
    for place, (name, count) in enumerate(counts.items()):
        (folder / name).mkdir(parents=True)
        for i in range(count):
            pixels = RNG.integers(0, 100, (*size, 3)) + 70 * place
            Image.fromarray(pixels.astype("uint8")).save(folder / name / f"{i}.png")


@pytest.mark.slow
@pytest.mark.parametrize("tune", ["head", "stage", "all"])
def test_new_images_are_answered_as_by_the_whole_model(in_folder, tune):
    keras.utils.set_random_seed(5)
    preset = write_preset(in_folder / "preset", 16, 1 / 127.5, -1.0, stages=2)
    counts = {"dent": 12, "ok": 24, "worn": 12}
    photos_of(in_folder / "photos", counts, (20, 24))
    # Of the side that the network takes, so that all read the same pixels.
    photos_of(in_folder / "new", {"a": 2, "b": 3}, (16, 16))
    words = ["--backbone", preset, "--tune", tune, "--epochs", "3"]
    compare(in_folder / "photos", *words)
    comparison = Comparison.read("out")
    found = comparison.predict("new")
    cache = in_folder / "out" / "features"
    whole = comparison.finish(whole=True)
    images = np.stack([np.asarray(Image.open(file)) for file in found["file"]])
    expected = softmax(whole.predict(images, verbose=0).astype("float64"), axis=-1)
    columns = [f"probability_{name}" for name in counts]
    probabilities = found[columns].to_numpy(float)
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)
    assert whole.class_names == list(counts)
    names = np.array(list(counts))[expected.argmax(axis=1)]
    assert found["predicted"].tolist() == names.tolist()
    # The images differ, and so do the answers.
    assert np.ptp(expected, axis=0).max() > 1e-3
    # What is there is neither trained nor computed again.
    files = {path: path.stat().st_mtime_ns for path in cache.rglob("*.npz")}
    assert bool(files) == (tune != "all")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.Model, "fit", None)
        compare(in_folder / "photos", *words)
    assert {p: p.stat().st_mtime_ns for p in cache.rglob("*.npz")} == files


@pytest.mark.parametrize(
    ("content", "more", "message"),
    [
        ({"z": X}, [], "must hold `x`, the examples to predict. It holds z."),
        ({"x": X[:, :3]}, [], "must have examples of shape (4,)"),
        ({"x": X.astype(str)}, [], "must hold numbers"),
        ({"x": X}, ["--threshold", "0.5"], "classes that exclude each other"),
        ({"x": X}, ["--threshold", "5"], "`threshold` must be"),
    ],
)
def test_what_cannot_be_predicted(in_folder, content, more, message, capsys):
    np.savez("mine.npz", x=X, y=Y)
    compare(in_folder / "mine.npz")
    np.savez("new.npz", **content)
    capsys.readouterr()
    assert main(["predict", "out", "new.npz", *more]) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert message in error
    assert "Traceback" not in error


@pytest.mark.slow
def test_tables_and_folders_that_do_not_fit(in_folder, capsys):
    rows = table(kind=np.array(["a", "b", "c"])[Y])
    rows.to_csv("table.csv", index=False)
    compare(in_folder / "table.csv", "--label", "kind")

    def refused(*arguments):
        capsys.readouterr()
        assert main(["predict", *arguments]) == 2
        return " ".join(capsys.readouterr().err.split())

    rows.drop(columns="colour").to_csv("new.csv", index=False)
    assert "It lacks 'colour'." in refused("out", "new.csv")
    rows.assign(predicted=1).to_csv("new.csv", index=False)
    assert "Received 'predicted'. Rename or drop them." in refused("out", "new.csv")
    assert "nowhere.csv" in refused("out", "nowhere.csv")
    reading = in_folder / "out" / "reading.json"
    content = json.loads(reading.read_text())
    reading.write_text(json.dumps({**content, "source": "tables"}))
    assert "is damaged, or was edited" in refused("out", "table.csv")
    del content["checksum"], content["source"]
    reading.write_text(json.dumps(content))
    assert "must hold how a comparison read its data" in refused("out", "table.csv")
    reading.unlink()
    assert "Run the command of the comparison again" in refused("out", "table.csv")
    # Doing so writes it again, and trains nothing.
    compare(in_folder / "table.csv", "--label", "kind")
    assert "runs are finished already" in capsys.readouterr().out
    assert main(["predict", "out", "table.csv"]) == 0


def test_models_of_python_have_no_files_to_read(in_folder):
    from own_data import compare as compare_in_python

    comparison, _ = compare_in_python(in_folder / "python", seeds=1, epochs=1)
    with pytest.raises(ValueError, match="files of your own"):
        comparison.predict("new.csv")
    with pytest.raises(ValueError, match="files of your own"):
        comparison.finish(whole=True)
    assert isinstance(comparison.finish(), keras.Model)


def probabilities_of(model, inputs):
    outputs = model.predict(inputs, verbose=0).astype("float64")
    return softmax(outputs, axis=-1)


def test_the_whole_model_of_a_table_takes_its_columns(in_folder):
    numbers = {f"n{k}": X[:, k].astype("float64") for k in range(4)}
    rows = pd.DataFrame({**numbers, "kind": np.array(["a", "b", "c"])[Y]})
    is_tensorflow = keras.backend.backend() == "tensorflow"
    if is_tensorflow:
        rows = table(**numbers, kind=rows["kind"])
    rows.to_csv("table.csv", index=False)
    compare(in_folder / "table.csv", "--label", "kind")
    comparison = Comparison.read("out")
    with pytest.warns(UserWarning, match=r"takes `features`.*`finish\(whole=True\)`"):
        network = comparison.finish()
    assert [tensor.name for tensor in network.inputs] == ["features"]
    comparison.finish(whole=False)
    whole = comparison.finish(whole=True)
    assert whole.class_names == ["a", "b", "c"]
    sent = {name: rows[name].to_numpy("float32")[:, None] for name in numbers}
    if is_tensorflow:
        sent["size_cm"] = rows["size (cm)"].to_numpy("float32")[:, None]
        for name in ("colour", "note"):
            texts = rows[name].fillna("").to_numpy(object)[:, None]
            sent[name] = keras.ops.convert_to_tensor(texts)
    assert {tensor.name for tensor in whole.inputs} == set(sent)
    expected = comparison.predict("table.csv").filter(like="probability_")
    given = [sent[tensor.name] for tensor in whole.inputs]
    np.testing.assert_allclose(probabilities_of(whole, given), expected, atol=1e-5)


SERVE = """
import json
import sys
import numpy as np
import tensorflow as tf
sent = json.load(open(sys.argv[2]))
serve = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
_, types = serve.structured_input_signature
assert set(sent) == set(types)
answer = serve(**{name: tf.constant(sent[name], types[name].dtype) for name in sent})
assert "keras_ccar" not in sys.modules
json.dump({name: value.numpy().astype("U").tolist() for name, value in answer.items()},
          open(sys.argv[3], "w"))
"""


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="torch exports nothing")
def test_the_whole_model_is_served_with_thresholds_of_its_predictions(in_folder):
    columns = {"amount (EUR)": np.where(np.arange(90) == 70, np.nan, X[:, 1])}
    if keras.backend.backend() == "tensorflow":
        columns = dict(table(), **columns)
    yes_or_no = np.where(Y > 0, "fraud", "ok")
    rows = pd.DataFrame(dict(columns, label=yes_or_no))
    october, november = rows.iloc[:60], rows.iloc[60:].drop(columns="label")
    october.to_csv("october.csv", index=False)
    november.to_csv("november.csv", index=False)
    # By a metric of answers the comparison may choose thresholds of its own.
    words = ["--label", "label", "--metric", "average_precision", "--epochs", "10"]
    compare(in_folder / "october.csv", *words)
    comparison = Comparison.read("out")
    known = comparison.predict("october.csv")
    tuned = posthoc.tune_thresholds(
        known[["probability_fraud"]].to_numpy(),
        (known["label"] == "fraud").to_numpy().astype(int),
        from_logits=False,
        objective=[[0, 5], [10, 0]],
    )
    whole = posthoc.chain(comparison.finish(whole=True), tuned)
    folder = serving.export(whole, in_folder / "served")
    sent = {}
    for column, values in november.items():
        name = re.sub(r"\W+", "_", column).strip("_")
        sent[name] = values.to_numpy()[:, None].tolist()
    (in_folder / "sent.json").write_text(json.dumps(sent), "utf-8")
    words = [str(folder), "sent.json", "answer.json"]
    process = subprocess.run(
        [sys.executable, "-c", SERVE, *words], capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
    answer = json.loads((in_folder / "answer.json").read_text("utf-8"))
    expected = comparison.predict("november.csv", threshold=tuned.thresholds[0])
    p = expected["probability_fraud"].to_numpy()
    # Both answers come, and none by rounding.
    assert set(expected["predicted"]) == {"fraud", "ok"}
    assert abs(p - tuned.thresholds[0]).min() > 1e-5
    assert answer["class_names"][0] == ["ok", "fraud"]
    served = np.array(answer["probabilities"], "float64")
    np.testing.assert_allclose(served, np.stack([1 - p, p], axis=1), atol=1e-5)
    decided = [row[-1] == "True" for row in answer["decisions"]]
    assert decided == (expected["predicted"] == "fraud").tolist()


def test_text_is_for_tensorflow(in_folder):
    if keras.backend.backend() == "tensorflow":
        pytest.skip("TensorFlow has text")
    table(kind=Y).to_csv("table.csv", index=False)
    compare(in_folder / "table.csv", "--label", "kind")
    with pytest.raises(ValueError, match=r"colour, note.*KERAS_BACKEND=tensorflow"):
        Comparison.read("out").finish(whole=True)


@pytest.mark.tensorflow_only
def test_the_whole_model_of_numbers_that_float32_does_not_hold_is_refused(in_folder):
    x = X.astype("float64") + 1e9
    np.savez("far.npz", x=x, y=Y)
    compare(in_folder / "far.npz")
    comparison = Comparison.read("out")
    comparison.finish()  # needs no warning
    with pytest.raises(ValueError, match=r"digits float32 holds.*--export"):
        comparison.finish(whole=True)


def of_a_german_shop():
    """Points between thousands, decimal commas, codes of digits and others, gaps."""
    prices = RNG.integers(50, 5000, 90)
    return pd.DataFrame(
        {
            "account": [f"90071992547409{i:02}" for i in range(89)] + [""],
            "zip": [f"0{i:04}" for i in range(90)],
            "country": ["NA", "DE", "None"] * 30,
            "price": [f"{price:,}".replace(",", ".") for price in prices],
            "length": [f"{x:.1f}".replace(".", ",") for x in RNG.gamma(2, 8, 90)],
            "code": RNG.choice(["007", "012", "A1"], 90),
            "is_new": RNG.choice(["True", "False"], 90),
            "kind": np.array(["a", "b", "c"])[Y],
        }
    )


def test_rows_alone_are_answered_as_in_the_whole_file(in_folder):
    rows = of_a_german_shop()
    rows.to_csv("t.csv", sep=";", index=False)
    compare(in_folder / "t.csv", "--label", "kind", "--drop", "account", "zip")
    comparison = Comparison.read("out")
    whole = comparison.predict("t.csv")
    shares = [f"probability_{name}" for name in "abc"]
    thousands = np.flatnonzero(rows["price"].str.contains(".", regex=False))[:4]
    for indices in (*thousands[:, None], thousands, np.arange(0, 90, 30)):
        rows.iloc[indices].to_csv("new.csv", sep=";", index=False)
        found = comparison.predict("new.csv")
        expected = whole.iloc[indices].reset_index(drop=True)
        np.testing.assert_allclose(found[shares], expected[shares], atol=1e-6)
    # In Python, what was trained on as a number is one; of the rest what is sure to be.
    prices = rows["price"].str.replace(".", "").astype(int)
    assert whole["price"].tolist() == prices.tolist()
    assert whole["is_new"].tolist() == (rows["is_new"] == "True").tolist()
    for name in ("zip", "account", "country", "code"):
        assert whole[name].tolist() == rows[name].tolist()


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_the_columns_that_are_written_are_those_of_the_file(in_folder, suffix):
    rows = of_a_german_shop()
    rows.to_csv("t.csv", sep=";", index=False)
    compare(in_folder / "t.csv", "--label", "kind", "--drop", "account", "zip")
    rows.to_csv("new.csv", sep=";", index=False)
    assert main(["predict", "out", "new.csv", "--output", f"found.{suffix}"]) == 0
    if suffix == "csv":
        found = pd.read_csv("found.csv", dtype=str, keep_default_na=False)
    else:
        found = pd.read_parquet("found.parquet")
    pd.testing.assert_frame_equal(found[rows.columns], rows)


def test_categories_that_training_rows_lack_are_said(in_folder, capsys):
    rows = of_a_german_shop()
    rows.to_csv("t.csv", sep=";", index=False)
    compare(in_folder / "t.csv", "--label", "kind", "--drop", "account", "zip")
    capsys.readouterr()
    rows.loc[:2, "code"] = ["7", "a1", ""]
    rows.to_csv("new.csv", sep=";", index=False)
    assert main(["predict", "out", "new.csv"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "which say nothing of their rows: code (2 of 89: '7', 'a1')." in said
    # What messages advise can be done.
    rows.assign(length="").to_csv("new.csv", sep=";", index=False)
    assert main(["predict", "out", "new.csv"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "not known there, compare again with `--drop length`." in said


def test_what_the_command_warns_of_are_warnings_in_python(in_folder, capsys):
    rows = of_a_german_shop()
    rows.to_csv("t.csv", sep=";", index=False)
    compare(in_folder / "t.csv", "--label", "kind", "--drop", "account", "zip")
    comparison = Comparison.read("out")
    rows.loc[:2, "code"] = ["7", "a1", ""]
    rows.loc[3, "length"] = "12 EUR"
    rows.assign(price="").to_csv("new.csv", sep=";", index=False)
    capsys.readouterr()
    assert main(["predict", "out", "new.csv"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        comparison.predict("new.csv")
    # NumPy deprecates what Keras does on torch.
    told = [one for one in told if one.category is not DeprecationWarning]
    told = [one for one in told if "The probabilities of" not in str(one.message)]
    expected = (
        "price is empty in all rows of new.csv",
        "values of new.csv that are no numbers are read as missing: length (1 of 90",
        "new.csv has categories that no training row has",
    )
    for one, beginning in zip(told, expected, strict=True):
        assert str(one.message).startswith(beginning)
        assert one.category is UserWarning
        assert one.filename == __file__
        assert said.count(f"Warning: {one.message}") == 1
    # A file with nothing to warn of; that semicolons divide it is no warning.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The probabilities of")
        comparison.predict("t.csv")


def test_files_as_spreadsheets_write_them(in_folder):
    rows = of_a_german_shop()
    rows.to_csv("t.csv", sep=";", index=False)
    compare(in_folder / "t.csv", "--label", "kind", "--drop", "account", "zip")
    comparison = Comparison.read("out")
    expected = comparison.predict("t.csv")
    names, *lines = (in_folder / "t.csv").read_text().splitlines()
    without_its_kind = [names, *lines[:-1], lines[-1].rpartition(";")[0]]
    for written in (
        ["sep=;", names, *lines],
        [names, *(f"{line};" for line in lines)],
        without_its_kind,
    ):
        (in_folder / "new.csv").write_text("\n".join(written))
        is_short = written is without_its_kind
        said = pytest.warns(UserWarning, match=r"^1 of \d+ rows has fewer values than")
        with said if is_short else contextlib.nullcontext():
            found = comparison.predict("new.csv")
        assert found.columns.tolist() == expected.columns.tolist()
        answers = expected.columns[len(rows.columns) :]
        pd.testing.assert_frame_equal(found[answers], expected[answers])


def test_files_that_cannot_be_written_or_read(in_folder, capsys):
    np.savez("mine.npz", x=X, y=Y)
    compare(in_folder / "mine.npz")
    np.save("new.npy", X)
    for arguments, message in (
        (["new.npy"], "it holds a single array, without a name"),
        (["mine.npz", "--output", "mine.npz"], "a .csv or .parquet file"),
        (["mine.npz", "--output", "found.xlsx"], "a .csv or .parquet file"),
    ):
        capsys.readouterr()
        assert main(["predict", "out", *arguments]) == 2
        error = " ".join(capsys.readouterr().err.split())
        assert message in error
    rows = table(kind=np.array(["a", "b", "c"])[Y])
    rows.to_csv("table.csv", index=False)
    before = (in_folder / "table.csv").read_bytes()
    assert main(["predict", "out", "table.csv", "--output", "./table.csv"]) == 2
    assert "another file than the data" in capsys.readouterr().err
    assert (in_folder / "table.csv").read_bytes() == before


def test_labels_of_digits_are_predicted_as_they_are_written(in_folder):
    rows = table(kind=np.array(["01", "02", "1"])[Y])
    rows.to_csv("table.csv", index=False)
    compare(in_folder / "table.csv", "--label", "kind")
    assert main(["predict", "out", "table.csv"]) == 0
    found = pd.read_csv("table-predicted.csv", dtype=str)
    assert found["kind"].tolist() == rows["kind"].tolist()
    assert set(found["predicted"]) <= {"01", "02", "1"}
    assert (found["predicted"] == found["kind"]).mean() > 0.3


def test_the_report_is_written_again_beside_what_predict_needs(in_folder, capsys):
    np.savez("mine.npz", x=X, y=Y)
    compare(in_folder / "mine.npz")
    (in_folder / "out" / "report.html").unlink()
    assert main(["report", "out"]) == 0
    assert (in_folder / "out" / "report.html").exists()
    assert main(["predict", "out", "mine.npz"]) == 0


def test_a_metric_of_a_group_without_classes(in_folder, capsys):
    np.savez("mine.npz", x=X, y=Y)
    arguments = ["compare", "mine.npz", *SHORT, "--output", "out", "--metric"]
    assert main([*arguments, "many"]) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert "Received: 'many', but no class is many-shot" in error
    assert not list(in_folder.glob("out/runs/*"))
    assert main([*arguments, "few"]) == 0
    assert Comparison.read("out").best().title


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("classes", [(1, 2, 3), (False, True, True), ("01", "1", "x")])
def test_predicted_classes_are_of_the_type_of_the_labels(in_folder, suffix, classes):
    """So that both can be compared."""
    rows = table(kind=np.array(classes)[Y])
    path = in_folder / f"t.{suffix}"
    rows.to_csv(path, index=False) if suffix == "csv" else rows.to_parquet(path)
    compare(path, "--label", "kind")
    found = Comparison.read("out").predict(path)
    assert set(found["predicted"]) <= set(found["kind"]) == set(classes)
