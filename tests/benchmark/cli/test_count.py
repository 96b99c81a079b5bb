import re

import numpy as np

from keras_ccar import datasets
from keras_ccar.benchmark.cli import main


def test_count_shows_and_draws_the_class_counts(tmp_path, capsys):
    arguments = ["--imbalance-factor", "20", "--output", str(tmp_path / "counts")]
    assert main(["count", "digits-lt", *arguments]) == 0
    figure = tmp_path / "counts" / "class_counts.png"
    assert figure.read_bytes().startswith(b"\x89PNG")
    output = capsys.readouterr().out
    for count in datasets.load("digits-lt", imbalance_factor=20).class_counts:
        assert re.search(rf"\b{count}\b", output)


def test_rows_of_several_labels_are_not_their_answers(tmp_path, capsys):
    labels = np.random.default_rng(0).random((30, 2)) < [0.5, 0.2]
    np.savez(tmp_path / "tags.npz", x=np.zeros((30, 3)), y=labels.astype(int))
    output = ["--output", str(tmp_path / "counts")]
    assert main(["count", str(tmp_path / "tags.npz"), *output]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "30 rows with 2 yes-or-no labels. How many have each:" in said
    assert str(labels[:, 0].sum()) in said
