"""The page of a training, from the command line."""

import pathlib
import shutil

import keras
import numpy as np
import pytest

import keras_ccar
from keras_ccar.benchmark.cli import main

ROOT = pathlib.Path(__file__).parents[3]
COUNTS = [150, 40, 5]


def fitted(class_names):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model.compile("sgd", keras_ccar.CCARLoss(COUNTS, from_logits=True))
    callback = keras_ccar.CCARCallback(class_names=class_names)
    y = np.repeat(np.arange(2), COUNTS[:2])  # the last class is never seen
    model.fit(np.ones((190, 4)), y, epochs=2, verbose=0, callbacks=[callback])
    return callback


def test_report_of_a_training(tmp_path, capsys):
    callback = fitted(["a$x$", "<b>", "c & d"])
    path = tmp_path / "history.json"
    callback.save_history(path)
    assert main(["report", str(path)]) == 0
    page = (tmp_path / "history.html").read_text("utf-8")
    assert "<h1>Training with CCARLoss</h1>" in page
    assert page.count("data:image/png;base64,") == 3
    assert "<td>&lt;b&gt;</td>" in page
    assert "<b>" not in page
    last = callback.statistics()
    weight = last["mean_weight"]
    for text in (f"{weight[0]:.3f}", f"{weight[1]:.3f}", "–"):
        assert f"<td>{text}</td>" in page
    both = np.average(weight[:2], weights=COUNTS[:2])
    printed = capsys.readouterr().out
    assert "CCARLoss, 2 epochs" in printed
    assert f"{both:.3f}" in printed


def test_report_of_one_sigmoid(tmp_path, capsys):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", keras_ccar.BinaryCCARLoss([5], 50, from_logits=True))
    callback = keras_ccar.CCARCallback()
    y = (np.arange(50) < 5).astype("float32")
    model.fit(np.ones((50, 4)), y, verbose=0, callbacks=[callback])
    callback.save_history(tmp_path / "history.json")
    assert main(["report", str(tmp_path / "history.json")]) == 0
    weight = callback.statistics()["mean_weight"][0]
    assert f"{weight:.3f}" in capsys.readouterr().out


def test_other_files_are_rejected(tmp_path, capsys):
    (tmp_path / "a.json").write_text("[]")
    assert main(["report", str(tmp_path / "a.json")]) == 2
    assert "CCARCallback.save_history" in capsys.readouterr().err
    (tmp_path / "b.json").write_text("no JSON")
    assert main(["report", str(tmp_path / "b.json")]) == 2


def test_beside_a_comparison(tmp_path, capsys):
    """One command for both, and neither is taken for the other."""
    comparison = ROOT / "benchmarks" / "results" / "digits-lt" / "results.json"
    (tmp_path / "digits-lt").mkdir()
    shutil.copy(comparison, tmp_path / "digits-lt")
    path = tmp_path / "history.json"
    fitted(None).save_history(path)
    page = tmp_path / "page.md"
    assert main(["report", str(tmp_path), str(path), "--page", str(page)]) == 0
    assert (tmp_path / "history.html").exists()
    assert (tmp_path / "digits-lt" / "report.html").exists()
    printed = capsys.readouterr().out
    assert "digits-lt" in page.read_text("utf-8")
    assert "history.json" not in page.read_text("utf-8")
    assert printed.count("Report: ") == 2


def test_nothing_to_save_before_training(tmp_path):
    with pytest.raises(RuntimeError, match="before the end of the first epoch"):
        keras_ccar.CCARCallback().save_history(tmp_path / "history.json")
