"""Training through `fit`: mixed labels of Keras's own layers, and half precision.

All losses train in one model, each on an output of its own: one compilation for all.
"""

import keras
import loss_checks
import numpy as np
import oracles
import pytest
from keras import ops

import keras_ccar

CASES = {case.name: case for case in loss_checks.public_cases()}
SOFTMAX_CASES = {name: case for name, case in CASES.items() if not case.is_binary}
COUNTS = loss_checks.COUNTS
NUM_CLASSES = loss_checks.NUM_CLASSES
RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, NUM_CLASSES, 32)
# Each class lights up a column of its own.
IMAGES = RNG.normal(scale=0.1, size=(32, 4, 4, 1)).astype("float32")
IMAGES += np.eye(NUM_CLASSES, dtype="float32")[LABELS][:, None, :, None]


def model_of(cases, shape, num_classes=NUM_CLASSES, **arguments):
    inputs = keras.Input(shape)
    features = keras.layers.Flatten()(inputs)
    outputs = {
        name: keras.layers.Dense(num_classes, name=name)(features) for name in cases
    }
    model = keras.Model(inputs, outputs)
    losses = {name: case.loss(**arguments) for name, case in cases.items()}
    optimizer = keras.optimizers.SGD(0.02)
    if keras.config.dtype_policy().name == "mixed_float16":
        # Where Keras's own search for a scale ends, without the steps that it skips.
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=256)
    model.compile(optimizer, loss=losses)
    return model


@pytest.mark.slow
@pytest.mark.parametrize(("mixing", "smoothing"), [("MixUp", 0.1), ("CutMix", 0.0)])
def test_mixed_labels_of_keras_layers(mixing, smoothing):
    import tensorflow as tf

    if not hasattr(keras.layers, mixing):
        pytest.skip(f"Keras {keras.__version__} has no {mixing}")
    layer = getattr(keras.layers, mixing)(seed=0)

    def mix(images, labels):
        batch = layer({"images": images, "labels": labels}, training=True)
        return batch["images"], batch["labels"]

    one_hot = np.eye(NUM_CLASSES, dtype="float32")[LABELS]
    data = tf.data.Dataset.from_tensor_slices((IMAGES, one_hot)).batch(8).map(mix)
    mixed = np.concatenate([labels for _, labels in data.as_numpy_iterator()])
    np.testing.assert_allclose(mixed.sum(-1), 1, rtol=1e-5)
    assert ((mixed > 0.01) & (mixed < 0.99)).any()

    data = data.map(lambda images, labels: (images, dict.fromkeys(CASES, labels)))
    model = model_of(CASES, IMAGES.shape[1:], label_smoothing=smoothing)
    plain = dict.fromkeys(CASES, one_hot)
    before = model.evaluate(IMAGES, plain, return_dict=True, verbose=0)
    history = model.fit(data, epochs=12, shuffle=False, verbose=0).history
    after = model.evaluate(IMAGES, plain, return_dict=True, verbose=0)
    for name in CASES:
        assert np.isfinite(history[f"{name}_loss"]).all(), name
        assert after[f"{name}_loss"] < before[f"{name}_loss"], name


@pytest.fixture
def dtype_policy(request):
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy("float32")


def losses_of_training():
    """Losses of every output, by epoch."""
    keras.utils.set_random_seed(0)
    model = model_of(CASES, IMAGES.shape[1:])
    labels = {
        name: np.eye(NUM_CLASSES)[LABELS] if case.is_binary else LABELS
        for name, case in CASES.items()
    }
    history = model.fit(
        IMAGES, labels, batch_size=16, epochs=4, shuffle=False, verbose=0
    ).history
    return model, {name: history[f"{name}_loss"] for name in CASES}


@pytest.mark.slow
@pytest.mark.parametrize(
    "dtype_policy", ["mixed_float16", "mixed_bfloat16"], indirect=True
)
def test_half_precision_trains_as_float32_does(dtype_policy):
    model, actual = losses_of_training()
    half = dtype_policy.removeprefix("mixed_")
    assert keras.backend.standardize_dtype(model.outputs[0].dtype) == half
    keras.config.set_dtype_policy("float32")
    _, expected = losses_of_training()
    for name in CASES:
        assert expected[name][-1] < 0.99 * expected[name][0], name
        np.testing.assert_allclose(
            actual[name],
            expected[name],
            rtol=0.03,
            atol=1e-3 * expected[name][0],
            err_msg=name,
        )


@pytest.mark.slow
@pytest.mark.parametrize("dtype_policy", ["mixed_bfloat16"], indirect=True)
def test_labels_above_256_through_fit(dtype_policy):
    num_classes, images = 1000, 10 * IMAGES
    labels = np.arange(961, 993)  # bfloat16 rounds most of them to others
    counts = np.ones(num_classes)
    model = model_of(
        SOFTMAX_CASES,
        IMAGES.shape[1:],
        num_classes,
        class_counts=counts,
        dtype="bfloat16",
    )
    name = "LongTailedCrossentropy"
    logits = model.predict(images, verbose=0)[name].astype("float32")
    # Through `fit`, whose first batch is measured before the first step.
    history = model.fit(
        images,
        dict.fromkeys(SOFTMAX_CASES, labels.astype("float32")),
        batch_size=len(labels),
        verbose=0,
    ).history
    expected, _ = oracles.loss_and_gradient(labels, logits, counts)
    assert history[f"{name}_loss"][0] == pytest.approx(expected.mean(), rel=1e-4)
    rounded = ops.convert_to_numpy(ops.cast(ops.cast(labels, "bfloat16"), "int32"))
    wrong, _ = oracles.loss_and_gradient(rounded, logits, counts)
    assert abs(wrong.mean() / expected.mean() - 1) > 1e-3  # or it would not be told
    for name in SOFTMAX_CASES:
        assert np.isfinite(history[f"{name}_loss"]).all(), name
    assert isinstance(model.loss[name], keras_ccar.LongTailedCrossentropy)
