import keras
import numpy as np
import pytest
from keras import ops

import keras_ccar
from keras_ccar.weightings import Weighting

COUNTS = [30, 8, 2]
RNG = np.random.default_rng(0)
LABELS = np.repeat([0, 1, 2], COUNTS)
X = RNG.normal(size=(40, 5)).astype("float32")


@keras.saving.register_keras_serializable(package="tests")
class Tripled(Weighting):
    """Weight 3, and a count of how often it was traced."""

    uses_frequency = False
    traces = 0

    def __call__(self, p_t, f_c, prior):
        type(self).traces += 1
        return 3.0 * ops.ones_like(p_t)


def model(options):
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3)])
    loss = keras_ccar.LongTailedCrossentropy(COUNTS, Tripled(), from_logits=True)
    model.compile(keras.optimizers.SGD(0.0), loss, **options)
    return model


@pytest.mark.parametrize("with_statistics", [False, True])
@pytest.mark.parametrize("deferred_first", [False, True])
def test_switches_weights_on_without_tracing(with_statistics, deferred_first):
    Tripled.traces = 0
    trained = model({})
    traces = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            traces.append(Tripled.traces)

    callbacks = [keras_ccar.DeferredReweighting(2), Watch()]
    if with_statistics:
        statistics = keras_ccar.CCARCallback()
        callbacks.insert(1 if deferred_first else 0, statistics)
    history = trained.fit(
        X, LABELS, epochs=4, batch_size=16, callbacks=callbacks, verbose=0
    )
    loss = np.array(history.history["loss"])
    np.testing.assert_allclose(loss / loss[0], [1, 1, 3, 3], rtol=1e-5)
    if with_statistics:
        weights = [epoch["mean_weight"].mean() for epoch in statistics.history]
        np.testing.assert_allclose(weights, [1, 1, 3, 3], rtol=1e-6)
        assert all(epoch["count"].tolist() == COUNTS for epoch in statistics.history)
    if keras.backend.backend() != "torch":
        assert traces == [traces[0]] * 4


def test_resumed_training_knows_the_epoch():
    trained = model({})
    plain = trained.evaluate(X, LABELS, verbose=0) / 3
    history = trained.fit(
        X,
        LABELS,
        initial_epoch=2,
        epochs=3,
        callbacks=[keras_ccar.DeferredReweighting(2)],
        verbose=0,
    )
    np.testing.assert_allclose(history.history["loss"], [3 * plain], rtol=1e-5)


def test_bad_start_epoch():
    with pytest.raises(ValueError, match="`start_epoch`"):
        keras_ccar.DeferredReweighting(-1)


def test_model_without_a_loss_of_ours():
    trained = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3)])
    trained.compile("sgd", "mse")
    with pytest.raises(ValueError, match="`DeferredReweighting` needs a model"):
        trained.fit(X, X[:, :3], callbacks=[keras_ccar.DeferredReweighting(1)])


def test_leaves_the_weights_on():
    trained = model({})
    trained.fit(X, LABELS, callbacks=[keras_ccar.DeferredReweighting(5)], verbose=0)
    plain = trained.history.history["loss"][0]
    np.testing.assert_allclose(
        trained.evaluate(X, LABELS, verbose=0), 3 * plain, rtol=1e-5
    )


def test_loss_without_weights():
    trained = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3)])
    trained.compile("sgd", keras_ccar.LDAMLoss(COUNTS))
    with pytest.raises(ValueError, match=r"needs a loss with weights.*EffectiveNumber"):
        trained.fit(X, LABELS, callbacks=[keras_ccar.DeferredReweighting(1)])


@pytest.mark.parametrize("run_eagerly", [False, True])
def test_weights_within_a_compound_loss(run_eagerly):
    trained = model({"run_eagerly": run_eagerly})
    deferred, plain = trained.loss, keras_ccar.FocalLoss(from_logits=True, gamma=0.0)
    trained.compile(
        keras.optimizers.SGD(0.0),
        keras_ccar.WeightedSum([(1.0, plain), (1.0, deferred)]),
        run_eagerly=run_eagerly,
    )
    history = trained.fit(
        X, LABELS, epochs=4, callbacks=[keras_ccar.DeferredReweighting(2)], verbose=0
    )
    loss = np.array(history.history["loss"])
    np.testing.assert_allclose(loss / loss[0], [1, 1, 2, 2], rtol=1e-5)


@pytest.mark.parametrize("deferred_first", [False, True])
def test_statistics_in_another_fit(deferred_first):
    trained = model({})
    deferred, statistics = keras_ccar.DeferredReweighting(1), keras_ccar.CCARCallback()
    order = [deferred, statistics] if deferred_first else [statistics, deferred]
    losses = [
        trained.fit(X, LABELS, epochs=2, callbacks=[callback], verbose=0)
        for callback in [*order, statistics]
    ]
    losses = {
        callback: np.array(history.history["loss"])
        for callback, history in zip(order, losses, strict=False)
    }
    np.testing.assert_allclose(losses[deferred] * [3, 1], losses[statistics], rtol=1e-5)
    counts = [epoch["count"].tolist() for epoch in statistics.history]
    assert counts == [COUNTS] * 4


def test_interrupted_training_leaves_the_weights_on_for_the_next():
    class Interrupt(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    trained = model({})
    plain = trained.evaluate(X, LABELS, verbose=0)
    with pytest.raises(KeyboardInterrupt):
        trained.fit(
            X,
            LABELS,
            callbacks=[keras_ccar.DeferredReweighting(5), Interrupt()],
            verbose=0,
        )
    try:
        trained.get_weights()
    except TypeError:
        pytest.skip("Keras 3.8 on JAX leaves an interrupted model without weights")
    callback = keras_ccar.CCARCallback()
    history = trained.fit(X, LABELS, callbacks=[callback], verbose=0)
    np.testing.assert_allclose(history.history["loss"], [plain], rtol=1e-5)
    assert (callback.statistics()["mean_weight"] == 3).all()
