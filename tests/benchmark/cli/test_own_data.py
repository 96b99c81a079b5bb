"""`keras-ccar compare` on one's own files: to a report and an exported model."""

import json
import shlex
import subprocess
import sys

import keras
import numpy as np
import pandas as pd
import pytest
from own_data import compare_as_command
from PIL import Image
from scipy.special import softmax
from small_preset import write_preset

from keras_ccar.benchmark.cli import main
from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.own_data.planning.loss_choice import DEFAULT_NAMES
from keras_ccar.benchmark.own_data.training.saved_models import finish
from keras_ccar.benchmark.sources.options import SourceOptions
from keras_ccar.benchmark.sources.read import read_data
from keras_ccar.serving import jax_programs

SHORT = [
    "--seeds",
    "1",
    "--epochs",
    "2",
    "--batch-size",
    "16",
    "--losses",
    "ce",
    "ccar",
]
RNG = np.random.default_rng(0)
Y = RNG.permutation(np.repeat([0, 1, 2], [60, 20, 10]))
X = (RNG.normal(size=(90, 4)) + Y[:, None]).astype("float32")

ASK = """
import sys
import numpy as np
import tensorflow as tf
rows = np.load(sys.argv[2])
serve = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
answer = serve(**{name: tf.constant(rows[name]) for name in rows.files})
assert "keras_ccar" not in sys.modules
np.save(sys.argv[3], answer["probabilities"].numpy())
print(answer["class_names"].numpy()[0].astype(str).tolist())
"""


def figures(folder):
    results = json.loads((folder / "results.json").read_text("utf-8"))
    columns = ("method", "seed", "status", "splits", "history", "chosen")
    return [[run.get(column) for column in columns] for run in results["runs"]]


def ask(folder, tmp_path, **rows):
    """What an exported model answers in a process without this package."""
    np.savez(tmp_path / "rows.npz", **rows)
    files = [str(folder), str(tmp_path / "rows.npz"), str(tmp_path / "answer.npy")]
    process = subprocess.run(
        [sys.executable, "-c", ASK, *files], capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
    return np.load(tmp_path / "answer.npy"), process.stdout.strip()


@pytest.mark.slow
def test_the_command_and_python_give_the_same_digits(tmp_path, capsys):
    path = tmp_path / "mine.npz"
    np.savez(path, x=X, y=Y)
    arguments = ["compare", str(path), *SHORT, "--output", str(tmp_path / "a b")]
    assert main(arguments) == 0
    assert "72 train, 18 validation examples; 3 classes" in capsys.readouterr().out
    data = read_data(path, SourceOptions())
    comparison = compare_as_command(data, ["ce", "ccar"], 16, tmp_path / "python")
    assert len(comparison.finished) >= 2
    assert figures(tmp_path / "a b") == figures(tmp_path / "python")
    # Nothing is trained again by the recorded command.
    command = Comparison.read(tmp_path / "a b").command
    backend, program, *words = shlex.split(command)
    assert (backend, program) == (
        f"KERAS_BACKEND={keras.backend.backend()}",
        "keras-ccar",
    )
    assert words == arguments
    assert main(words) == 0
    assert "runs are finished already" in capsys.readouterr().out


@pytest.mark.slow
def test_what_another_comparison_put_aside_says_that_it_cannot_predict(
    tmp_path, capsys
):
    for name, shift in (("may", 0), ("june", 1)):
        np.savez(tmp_path / f"{name}.npz", x=X + shift, y=Y)
        arguments = [str(tmp_path / f"{name}.npz"), "--output", str(tmp_path / "runs")]
        assert main(["compare", *arguments, *SHORT]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "which cannot predict: use another folder for each comparison" in shown
    aside = Comparison.read(tmp_path / "runs" / "earlier" / "1")
    told = r"cannot predict\. Run its command again with another `--output`"
    with pytest.raises(ValueError, match=told):
        aside.predict(tmp_path / "may.npz")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["softmax", "binary"])
def test_an_exported_table_takes_the_columns(tmp_path, kind, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = pd.DataFrame(
        {
            "size (cm)": X[:, 0],
            "colour": np.array(["red", "green", "blue"])[RNG.integers(0, 3, 90)],
            "kind": np.array(["a", "b", "c"])[Y],
        }
    )
    if kind == "binary":
        rows["kind"] = np.where(Y == 2, "rare", "common")
    rows.loc[3, ["size (cm)", "colour"]] = np.nan
    rows.to_csv("table.csv", index=False)
    label = ["--label", "kind", "--export", "served"]
    assert main(["compare", "table.csv", *label, *SHORT]) == 0
    out = " ".join(capsys.readouterr().out.split())
    best = Comparison.read("runs/table").best()
    assert (
        f"Exported for TensorFlow Serving: served/1. It is the model of {best.title}, "
        "chosen on the validation data, and takes colour, size_cm"
    ) in out
    # A client sends what is in the table; a missing number is NaN, a text empty.
    sent = {
        "size_cm": rows["size (cm)"].to_numpy("float32")[:5, None],
        "colour": rows["colour"].fillna("").to_numpy(str)[:5, None],
    }
    answer, names = ask(tmp_path / "served" / "1", tmp_path, **sent)
    expected = "['common', 'rare']" if kind == "binary" else "['a', 'b', 'c']"
    assert names == expected
    assert answer.shape == (5, 2 + (kind == "softmax"))
    np.testing.assert_allclose(answer.sum(axis=1), 1, atol=1e-5)
    data = read_data(tmp_path / "table.csv", SourceOptions(label=("kind",)))
    whole = data.make_whole(finish(Comparison.read(tmp_path / "runs" / "table")))
    assert {tensor.name for tensor in whole.inputs} == set(sent)


@pytest.mark.slow
@pytest.mark.skipif(keras.backend.backend() == "torch", reason="torch exports nothing")
@pytest.mark.parametrize("tune", ["stage", "all"])
def test_an_exported_backbone_takes_raw_images(tmp_path, tune, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    keras.utils.set_random_seed(6)
    preset = write_preset(tmp_path / "preset", 16, 1 / 127.5, -1.0, stages=2)
    counts = {"dent": 12, "ok": 24, "worn": 12}
    for place, (name, count) in enumerate(counts.items()):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(count):
            pixels = RNG.integers(0, 100, (20, 24, 3)) + 70 * place
            image = Image.fromarray(pixels.astype("uint8"))
            image.save(tmp_path / "photos" / name / f"{i}.png")
    words = ["compare", "photos", "--backbone", preset, "--tune", tune, *SHORT]
    assert main([*words, "--export", "served"]) == 0
    # The rate is that of layers that were trained before.
    comparison = Comparison.read(tmp_path / "runs" / "photos")
    assert comparison.recipe["learning_rate"] == pytest.approx(1e-4)
    out = " ".join(capsys.readouterr().out.split())
    assert "Exported for TensorFlow Serving: served/1. It is the model of" in out
    assert ", chosen on the validation data, and takes image." in out
    images = RNG.integers(0, 256, (3, 30, 18, 3)).astype("uint8")
    answer, names = ask(tmp_path / "served" / "1", tmp_path, image=images)
    assert names == "['dent', 'ok', 'worn']"
    cache = tmp_path / "runs" / "photos" / "features"
    options = SourceOptions(backbone=preset, tune=tune, cache=cache)
    whole = read_data(tmp_path / "photos", options).make_whole(finish(comparison))
    logits = whole.predict(images, verbose=0).astype("float64")
    np.testing.assert_allclose(answer, softmax(logits, axis=-1), atol=1e-4)


def test_a_last_stage_that_is_none_is_told_before_training(tmp_path, capsys):
    preset = write_preset(tmp_path / "preset", 16, 1.0, 0.0)
    for name in ("a", "b"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(3):
            image = Image.fromarray(RNG.integers(0, 256, (16, 16, 3)).astype("uint8"))
            image.save(tmp_path / "photos" / name / f"{i}.png")
    words = ["compare", str(tmp_path / "photos"), "--backbone", preset, *SHORT]
    assert main([*words, "--tune", "stage", "--output", str(tmp_path / "o")]) == 2
    assert "Train all of it with `--tune all`" in capsys.readouterr().err


def test_the_columns_of_a_table_are_chosen(tmp_path, capsys):
    rows = pd.DataFrame(
        {
            "x": X[:, 0],
            "pos": np.arange(90),
            "row": np.arange(90),
            "leak": Y,
            "user": [f"U{i // 3}" for i in RNG.permutation(90)],
            "kind": Y,
        }
    )
    rows.iloc[:70].to_csv(tmp_path / "t.csv", index=False)
    late = rows.iloc[70:].assign(user="late")
    late.to_csv(tmp_path / "late.csv", index=False)
    arguments = ["compare", str(tmp_path / "t.csv"), "--label", "kind", *SHORT]
    arguments += ["--output", str(tmp_path / "o"), "--group", "user"]
    arguments += ["--drop", "leak", "--keep", "pos"]
    assert main([*arguments, "--validation", str(tmp_path / "late.csv")]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "left out: row (a whole number that is another one in nearly every" in out
    assert "Columns by what they hold: number: x, pos. " in out
    assert "train (70 rows), 1 in validation (20 rows). " in out
    assert "t: 70 train, 20 validation examples; 3 classes" in out
    assert main([*arguments[:-2], "--keep", "who"]) == 2
    error = capsys.readouterr().err
    assert "`--keep` must name columns of" in error
    assert "Received: 'who'; expected some of 'x', 'pos'" in error


def test_unknown_answers_do_not_count(tmp_path, capsys):
    rows = pd.DataFrame(X, columns=list("abcd"))
    rows["big"] = np.where(Y == 1, "yes", "no")
    rows["old"] = np.where(Y == 2, 1.0, 0.0)
    rows.loc[::5, "big"], rows.loc[1::7, "old"] = None, np.nan
    rows.to_csv(tmp_path / "t.csv", index=False)
    given = ["compare", str(tmp_path / "t.csv"), "--label", "big", "old", *SHORT]
    assert main([*given, "--output", str(tmp_path / "run")]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "25 of 174 answers in" in printed
    assert "15 of big, 10 of old" in printed
    comparison = Comparison.read(tmp_path / "run")
    assert comparison.failed == []
    assert comparison.dataset["ignoring"] == "ignore_value=-1"
    no, yes = np.array(comparison.dataset["counts"]).T
    assert (no + yes < 90).all()
    assert comparison.finished["average_precision"].notna().all()


def test_exports_that_are_refused_before_training(tmp_path, capsys):
    np.savez(tmp_path / "mine.npz", x=X, y=Y)
    served = tmp_path / "served"
    (served / "1").mkdir(parents=True)
    (served / "notes.txt").write_text("mine")
    arguments = ["compare", str(tmp_path / "mine.npz"), "--output", str(tmp_path / "o")]
    assert main([*arguments, "--export", str(served)]) == 2
    error = capsys.readouterr().err
    assert "nothing but numbered versions" in error
    assert "'notes.txt'" in error
    assert main([*arguments, "--tune", "head"]) == 2
    assert "`--tune` needs `--backbone`" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="torch exports nothing")
def test_the_same_command_exports_the_next_version(tmp_path, capsys):
    np.savez(tmp_path / "mine.npz", x=X, y=Y)
    served = tmp_path / "served"
    arguments = ["compare", str(tmp_path / "mine.npz"), "--output", str(tmp_path / "o")]
    arguments += [*SHORT, "--export", str(served)]
    (served / "7").mkdir(parents=True)
    for version in (8, 9):
        assert main(arguments) == 0
        assert (served / str(version) / "saved_model.pb").exists()
        out = " ".join(capsys.readouterr().out.replace("\n", "").split())
        assert f"so this is version {version}" in out


def test_versions_that_cannot_export_are_refused_before_training(
    tmp_path, monkeypatch, capsys
):
    np.savez(tmp_path / "mine.npz", x=X, y=Y)
    arguments = ["compare", str(tmp_path / "mine.npz"), "--output", str(tmp_path / "o")]
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    monkeypatch.setattr(jax_programs, "tensorflow_reads_jax", lambda: False)
    assert main([*arguments, "--export", str(tmp_path / "served")]) == 2
    assert "which does not read what JAX" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("backend", ["jax", "torch"])
@pytest.mark.parametrize(
    ("column", "values"),
    [("colour", ["red", "blue"] * 45), ("seconds", 1.7e9 + np.arange(90) % 50)],
)
def test_text_and_float64_need_tensorflow_to_be_exported(
    tmp_path, column, values, backend, monkeypatch, capsys
):
    rows = pd.DataFrame({"size": X[:, 0], column: values, "kind": Y})
    rows.to_csv(tmp_path / "t.csv", index=False)
    arguments = ["compare", str(tmp_path / "t.csv"), "--label", "kind"]
    arguments += ["--output", str(tmp_path / "o"), "--export", str(tmp_path / "served")]
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert ("KERAS_BACKEND=tensorflow" if backend == "jax" else "set KERAS_B") in error
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--test", "nowhere"], "`--test` must be a share between 0 and 1, such as"),
        (["--validation", "nowhere"], "or the path of data that are there. Received"),
        (["--validation", "1.5"], "`--validation` must be a share between 0 and 1"),
        (["--drop", "y"], "`--drop` is for tables"),
        (["--test", "0.9"], "must leave something to train on"),
        (["--label", "y"], "`--label` is for tables"),
        (["--backbone", "x"], "`--backbone` is for a folder of images"),
        (["--budget", "soon"], "`budget`"),
        (["--epochs", "0"], "`epochs`"),
        (["--metric", "average_precision"], "average_precision"),
    ],
)
def test_requests_that_cannot_be_met(tmp_path, more, message, capsys):
    np.savez(tmp_path / "mine.npz", x=X, y=Y)
    path = str(tmp_path / "mine.npz")
    output = str(tmp_path / "o")
    assert main(["compare", path, "--output", output, *more]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("keras-ccar: error: ")


@pytest.mark.parametrize("method", ["ldam", "ccar[strength=3]", "sgd"])
def test_methods_of_known_data_sets_are_usage_errors(tmp_path, method, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["compare", str(tmp_path), "--losses", method])
    assert exit_.value.code == 2
    assert ", ".join(DEFAULT_NAMES) in capsys.readouterr().err


def test_count(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pd.DataFrame({"a": range(9), "k": list("xxxxxyyyz")}).to_csv("t.csv", index=False)
    assert main(["count", "t.csv", "--label", "k"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "They are left out: 'z'." in out
    assert "Figure: runs/t/class_counts.png" in out
    figure = tmp_path / "runs" / "t" / "class_counts.png"
    assert figure.read_bytes().startswith(b"\x89PNG")
