"""Half precision from end to end, on real digits."""

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

import keras_ccar

STEPS, EPOCHS, BATCH = 20, 10, 64


def train(policy):
    """Returns the final loss over the training data, in float64, and the callback."""
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy(policy)
    digits = load_digits()
    images = (digits.data / 16).astype("float32")[: STEPS * BATCH]
    labels = digits.target[: STEPS * BATCH]
    counts = np.bincount(labels)
    model = keras.Sequential(
        [
            # No convolution, which torch computes slowly in half precision on a CPU.
            keras.Input((64,)),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(10),
        ]
    )
    # Under "mixed_float16" Keras scales the loss of an optimizer given by name alone.
    model.compile("sgd", keras_ccar.CCARLoss(counts, from_logits=True))
    model.optimizer.learning_rate = 0.05
    callback = keras_ccar.CCARCallback()
    model.fit(
        images,
        labels,
        batch_size=BATCH,
        shuffle=False,
        epochs=EPOCHS,
        callbacks=[callback],
        verbose=0,
    )
    assert callback.statistics()["count"].tolist() == counts.tolist()
    return model, callback, model.evaluate(images, labels, batch_size=256, verbose=0)


@pytest.fixture(autouse=True)
def restored_policy():
    policy = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(policy)


@pytest.mark.slow
def test_200_steps_end_where_float32_ends():
    _, reference, expected = train("float32")
    for policy in ("mixed_bfloat16", "mixed_float16"):
        model, callback, loss = train(policy)
        is_scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
        assert is_scaled == (policy == "mixed_float16")
        assert int(model.optimizer.iterations) == STEPS * EPOCHS
        assert all(
            np.isfinite(keras.ops.convert_to_numpy(weight)).all()
            for weight in model.weights
        )
        np.testing.assert_allclose(loss, expected, rtol=0.02, err_msg=policy)
        np.testing.assert_allclose(
            callback.statistics()["mean_confidence"],
            reference.statistics()["mean_confidence"],
            atol=0.02,
            err_msg=policy,
        )
