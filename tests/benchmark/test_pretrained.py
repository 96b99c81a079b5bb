"""Backbones of KerasHub are cut before their last stage, and put together again."""

import keras
import numpy as np
import pytest
from small_preset import write_preset

from keras_ccar.benchmark.pretrained import (
    frozen_part,
    image_side,
    last_stage,
    prepare,
    whole_backbone,
)

keras_hub = pytest.importorskip("keras_hub")
hub = keras_hub.models

RESNET = {
    "input_conv_filters": [64],
    "input_conv_kernel_sizes": [3],
    "stackwise_num_filters": [64, 64, 64],
    "stackwise_num_blocks": [1, 2, 1],
    "stackwise_num_strides": [1, 2, 2],
    "block_type": "basic_block",
}
WITH_STAGES = {
    "resnet": lambda: hub.ResNetBackbone(**RESNET),
    "resnet-v2": lambda: hub.ResNetBackbone(**RESNET, use_pre_activation=True),
    "densenet": lambda: hub.DenseNetBackbone(
        stackwise_num_repeats=[2, 2, 2], compression_ratio=0.5, growth_rate=8
    ),
    "efficientnet": lambda: hub.EfficientNetBackbone(
        stackwise_kernel_sizes=[3, 3, 5, 5],
        stackwise_num_repeats=[1, 1, 2, 2],
        stackwise_input_filters=[8, 8, 16, 16],
        stackwise_output_filters=[8, 16, 16, 24],
        stackwise_expansion_ratios=[1, 6, 6, 6],
        stackwise_strides=[1, 2, 2, 1],
        stackwise_squeeze_and_excite_ratios=[0.25, 0.25, 0.25, 0.25],
        stackwise_block_types=["v1", "fused", "unfused", "v1"],
        width_coefficient=1.0,
        depth_coefficient=1.0,
    ),
}


def vit():
    return hub.ViTBackbone(
        image_shape=(32, 32, 3),
        patch_size=16,
        num_layers=1,
        num_heads=2,
        hidden_dim=8,
        mlp_dim=8,
    )


WITHOUT_STAGES = {
    "vit": vit,
    "one stage": lambda: hub.ResNetBackbone(
        **{
            **RESNET,
            "stackwise_num_filters": [64],
            "stackwise_num_blocks": [1],
            "stackwise_num_strides": [1],
        }
    ),
}


@keras.saving.register_keras_serializable("tests")
class Ladder(hub.FeaturePyramidBackbone):
    """Its last stage takes more than one map, as that of a U-Net."""

    def __init__(self, dtype=None, **options):
        images = keras.Input((None, None, 3))
        first = keras.layers.Conv2D(4, 3, padding="same", name="first")(images)
        second = keras.layers.Conv2D(4, 3, padding="same", name="second")(first)
        third = keras.layers.Conv2D(4, 3, padding="same", name="third")(second)
        last = keras.layers.Concatenate(name="last")([first, third])
        super().__init__(inputs=images, outputs=last, dtype=dtype, **options)
        self.pyramid_outputs = {"P1": first, "P2": second, "P3": last}


def pixels():
    return np.random.default_rng(0).normal(size=(3, 32, 32, 3)).astype("float32")


def draw_weights(backbone):
    """Draws all of them, as those that begin at 0 or 1 would hide a mistake."""
    rng = np.random.default_rng(1)
    for weight in backbone.weights:
        values = rng.uniform(0.5, 1.5, weight.shape)
        if weight.name == "kernel":
            values = rng.normal(size=weight.shape) * np.prod(weight.shape[:-1]) ** -0.5
        weight.assign(values)


def size(weight):
    return np.prod(weight.shape)


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.mark.parametrize("name", WITH_STAGES)
def test_frozen_part_and_last_stage_are_the_whole(name, tmp_path):
    backbone = WITH_STAGES[name]()
    draw_weights(backbone)
    backbone.save_to_preset(str(tmp_path))
    expected = array(backbone(pixels())).mean(axis=(1, 2))
    scale = np.abs(expected).max()
    frozen, stage = frozen_part(str(tmp_path)), last_stage(str(tmp_path))
    maps = array(frozen(pixels()))
    np.testing.assert_allclose(array(stage(maps)) / scale, expected / scale, atol=1e-5)
    found = array(whole_backbone(str(tmp_path))(pixels()))
    np.testing.assert_allclose(found / scale, expected / scale, atol=1e-5)
    # Each weight belongs to one of the parts, and both have some.
    sizes = [sum(map(size, part.weights)) for part in (frozen, stage)]
    assert min(sizes) > 0
    assert sum(sizes) == sum(map(size, backbone.weights))


def test_the_cut_is_before_the_last_stage(tmp_path):
    backbone = WITH_STAGES["resnet"]()
    backbone.save_to_preset(str(tmp_path))
    # Three stages with one, two and one block of two convolutions and a shortcut.
    kernels = [w.path for w in last_stage(str(tmp_path)).weights if w.name == "kernel"]
    assert len(kernels) == 3
    assert all(path.startswith("stack2_") for path in kernels)


def test_the_frozen_part_keeps_its_statistics_in_training(tmp_path):
    backbone = WITH_STAGES["resnet"]()
    draw_weights(backbone)
    backbone.save_to_preset(str(tmp_path))
    frozen, stage = frozen_part(str(tmp_path)), last_stage(str(tmp_path))
    maps = array(frozen(pixels(), training=True))
    np.testing.assert_array_equal(maps, array(frozen(pixels(), training=False)))
    assert frozen.trainable_variables == []
    # That of the last stage is trained.
    difference = array(stage(maps, training=True)) - array(stage(maps, training=False))
    assert np.abs(difference).max() > 1e-3


@pytest.mark.parametrize("name", WITHOUT_STAGES)
def test_a_backbone_without_a_last_stage(name, tmp_path):
    WITHOUT_STAGES[name]().save_to_preset(str(tmp_path))
    for part in (frozen_part, last_stage):
        with pytest.raises(ValueError, match="`backbone` must be a backbone of two st"):
            part(str(tmp_path))
    with pytest.raises(ValueError, match=r"`preset` must .*`--tune all`.*--tune head"):
        last_stage(str(tmp_path), "preset")
    assert whole_backbone(str(tmp_path))(pixels()).shape[0] == 3


def test_a_connection_past_the_map_is_told(tmp_path):
    Ladder().save_to_preset(str(tmp_path))
    with pytest.raises(ValueError, match="`backbone` must be a backbone of two stages"):
        last_stage(str(tmp_path))


def test_preparing_equals_the_converter(tmp_path):
    preset = write_preset(tmp_path, 12, [0.01, 0.02, 0.03], [-0.4, 0.0, 0.1])
    assert image_side(preset) == 12
    images = np.random.default_rng(2).integers(0, 256, (2, 9, 7, 3)).astype("uint8")
    converter = keras_hub.layers.ImageConverter.from_preset(preset)
    for given, rgb in ((images, images), (images[..., :1], images[..., [0, 0, 0]])):
        inputs = keras.Input(given.shape[1:], dtype="uint8")
        model = keras.Model(inputs, prepare(preset, inputs, 12))
        expected = array(converter(rgb.astype("float32")))
        np.testing.assert_allclose(array(model(given)), expected, atol=1e-4)


def test_the_precision_of_the_layers(tmp_path):
    preset = write_preset(tmp_path, 8, 1.0, 0.0, stages=2)
    stage = last_stage(preset, dtype="mixed_bfloat16")
    assert {layer.compute_dtype for layer in stage.layers if layer.weights} == {
        "bfloat16"
    }
    assert {weight.dtype for weight in stage.weights} == {"float32"}
