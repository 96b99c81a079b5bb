"""The study on tables of many classes: its data, its methods, its page."""

import many_classes
import many_classes_page
import numpy as np
import pandas as pd
import pytest
from yes_or_no_page import whole_draws

from keras_ccar.files import read_json

METHODS = ["cross-entropy", "la-posthoc"]


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Trainings of two epochs."""
    monkeypatch.setitem(many_classes.CONFIGURATION, "epochs", 2)


@pytest.fixture(scope="module")
def vowel():
    return many_classes.load("vowel", 0)


def class_means(data):
    x, y = data.test_arrays
    return np.stack([x[y == label].mean(axis=0) for label in range(data.num_classes)])


def test_tables_are_cut_to_a_long_tail_with_a_balanced_test_set(vowel):
    # 90 rows a class, of which a quarter is for the test.
    assert vowel.class_counts.max() == 68
    assert vowel.class_counts.min() == 3
    assert np.bincount(vowel.test_arrays[1]).tolist() == [22] * 11
    other = many_classes.load("vowel", 1)
    assert other.digest != vowel.digest
    # Other classes are rare.
    assert not np.allclose(class_means(vowel), class_means(other), atol=0.3)


def test_every_table_has_three_classes_or_more():
    for table in many_classes.TABLES:
        data = many_classes.load(table, 0)
        assert data.num_classes >= 3
        assert data.class_counts.min() >= 3
        assert np.isfinite(data.train_arrays[0]).all()


@pytest.mark.parametrize("method", many_classes.METHODS)
def test_every_method_trains(vowel, method):
    row = many_classes.run(vowel, method, 0)
    assert (row["table"], row["fold"], row["method"]) == ("vowel", 0, method)
    assert all(0 <= row[name] <= 1 for name in many_classes_page.MEASURES)


def test_measures_by_hand():
    logits = np.eye(4)[[0, 0, 1, 1, 2, 0, 3, 3]]
    labels = np.repeat(np.arange(4), 2)
    found = many_classes.measures(labels, logits, np.array([9, 7, 2, 1]))
    assert found["balanced_accuracy"] == pytest.approx(7 / 8)
    assert found["rare"] == pytest.approx(3 / 4)
    assert found["frequent"] == 1
    assert found["g_mean"] == pytest.approx(0.5**0.25)


def test_the_page_takes_whole_draws_of_runs_that_are_kept(tmp_path):
    path = tmp_path / "runs.json"
    many_classes.run_all(path, ["vowel", "vehicle"], [0], METHODS)
    rows = read_json(path)["rows"]
    many_classes.run_all(path, ["vowel", "vehicle"], [0], METHODS)
    assert read_json(path)["rows"] == rows
    # A draw that was stopped is left out.
    runs = pd.DataFrame([*rows, {**rows[0], "fold": 1}])
    assert len(whole_draws(runs)) == len(rows) == 4
    many_classes_page.write_page(path, tmp_path / "page.md")
    text = (tmp_path / "page.md").read_text("utf-8")
    assert "on 2 tables of KEEL, 1 draws each" in text
    assert "## Balanced accuracy" in text
    assert "| vowel " in text
    assert "Not yet run." in many_classes_page.page(None)
