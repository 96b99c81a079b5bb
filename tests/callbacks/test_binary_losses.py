"""What callbacks do for softmax losses, they do for every loss of yes-or-no labels."""

import inspect

import keras
import numpy as np
import pytest

import keras_ccar

LOSSES = [
    getattr(keras_ccar, name)
    for name in keras_ccar.__all__
    if inspect.isclass(getattr(keras_ccar, name))
    and "num_examples" in inspect.signature(getattr(keras_ccar, name)).parameters
    and issubclass(getattr(keras_ccar, name), keras.losses.Loss)
]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 4)).astype("float32")
Y = (RNG.uniform(size=(64, 2)) < [0.4, 0.1]).astype("float32")


def model_of(loss):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    model.compile(keras.optimizers.SGD(0.1), loss)
    return model


def kernel_after(loss, callbacks=(), epochs=1):
    model = model_of(loss)
    model.fit(
        *(X, Y),
        batch_size=16,
        epochs=epochs,
        shuffle=False,
        verbose=0,
        callbacks=list(callbacks),
    )
    return model.layers[-1].get_weights()[0]


def test_there_are_all():
    assert len(LOSSES) == 8


@pytest.mark.parametrize("loss_class", LOSSES)
def test_statistics_and_frequencies_follow_the_labels(loss_class):
    loss = loss_class(class_counts=[30, 10], num_examples=100, from_logits=True)
    callback = keras_ccar.CCARCallback(update_frequencies=True, momentum=0.25)
    kernel_after(loss, [callback])
    statistics = callback.statistics()
    seen = Y.sum(0)
    np.testing.assert_array_equal(statistics["count"], seen)
    np.testing.assert_array_equal(statistics["negative_count"], 64 - seen)
    assert np.isfinite(statistics["mean_weight"]).all()
    expected = 0.25 * np.array([0.3, 0.1]) + 0.75 * seen / 64
    np.testing.assert_allclose(statistics["frequency"], expected, rtol=1e-5)
    again = loss_class.from_config(loss.get_config())
    np.testing.assert_allclose(again.frequency, loss.frequency)


@pytest.mark.parametrize(
    "loss_class",
    [keras_ccar.BinaryInverseFrequencyLoss, keras_ccar.BinaryCCARLoss],
)
def test_weights_are_1_until_they_are_switched_on(loss_class):
    counts = np.stack([64 - Y.sum(0), Y.sum(0)], axis=-1)

    def loss():
        return loss_class(counts, from_logits=True)

    plain = keras_ccar.BinaryLongTailedCrossentropy(counts, from_logits=True)
    later = [keras_ccar.DeferredReweighting(start_epoch=1)]
    np.testing.assert_allclose(
        kernel_after(loss(), later), kernel_after(plain), rtol=1e-5
    )
    both = kernel_after(loss(), [keras_ccar.DeferredReweighting(1)], epochs=2)
    assert np.abs(both - kernel_after(plain, epochs=2)).max() > 1e-4


def test_mean_weights_are_those_of_the_formula():
    counts = np.stack([64 - Y.sum(0), Y.sum(0)], axis=-1)
    callback = keras_ccar.CCARCallback()
    loss = keras_ccar.BinaryInverseFrequencyLoss(counts, from_logits=True)
    kernel_after(loss, [callback])
    statistics = callback.statistics()
    np.testing.assert_allclose(statistics["mean_weight"], 32 / Y.sum(0), rtol=1e-5)
    expected = 32 / (64 - Y.sum(0))
    np.testing.assert_allclose(statistics["negative_mean_weight"], expected, rtol=1e-5)
