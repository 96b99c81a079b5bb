"""Features from a pretrained backbone, computed once."""

import keras
import keras_hub
import numpy as np
import pytest
from PIL import Image
from small_preset import write_preset

from keras_ccar.benchmark import features
from keras_ccar.benchmark.features import backbone_features

SIZE = 8


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    """A small preset with weights that were drawn, and scales pixels to [-1, 1]."""
    keras.utils.set_random_seed(1)
    return write_preset(tmp_path_factory.mktemp("preset"), SIZE, 1 / 127.5, -1.0)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (7, SIZE, SIZE, 3)).astype("uint8")


@pytest.fixture(scope="module")
def expected(preset, images):
    backbone = keras_hub.models.Backbone.from_preset(preset)
    maps = keras.ops.convert_to_numpy(backbone(images.astype("float32") / 127.5 - 1))
    return maps.mean(axis=(1, 2))


def test_features_are_means_over_the_map(preset, images, expected, tmp_path):
    found = backbone_features(preset, images, folder=tmp_path, batch_size=3)
    assert found.dtype == "float32"
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_each_image_is_computed_once(preset, images, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(features, "_PART", 2)
    backbone_features(preset, images[:3], folder=tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npz")}
    assert len(before) == 2
    order = [6, 0, 2, 2, 5, 4, 1, 3, 6]
    found = backbone_features(preset, images[order], folder=tmp_path)
    np.testing.assert_allclose(found, expected[order], rtol=1e-4, atol=1e-5)
    after = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npz")}
    assert before.items() < after.items()
    stored = [np.load(path)["hashes"].tolist() for path in after]
    assert sorted(map(len, stored)) == [1, 2, 2, 2]
    assert len({name for names in stored for name in names}) == 7


def test_another_size_or_preset_is_computed_anew(preset, images, tmp_path):
    own = backbone_features(preset, images, folder=tmp_path)
    larger = backbone_features(preset, images, 2 * SIZE, folder=tmp_path)
    assert own.shape == larger.shape
    assert np.abs(own - larger).max() > 1e-3
    assert len(list(tmp_path.iterdir())) == 2


def test_paths_of_any_size_and_grey_images(preset, images, expected, tmp_path):
    paths = []
    for index, image in enumerate(images):
        paths.append(tmp_path / f"{index}.png")
        Image.fromarray(image).save(paths[-1])
    Image.fromarray(images[0, :6]).save(tmp_path / "smaller.png")
    found = backbone_features(
        preset, [*paths, str(tmp_path / "smaller.png")], folder=tmp_path / "features"
    )
    np.testing.assert_allclose(found[:-1], expected, rtol=1e-4, atol=1e-5)
    assert np.abs(found[-1] - expected[0]).max() > 1e-4
    grey = images[..., :1]
    np.testing.assert_array_equal(
        backbone_features(preset, grey, folder=tmp_path / "grey"),
        backbone_features(preset, np.repeat(grey, 3, -1), folder=tmp_path / "rgb"),
    )


def test_maps_before_the_last_stage(images, tmp_path, monkeypatch):
    monkeypatch.setattr(features, "_PART_OF_MAPS", 2)
    preset = write_preset(tmp_path / "preset", SIZE, 1 / 127.5, -1.0, stages=2)
    backbone = keras_hub.models.Backbone.from_preset(preset)
    first = keras.Model(backbone.inputs[0], backbone.pyramid_outputs["P2"])
    expected = keras.ops.convert_to_numpy(first(images.astype("float32") / 127.5 - 1))
    cache = tmp_path / "cache"
    order = [3, 0, 3, 6, 1]
    found = backbone_features(
        preset, images[order], folder=cache, before_last_stage=True
    )
    assert found.dtype == "float32"
    np.testing.assert_allclose(found, expected[order], rtol=1e-4, atol=1e-5)
    # Each image once, in parts; features of the whole lie elsewhere.
    stored = [np.load(path)["hashes"].tolist() for path in cache.rglob("*.npz")]
    assert sorted(map(len, stored)) == [2, 2]
    assert backbone_features(preset, images, folder=cache).shape == (7, 64)
    assert len(list(cache.iterdir())) == 2
    # The same call computes nothing.
    monkeypatch.setattr(keras.Model, "predict_on_batch", None)
    again = backbone_features(
        preset, images[order], folder=cache, before_last_stage=True
    )
    np.testing.assert_array_equal(again, found)


def test_maps_of_a_backbone_with_one_stage(preset, images, tmp_path):
    with pytest.raises(ValueError, match="`preset` must be a backbone of two stages"):
        backbone_features(preset, images, folder=tmp_path, before_last_stage=True)


def test_a_damaged_file_of_features_is_named(preset, images, tmp_path):
    backbone_features(preset, images, folder=tmp_path)
    (path,) = tmp_path.rglob("*.npz")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match=f"{path.name} does not hold whole features"):
        backbone_features(preset, images, folder=tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("images", np.zeros((2, 8, 8, 3))),
        ("images", np.zeros((2, 8, 8, 2), "uint8")),
        ("images", np.zeros((0, 8, 8, 3), "uint8")),
        ("images", "photo.png"),
        ("images", []),
        ("images", [1, 2]),
        ("image_size", 0),
        ("batch_size", 0),
        ("folder", ""),
        ("preset", 3),
        ("before_last_stage", "yes"),
    ],
)
def test_wrong_arguments_are_named(preset, images, tmp_path, name, value):
    given = {"preset": preset, "images": images, "folder": tmp_path, name: value}
    with pytest.raises(ValueError, match=f"`{name}` must be"):
        backbone_features(**given)


def test_a_folder_that_is_no_preset_is_named(images, tmp_path):
    with pytest.raises(ValueError, match="`preset` must be a preset of KerasHub"):
        backbone_features(tmp_path, images, folder=tmp_path / "features")


def test_a_converter_without_a_size_needs_one(preset, images, tmp_path):
    folder = str(tmp_path / "preset")
    keras_hub.models.Backbone.from_preset(preset).save_to_preset(folder)
    keras_hub.layers.ResNetImageConverter().save_to_preset(folder)
    with pytest.raises(ValueError, match="`image_size` must be given for a preset"):
        backbone_features(folder, images, folder=tmp_path / "features")
    found = backbone_features(folder, images, SIZE, folder=tmp_path / "features")
    assert found.shape == (7, 64)
