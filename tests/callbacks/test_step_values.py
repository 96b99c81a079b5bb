import keras
import numpy as np
import pytest
from keras import ops
from own_steps import BACKEND, OwnSteps

import keras_ccar
from keras_ccar.weightings import CCARWeighting

K = 4
COUNTS = [32, 12, 8, 4]
OF_JAX = pytest.mark.skipif(BACKEND != "jax", reason="steps have a state on JAX only")
OPTIONS = [{"run_eagerly": True}, {}]
if BACKEND != "torch":  # which executes one step at once
    OPTIONS.append({"steps_per_execution": 2})
RANDOM = np.random.default_rng(0)
Y = RANDOM.permutation(np.repeat(np.arange(K), COUNTS))
X = (RANDOM.normal(size=(len(Y), 8)) + Y[:, None]).astype("float32")
WEIGHTS = RANDOM.integers(0, 3, len(Y)).astype("float32")


def make(kind, loss=None, **options):
    inputs = keras.Input((8,))
    model = kind(inputs, keras.layers.Dense(K, kernel_initializer="zeros")(inputs))
    loss = loss or keras_ccar.CCARLoss(COUNTS, from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss, **options)
    return model


def fit(model, *callbacks, batch_size=50, epochs=2, rows=None, **arguments):
    return model.fit(
        X[:rows],
        Y[:rows],
        batch_size=batch_size,
        epochs=epochs,
        shuffle=False,
        callbacks=list(callbacks),
        verbose=0,
        **arguments,
    ).history


def updating():
    return keras_ccar.CCARCallback(update_frequencies=True, momentum=0.5)


def kernel(model):
    return ops.convert_to_numpy(model.layers[-1].kernel)


def assert_same(callback, expected):
    assert len(callback.history) == len(expected.history)
    for actual, epoch in zip(callback.history, expected.history, strict=True):
        for name in ("count", "frequency", "class_counts"):
            np.testing.assert_array_equal(actual[name], epoch[name], err_msg=name)
        for name in ("mean_confidence", "mean_weight", "below_pivot"):
            np.testing.assert_allclose(actual[name], epoch[name], rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize("batch_size", [1, K, 50])
def test_own_steps_have_the_statistics_of_keras_steps(batch_size, weights, options):
    rows = 16 if batch_size == 1 else len(Y)
    counted = np.ones(rows) if weights is None else weights[:rows] > 0
    arguments = {"batch_size": batch_size, "rows": rows}
    arguments["sample_weight"] = None if weights is None else weights[:rows]
    arguments["validation_data"] = (X[:20], Y[:20])
    trained = {}
    for kind in (keras.Model, OwnSteps):
        model, callback = make(kind, metrics=["accuracy"], **options), updating()
        logs = fit(model, callback, **arguments)
        trained[kind] = (callback, logs, kernel(model))
    expected, own = trained.values()
    assert_same(own[0], expected[0])
    np.testing.assert_array_equal(
        own[0].history[0]["count"], np.bincount(Y[:rows], counted, minlength=K)
    )
    # Keras before 3.15 loses it where such a step returns it, with any callback.
    lost = {"val_accuracy"} - fit(
        make(OwnSteps, metrics=["accuracy"]), **arguments
    ).keys()
    assert own[1].keys() == expected[1].keys() - lost
    for name in ("val_loss", "ccar_weight"):
        np.testing.assert_allclose(own[1][name], expected[1][name], rtol=1e-5)
    np.testing.assert_allclose(own[2], expected[2], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("order", [1, -1])
def test_deferred_reweighting_in_own_steps(order):
    trained = []
    for kind in (keras.Model, OwnSteps):
        loss = keras_ccar.CCARLoss(COUNTS, strength=3.0, from_logits=True)
        model, callback = make(kind, loss), updating()
        fit(model, *[callback, keras_ccar.DeferredReweighting(1)][::order])
        trained.append((callback, kernel(model)))
    assert_same(trained[1][0], trained[0][0])
    np.testing.assert_array_equal(trained[1][0].history[0]["mean_weight"], np.ones(K))
    assert np.abs(trained[1][0].history[1]["mean_weight"] - 1).min() > 0.1
    np.testing.assert_allclose(trained[1][1], trained[0][1], rtol=1e-4, atol=1e-6)


def test_deferred_reweighting_alone_in_own_steps():
    trained = []
    for kind in (keras.Model, OwnSteps):
        model = make(kind)
        fit(model, keras_ccar.DeferredReweighting(1))
        trained.append(kernel(model))
    np.testing.assert_allclose(trained[1], trained[0], rtol=1e-4, atol=1e-6)


LOSSES = {
    "binary": lambda: keras_ccar.BinaryCCARLoss(
        COUNTS, num_examples=sum(COUNTS), from_logits=True
    ),
    "sum": lambda: keras_ccar.WeightedSum(
        [(0.5, "mse"), (1.0, keras_ccar.CCARLoss(COUNTS, from_logits=True))]
    ),
    "differentiated": lambda: keras_ccar.LongTailedCrossentropy(
        weighting=CCARWeighting(),
        class_counts=COUNTS,
        differentiate_weight=True,
        from_logits=True,
    ),
}


@pytest.mark.parametrize("name", LOSSES)
def test_other_losses_in_own_steps(name):
    trained = []
    for kind in (keras.Model, OwnSteps):
        model, callback = make(kind, LOSSES[name]()), updating()
        model.fit(X, np.eye(K)[Y], epochs=2, verbose=0, callbacks=[callback])
        trained.append(callback)
    assert trained[1].history[0]["count"].tolist() == COUNTS
    np.testing.assert_array_equal(
        trained[1].history[1]["frequency"], trained[0].history[1]["frequency"]
    )


def test_a_loop_over_the_metrics_does_not_change_statistics():
    model, callback = make(keras.Model), updating()
    fit(model, callback)
    statistics = model.loss.statistics
    before = statistics.totals()
    for arguments in ((), (1.0,), (Y, X), (Y, X, WEIGHTS), (Y[:K], X[:K])):
        statistics.update_state(*arguments)
    statistics.update_state(Y, X, sample_weight=WEIGHTS)
    statistics.reset_state()
    assert statistics.result() == {}
    np.testing.assert_array_equal(statistics.totals(), before)


def test_own_steps_go_on_when_compiled_again():
    model, callback = make(OwnSteps), updating()
    fit(model, callback)
    before = callback.statistics()["count"]
    model.compile(keras.optimizers.SGD(0.1), model.loss)
    fit(model)
    model.evaluate(X, Y, verbose=0)
    np.testing.assert_array_equal(callback.statistics()["count"], before)
    fit(model, callback, epochs=1)
    assert callback.statistics()["count"].tolist() == COUNTS
    model.train_on_batch(X, Y)
    assert model.loss.statistics.seen().tolist() == [2 * count for count in COUNTS]


def test_own_steps_resume(tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 2 and self.model.optimizer.iterations == 6:
                raise KeyboardInterrupt

    def train(*others):
        model, callback = make(OwnSteps), updating()
        backup = keras_ccar.BackupAndResume(tmp_path, save_freq=1)
        fit(model, callback, backup, *others, batch_size=20)
        return callback.statistics()

    whole = updating()
    fit(make(OwnSteps), whole, batch_size=20)
    with pytest.raises(KeyboardInterrupt):
        train(Stop())
    resumed = train()
    for name, value in whole.statistics().items():
        np.testing.assert_allclose(resumed[name], value, rtol=1e-5, err_msg=name)


class LeavesOut(OwnSteps):
    """Lists its metrics itself."""

    @property
    def metrics(self):
        return super().metrics[:1]


class KeepsIn(OwnSteps):
    @property
    def metrics(self):
        return super().metrics


def test_a_property_metrics():
    models = [make(kind) for kind in (LeavesOut, KeepsIn)]
    if BACKEND == "jax":
        with pytest.raises(ValueError, match=r"Let it return `super\(\).metrics`"):
            fit(models.pop(0), updating())
    for model in models:
        callback = updating()
        fit(model, callback)
        assert callback.statistics()["count"].tolist() == COUNTS


@OF_JAX
@pytest.mark.parametrize("transform", ["jit", "checkpoint"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_transformed_losses_must_return_the_statistics(transform, options):
    import jax
    from own_steps import ReturnsMetrics

    model, expected, callback = make(OwnSteps, **options), updating(), updating()
    model.transform = getattr(jax, transform)
    with pytest.raises(RuntimeError, match=r"loss, .* = self.stateless_compute_loss"):
        fit(model, updating())
    fit(make(keras.Model), expected)
    fit(make(ReturnsMetrics, **options), callback)
    assert_same(callback, expected)


@OF_JAX
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_statistics_that_a_step_does_not_return(options):
    from own_steps import ReturnsMetrics

    for callback in (updating(), keras_ccar.DeferredReweighting(1)):
        model = make(ReturnsMetrics, **options)
        model.loses = True
        if isinstance(callback, keras_ccar.DeferredReweighting):
            fit(model, callback)  # Nothing is lost.
        else:
            with pytest.raises(RuntimeError, match="return the `metrics_variables`"):
                fit(model, callback)
