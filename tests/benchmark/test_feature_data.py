"""The recipe pretrained-head: heads on the features of a pretrained backbone."""

import json
import shlex

import keras
import numpy as np
import pytest
from made_results import made_results
from small_preset import write_preset

from keras_ccar import datasets
from keras_ccar.benchmark.cli import main
from keras_ccar.benchmark.cli.compare import read_request
from keras_ccar.benchmark.feature_data import with_features
from keras_ccar.benchmark.features import backbone_features
from keras_ccar.benchmark.python_api import compare
from keras_ccar.benchmark.runner.request import CompareRequest
from keras_ccar_command.usage import parse

SIZE = 8


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    return write_preset(tmp_path_factory.mktemp("preset"), SIZE, 1 / 127.5, -1.0)


def test_images_are_replaced_by_their_features(preset, tmp_path):
    data = datasets.load("digits-lt")
    found = with_features(data, preset, tmp_path)
    for arrays, features in (
        (data.train_arrays, found.train_arrays),
        (data.test_arrays, found.test_arrays),
    ):
        expected = backbone_features(preset, arrays[0], SIZE, tmp_path / "others")
        np.testing.assert_allclose(features[0], expected, atol=1e-5)
        np.testing.assert_array_equal(features[1], arrays[1])
    assert found.digest != data.digest
    assert found.class_counts.tolist() == data.class_counts.tolist()


@pytest.mark.slow
def test_heads_are_compared_on_features_that_are_computed_once(
    preset, tmp_path, monkeypatch
):
    settings = {"backbone": preset, "epochs": 6, "batch_size": 32}
    arguments = {
        "recipe": "pretrained-head",
        "recipe_settings": settings,
        "output": tmp_path,
    }
    found = compare("digits-lt", ["la"], 1, **arguments)
    assert found.failed == []
    # Far above the 10 % of a guess, though the weights of the backbone were drawn.
    assert (found.finished["balanced"] > 30).all()
    assert found.recipe["backbone"] == preset
    (run,) = json.loads((tmp_path / "results.json").read_text("utf-8"))["runs"]
    assert [of["learning_rate"] for of in run["tried"]] == [0.01, 0.02, 0.04, 0.08]
    # The same call trains and computes nothing.
    monkeypatch.setattr(keras.Model, "fit", None)
    monkeypatch.setattr(keras.Model, "predict_on_batch", None)
    again = compare("digits-lt", ["la"], 1, **arguments)
    assert again.finished["balanced"].tolist() == found.finished["balanced"].tolist()
    assert "backbone" in (tmp_path / "report.html").read_text("utf-8")


def test_the_command_line_names_the_preset_and_no_folder(preset, tmp_path):
    words = ["compare", "digits-lt", "--recipe", "pretrained-head", "--seeds", "1"]
    words += ["--backbone", preset, "--methods", "ce", "--output", str(tmp_path)]
    request = read_request(parse(words))
    plan = request.build_plan()
    comparison = made_results({"ce": (1.0,)})
    written = shlex.split(request.command_line(plan, comparison))
    assert written[written.index("--backbone") + 1] == preset.rpartition("/")[2]


def test_a_backbone_that_is_missing_or_of_no_use_is_an_error(preset, capsys):
    with pytest.raises(ValueError, match=r"pretrained-head must be a preset of KerasH"):
        CompareRequest("digits-lt", recipe="pretrained-head").build_plan()
    settings = {"backbone": preset}
    request = CompareRequest("digits-lt", recipe_settings=settings)
    with pytest.raises(ValueError, match="recipe digits must be left out: it trains"):
        request.build_plan()
    assert main(["compare", "digits-lt", "--backbone", preset]) == 2
    assert "must be left out" in capsys.readouterr().err
    settings = {"backbone": "nope/x"}
    request = CompareRequest(
        "digits-lt", recipe="pretrained-head", recipe_settings=settings
    )
    with pytest.raises(ValueError, match="a preset of KerasHub for images"):
        request.build_plan()
