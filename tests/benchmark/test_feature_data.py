"""The recipes for a pretrained backbone: a head, the last stage, or all of it."""

import json
import shlex
import shutil

import keras
import keras_hub
import numpy as np
import pytest
from made_results import made_results
from small_preset import write_preset

from keras_ccar import datasets
from keras_ccar.benchmark.cli import main
from keras_ccar.benchmark.cli.compare import read_request
from keras_ccar.benchmark.feature_data import as_the_backbone_takes_it, check_backbone
from keras_ccar.benchmark.features import backbone_features
from keras_ccar.benchmark.python_api import compare
from keras_ccar.benchmark.runner.request import CompareRequest
from keras_ccar.benchmark.spec.recipe_book import RECIPES
from keras_ccar_command.usage import parse

SIZE = 8


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    return write_preset(tmp_path_factory.mktemp("preset"), SIZE, 1 / 127.5, -1.0)


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    """A preset of two stages."""
    keras.utils.set_random_seed(2)
    folder = tmp_path_factory.mktemp("stages")
    return write_preset(folder, 2 * SIZE, 1 / 127.5, -1.0, stages=2)


def test_images_are_replaced_by_their_features(preset, tmp_path):
    data = datasets.load("digits-lt")
    recipe = RECIPES["pretrained-head"].with_settings(backbone=preset)
    found = as_the_backbone_takes_it(data, recipe, tmp_path)
    for arrays, features in (
        (data.train_arrays, found.train_arrays),
        (data.test_arrays, found.test_arrays),
    ):
        expected = backbone_features(preset, arrays[0], SIZE, tmp_path / "others")
        np.testing.assert_allclose(features[0], expected, atol=1e-5)
        np.testing.assert_array_equal(features[1], arrays[1])
    assert found.digest != data.digest
    assert found.class_counts.tolist() == data.class_counts.tolist()


def test_images_are_replaced_by_maps_for_the_last_stage(stages, tmp_path):
    data = datasets.load("digits-lt")
    recipe = RECIPES["pretrained-tune"].with_settings(backbone=stages)
    found = as_the_backbone_takes_it(data, recipe, tmp_path)
    for arrays, maps in (
        (data.train_arrays, found.train_arrays),
        (data.test_arrays, found.test_arrays),
    ):
        expected = backbone_features(
            stages, arrays[0], folder=tmp_path, before_last_stage=True
        )
        np.testing.assert_array_equal(maps[0], expected)
        np.testing.assert_array_equal(maps[1], arrays[1])
    whole = as_the_backbone_takes_it(data, recipe.with_settings(tune="all"), tmp_path)
    assert whole.train_arrays[0] is data.train_arrays[0]
    assert whole.test_arrays[0] is data.test_arrays[0]


@pytest.mark.parametrize("tune", ["stage", "all"])
def test_another_last_stage_is_another_run(stages, tmp_path, tune):
    # The maps are the same, but not what is trained on them.
    changed = tmp_path / "changed"
    shutil.copytree(stages, changed)
    backbone = keras_hub.models.Backbone.from_preset(str(changed))
    (kernel,) = [w for w in backbone.weights if w.path == "stack1_block0_2_conv/kernel"]
    kernel.assign(2 * kernel)
    backbone.save_to_preset(str(changed))
    data = datasets.load("digits-lt")
    digests = set()
    for preset in (stages, str(changed), stages):
        recipe = RECIPES["pretrained-tune"].with_settings(backbone=preset, tune=tune)
        digests.add(as_the_backbone_takes_it(data, recipe, tmp_path / "c").digest)
    assert len(digests) == 2
    assert data.digest not in digests


@pytest.mark.slow
@pytest.mark.parametrize("tune", ["stage", "all"])
def test_a_backbone_is_tuned(stages, tmp_path, monkeypatch, tune):
    settings = {"backbone": stages, "tune": tune, "epochs": 8, "batch_size": 32}
    settings["tune_learning_rate"] = tune == "stage"
    arguments = {
        "recipe": "pretrained-tune",
        "recipe_settings": settings,
        "output": tmp_path,
    }
    found = compare("digits-lt", ["la"], 1, **arguments)
    assert found.failed == []
    # Far above the 10 % of a guess, though the weights of the backbone were drawn.
    assert (found.finished["balanced"] > 35).all()
    (run,) = json.loads((tmp_path / "results.json").read_text("utf-8"))["runs"]
    if tune == "stage":
        tried = [of["learning_rate"] for of in run["tried"]]
        assert tried == [0.01, 0.02, 0.04, 0.08]
    # The same call trains and computes nothing.
    monkeypatch.setattr(keras.Model, "fit", None)
    monkeypatch.setattr(keras.Model, "predict_on_batch", None)
    again = compare("digits-lt", ["la"], 1, **arguments)
    assert again.finished["balanced"].tolist() == found.finished["balanced"].tolist()
    assert "pretrained-tune" in (tmp_path / "report.html").read_text("utf-8")


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


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("digits", {"tune": "all"}, "`tune` of the recipe digits must be left out"),
        (
            "cpu",
            {"backbone_rate_share": 0.5},
            "`backbone_rate_share` of the rec",
        ),
        ("pretrained-head", {"tune": "stage"}, "it is for the recipe pretrained-tune"),
        (
            "pretrained-tune",
            {"tune": "head"},
            "must be 'stage' or 'all'; the rec",
        ),
        ("pretrained-tune", {"backbone": ""}, "pretrained-tune must be a preset"),
        ("pretrained-tune", {"flip": True}, "`flip` of .* must be 0 or off where the"),
        ("pretrained-head", {"cutout": 2}, "`cutout` of the recipe pretrained-head"),
        ("pretrained-tune", {"tune": "all", "image_size": 8}, "`image_size` .* 0: the"),
    ],
)
def test_settings_that_do_not_go_together_are_told(preset, name, settings, message):
    if name.startswith("pretrained"):
        settings = {"backbone": preset, **settings}
    with pytest.raises(ValueError, match=message):
        check_backbone(RECIPES[name].with_settings(**settings))


def test_what_the_advice_says_is_accepted(preset):
    recipe = RECIPES["pretrained-tune"]
    check_backbone(recipe.with_settings(backbone=preset, tune="all", flip=True))


def test_a_preset_of_one_stage_has_no_last_one(preset, capsys, tmp_path):
    words = ["compare", "digits-lt", "--recipe", "pretrained-tune"]
    words += ["--backbone", preset, "--output", str(tmp_path)]
    assert main(words) == 2
    assert "Train all of it with `--tune all`" in capsys.readouterr().err


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
