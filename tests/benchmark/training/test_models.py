import sys

import keras
import numpy as np
import pytest

from keras_ccar.benchmark.training.models import _residual_block, build_model


def trainable(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


@pytest.mark.parametrize(
    ("depth", "parameters"),
    # He et al. 2016, table 6: 0.27 and 0.46 million.
    [(20, 269_722), (32, 464_154)],
)
def test_residual_networks_have_the_published_size(depth, parameters):
    assert trainable(build_model(f"resnet{depth}", (32, 32, 3), 10)) == parameters


def test_a_network_returns_one_logit_a_class():
    for name, shape in (("convnet", (8, 8, 1)), ("resnet8", (32, 32, 3))):
        logits = build_model(name, shape, 7)(np.zeros((2, *shape), "float32"))
        assert tuple(logits.shape) == (2, 7)


def test_the_shortcut_takes_the_pixels_in_the_middle_of_the_convolution():
    inputs = keras.Input((6, 6, 4))
    block = keras.Model(inputs, _residual_block(inputs, 8, 2))
    first, second = (
        layer for layer in block.layers if isinstance(layer, keras.layers.Conv2D)
    )
    image = np.random.default_rng(0).uniform(1, 2, (1, 6, 6, 4)).astype("float32")
    taken = image[:, ::2, ::2]

    second.kernel.assign(np.zeros(second.kernel.shape))
    expected = np.pad(taken, ((0, 0), (0, 0), (0, 0), (2, 2)))
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(block(image)), expected, rtol=1e-6
    )

    # A kernel that copies the pixel at its centre copies the same pixels.
    kernel = np.zeros(first.kernel.shape)
    kernel[1, 1, :, :4] = np.eye(4)
    first.kernel.assign(kernel)
    convolved = keras.Model(inputs, first.output)(image)
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(convolved)[..., :4], taken, rtol=1e-6
    )


def test_a_seed_decides_the_weights():
    def weights(seed):
        keras.utils.set_random_seed(seed)
        return build_model("convnet", (8, 8, 1), 10).get_weights()

    for one, other in zip(weights(1), weights(1), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(weights(1)[0], weights(2)[0])


@pytest.mark.parametrize("name", ["convnet", "resnet8"])
def test_a_cosine_head_returns_scaled_cosines(name):
    model = build_model(name, (8, 8, 3), 5, head="cosine")
    images = np.random.default_rng(0).normal(size=(4, 8, 8, 3)).astype("float32")
    features = keras.Model(model.input, model.layers[-2].output)(images)
    features = keras.ops.convert_to_numpy(features).astype("float64")
    directions = keras.ops.convert_to_numpy(model.layers[-1].kernel).astype("float64")
    lengths = np.linalg.norm(features, axis=1)[:, None]
    cosines = features @ directions / lengths / np.linalg.norm(directions, axis=0)
    logits = keras.ops.convert_to_numpy(model(images))
    np.testing.assert_allclose(logits, 30 * cosines, atol=1e-4)


@pytest.mark.parametrize("head", ["linear", "cosine"])
def test_logits_are_float32_where_the_network_is_in_half_precision(head):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = build_model("resnet8", (8, 8, 3), 5, head=head)
    finally:
        keras.config.set_dtype_policy(before)
    images = np.random.default_rng(0).normal(size=(4, 8, 8, 3)).astype("float32")
    assert model.layers[-2].compute_dtype == "bfloat16"
    logits = keras.ops.convert_to_numpy(model(images))
    assert logits.dtype == "float32"
    # Their last bits are no zeros, as rounded ones' would be.
    assert (logits.view("uint32") & 0xFFFF).any()


def test_unknown_heads_are_named():
    with pytest.raises(
        ValueError, match=r"'linear' or 'cosine'\. Received: head='round'"
    ):
        build_model("convnet", (8, 8, 1), 10, head="round")


@pytest.mark.parametrize(
    ("name", "parameters"),
    # PyTorch's torchvision.models: ResNet-50 has 25,557,032 for 1,000 classes; ResNet(
    # BasicBlock, [1, 1, 1, 1]) has 5,418,792.
    [("imagenet-resnet10", 5_418_792), ("imagenet-resnet50", 25_557_032)],
)
def test_networks_for_imagenet_have_the_published_size(name, parameters):
    assert trainable(build_model(name, (64, 64, 3), 1000)) == parameters


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    with pytest.raises(ModuleNotFoundError, match=r"keras_ccar\[keras-hub\]"):
        build_model("imagenet-resnet10", (64, 64, 3), 10)


@pytest.mark.parametrize("name", ["resnet", "resnet33", "resnet2", "vgg"])
def test_unknown_networks_are_named(name):
    with pytest.raises(ValueError, match="6n"):
        build_model(name, (32, 32, 3), 10)
