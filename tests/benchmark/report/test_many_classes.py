"""Reports of very many classes are drawn in seconds, and their pages are small."""

import re

import keras
import numpy as np
import pytest
from made_results import made_results
from matplotlib.figure import Figure

from keras_ccar import CCARLoss
from keras_ccar.benchmark.report.figures import figure_style
from keras_ccar.benchmark.report.figures.all_figures import draw_all
from keras_ccar.benchmark.report.shown_classes import drawn_places, listed_classes
from keras_ccar.benchmark.report.write import html
from keras_ccar.datasets import long_tailed_counts

CLASSES = 10_000


def made_with_many_classes(epochs=3):
    results = made_results({"ce": [38.0], "ccar": [39.0]}, epochs=epochs)
    counts = long_tailed_counts(CLASSES, 500, 100.0).tolist()
    results.dataset["class_counts"] = counts
    results.dataset["class_names"] = [f"species {at}" for at in range(CLASSES)]
    random = np.random.default_rng(0)
    for method in results.methods:
        loss = CCARLoss(counts)
        method["loss"] = keras.saving.serialize_keras_object(loss)
    for run in results.run_entries:
        run["per_class_accuracy"] = random.uniform(0, 100, CLASSES).tolist()
        run["history"]["confidence"] = random.uniform(0, 1, (epochs, CLASSES)).tolist()
    return results


def test_a_page_of_ten_thousand_classes_is_small():
    results = made_with_many_classes()
    page = html(results, draw_all(results))
    assert len(page.encode()) < 2_000_000
    # Half of the rows are frequent classes, the other half rare ones.
    assert re.findall(r"<td>species (\d+)</td>", page) == [
        str(at) for at in (*range(250), *range(CLASSES - 250, CLASSES))
    ]
    assert "the 250 rarest of 10000 classes; all are in results.json" in page


@pytest.mark.parametrize("classes", [1, 20, 1000, 1001, 8142, CLASSES])
def test_the_rarest_class_is_always_drawn(classes):
    places = drawn_places(classes)
    assert places[-1] == classes - 1
    assert len(places) == classes if classes <= 1000 else 200 <= len(places) <= 250
    assert len(set(np.diff(places))) <= 1


def test_a_thousand_classes_are_listed_in_their_own_order():
    counts = list(range(1000))
    assert listed_classes(counts, "x.json") == ("1000 classes", counts)


def test_a_line_a_class_in_one_collection():
    counts = np.array([5.0, 40.0, 1.0])
    values = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, np.nan]])
    axes = Figure().subplots()
    figure_style.class_curves(axes, values, counts)
    (lines,) = axes.collections
    # From the most frequent class to the rarest.
    drawn = [path.vertices[:, 1].tolist() for path in lines.get_paths()]
    np.testing.assert_array_equal(drawn, values[:, [1, 0, 2]].T)
    shades = figure_style.RARE_TO_FREQUENT([1.0, 0.5, 0.0])
    np.testing.assert_allclose(lines.get_colors(), shades)


def test_one_epoch_is_a_dot_a_class():
    axes = Figure().subplots()
    figure_style.class_curves(axes, np.array([[0.1, 0.2]]), np.array([5.0, 4.0]))
    dots, _ = axes.collections
    assert dots.get_offsets().tolist() == [[1, 0.1], [1, 0.2]]
