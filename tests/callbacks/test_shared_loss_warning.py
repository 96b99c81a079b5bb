"""One loss object for several outputs mixes their statistics."""

import warnings

import keras
import numpy as np
import pytest

import keras_ccar

Y = {"main": np.repeat([0, 1, 2], [60, 30, 10]), "aux": np.repeat([0, 1], [30, 70])}
X = np.random.default_rng(0).normal(size=(100, 4)).astype("float32")


def fit(losses, **options):
    inputs = keras.Input((4,))
    outputs = {name: keras.layers.Dense(3, name=name)(inputs) for name in Y}
    model = keras.Model(inputs, outputs)
    model.compile("sgd", losses)
    callback = keras_ccar.CCARCallback(**options)
    model.fit(X, Y, verbose=0, callbacks=[callback])
    return callback.statistics()


def make(**options):
    return keras_ccar.BalancedSoftmaxLoss([60, 30, 10], from_logits=True, **options)


ONE = make()
SHARED = {
    "by output": {"main": ONE, "aux": ONE},
    "for all": ONE,
    "as a part": {
        "main": ONE,
        "aux": keras_ccar.WeightedSum([(1.0, ONE)]),
    },
}


@pytest.mark.parametrize("kind", SHARED)
def test_a_shared_loss_is_warned_of(kind):
    message = r"outputs '\w+', '\w+' .* share one loss object, 'balanced_softmax'"
    with pytest.warns(UserWarning, match=message) as caught:
        statistics = fit(SHARED[kind])
    for advice in ("`model.compile(loss={", '"main": BalancedSoftmaxLoss(...)'):
        assert advice in str(caught[0].message)
    np.testing.assert_array_equal(statistics["count"], [90, 100, 10])
    with pytest.raises(ValueError, match=f"would mix the class freq.*{message}"):
        fit(SHARED[kind], update_frequencies=True)


def test_losses_of_their_own_are_not_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        statistics = fit({"main": make(), "aux": make()}, update_frequencies=True)
        fit({"main": make(), "aux": keras_ccar.FocalLoss(from_logits=True)})
    np.testing.assert_array_equal(statistics["main"]["count"], [60, 30, 10])
    np.testing.assert_array_equal(statistics["aux"]["count"], [30, 70, 0])
