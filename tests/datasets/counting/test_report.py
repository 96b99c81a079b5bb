import io

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from keras_ccar.datasets import plot_class_counts, show_class_counts


def shown(*args, **kwargs):
    text = io.StringIO()
    show_class_counts(*args, console=Console(file=text, width=100), **kwargs)
    return text.getvalue()


def test_table_names_counts_and_bars():
    lines = shown([5, 1000, 50], ["owl", "cat", "dog"], title="pets").splitlines()
    rows = {line.split()[1]: line for line in lines if "%" in line}
    assert list(rows) == ["cat", "dog", "owl"]  # from the most to the least frequent
    assert "1,000" in rows["cat"]
    assert "94.79%" in rows["cat"]
    assert rows["cat"].count("█") == 40
    assert rows["dog"].count("█") == 2
    assert any("pets" in line for line in lines)
    assert "1,055 examples of 3 classes, imbalance factor 200" in lines[-1]


def test_long_tables_are_thinned_out():
    text = shown(np.arange(1, 1001), rows=20)
    assert text.count("%") == 20
    assert "20 of 1,000 classes" in text
    assert "│ 999 " in text
    assert "│ 0 " in text


def test_empty_classes_are_reported():
    text = " ".join(shown([7, 0, 1]).split())
    assert "imbalance factor 7 " in text
    assert "1 without an example" in text


def test_names_are_not_markup():
    assert "[bold]x[/bold]" in shown([2, 1], ["[bold]x[/bold]", "y"])


def test_figure_is_a_png(tmp_path):
    path = tmp_path / "counts.png"
    plot_class_counts([500, 50, 5], path, title="pets")
    with Image.open(path) as image:
        assert image.format == "PNG"
        pixels = np.asarray(image.convert("L"))
    assert pixels.std() > 10  # something is drawn


def test_wrong_names():
    with pytest.raises(ValueError, match=r"each of the 2 classes.*3 names"):
        show_class_counts([2, 1], ["a", "b", "c"])
