"""Tests of the fused batch normalisation, against naive float64 and PyTorch."""

import keras
import numpy as np
import pytest

from keras_ccar.benchmark.training.batch_normalization import FusedBatchNormalization

EPSILON = 1e-5


def images(shape=(6, 5, 4, 3), seed=0):
    return np.random.default_rng(seed).normal(2.0, 3.0, shape)


def built(dtype="float32", channels=3):
    layer = FusedBatchNormalization(dtype=dtype)
    layer.build((None, None, None, channels))
    random = np.random.default_rng(1)
    weights = [random.uniform(0.5, 2.0, channels) for _ in layer.get_weights()]
    layer.set_weights(weights)
    return layer, weights


def naive(x, gamma, beta):
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    return gamma * (x - mean) / np.sqrt(variance + EPSILON) + beta


def test_a_training_step_equals_the_formula():
    x = images()
    layer, (gamma, beta, mean, variance) = built()
    outputs = layer(x.astype("float32"), training=True)
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(outputs), naive(x, gamma, beta), rtol=1e-4, atol=1e-5
    )
    _, _, new_mean, new_variance = layer.get_weights()
    batch_mean, unbiased = x.mean((0, 1, 2)), x.var((0, 1, 2)) * 120 / 119
    np.testing.assert_allclose(new_mean, 0.9 * mean + 0.1 * batch_mean, rtol=1e-5)
    np.testing.assert_allclose(new_variance, 0.9 * variance + 0.1 * unbiased, rtol=1e-5)


def test_inference_uses_the_moving_statistics():
    x = images()
    layer, (gamma, beta, mean, variance) = built()
    outputs = keras.ops.convert_to_numpy(layer(x.astype("float32"), training=False))
    expected = gamma * (x - mean) / np.sqrt(variance + EPSILON) + beta
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(layer.get_weights()[2], mean.astype("float32"))


def test_a_frozen_layer_stays_as_it_is():
    layer, (_, _, mean, _) = built()
    layer.trainable = False
    layer(images().astype("float32"), training=True)
    np.testing.assert_array_equal(layer.get_weights()[2], mean.astype("float32"))


def test_equals_pytorch():
    torch = pytest.importorskip("torch")
    x = images().astype("float32")
    layer, (gamma, beta, mean, variance) = built()
    theirs = torch.nn.BatchNorm2d(3)
    state = {
        "weight": gamma,
        "bias": beta,
        "running_mean": mean,
        "running_var": variance,
        "num_batches_tracked": np.array(0),
    }
    theirs.load_state_dict({key: torch.tensor(of) for key, of in state.items()})
    expected = theirs(torch.tensor(x.transpose(0, 3, 1, 2))).detach().numpy()
    outputs = keras.ops.convert_to_numpy(layer(x, training=True))
    np.testing.assert_allclose(
        outputs, expected.transpose(0, 2, 3, 1), rtol=1e-4, atol=1e-5
    )
    found = layer.get_weights()[2:]
    for ours, other in zip(
        found, (theirs.running_mean, theirs.running_var), strict=True
    ):
        np.testing.assert_allclose(ours, other.numpy(), rtol=1e-5)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_trains_in_a_compiled_step(policy, jit_compile):
    if jit_compile and keras.backend.backend() == "torch":
        pytest.skip("Keras compiles no torch step by default")
    inputs = keras.Input((4, 4, 3))
    x = FusedBatchNormalization(dtype=policy)(inputs)
    outputs = keras.layers.GlobalAveragePooling2D(dtype="float32")(x)
    model = keras.Model(inputs, keras.layers.Dense(2)(outputs))
    model.compile("sgd", "mse", jit_compile=jit_compile)
    model.fit(images((8, 4, 4, 3)), np.ones((8, 2)), epochs=2, verbose=0)
    layer = model.layers[1]
    dtype = layer(np.ones((1, 4, 4, 3), "float32")).dtype
    assert keras.backend.standardize_dtype(dtype) == layer.compute_dtype
    gamma, beta, mean, variance = layer.get_weights()
    data = images((8, 4, 4, 3))
    expected = data.mean((0, 1, 2)) * (1 - 0.9**2)
    np.testing.assert_allclose(mean, expected, rtol=2e-2)
    assert np.isfinite([gamma, beta, mean, variance]).all()
    assert not np.array_equal(beta, np.zeros(3))


def test_its_configuration_restores_it():
    layer = FusedBatchNormalization(momentum=0.5, epsilon=1e-3)
    restored = FusedBatchNormalization.from_config(layer.get_config())
    assert (restored.momentum, restored.epsilon) == (0.5, 1e-3)
