import re

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
