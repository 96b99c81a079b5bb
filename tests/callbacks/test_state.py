"""No state leaks: of losses, callbacks and models, used twice, shared or copied."""

import copy
import pickle

import keras
import numpy as np
import pytest
from keras import ops

import keras_ccar

COUNTS = [30, 8, 2]
LABELS = np.repeat([0, 1, 2], COUNTS)
X = np.random.default_rng(0).normal(size=(40, 5)).astype("float32")
FEW = slice(25, 40)  # 5, 8 and 2 samples of the classes
EAGERLY = pytest.mark.parametrize("run_eagerly", [False, True])


def ccar(**arguments):
    return keras_ccar.CCARLoss(COUNTS, from_logits=True, **arguments)


def model(loss, seed=0, **options):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3)])
    model.compile(keras.optimizers.SGD(0.5), loss, **options)
    return model


def updating():
    return keras_ccar.CCARCallback(update_frequencies=True, momentum=0.5)


def fit(model, *callbacks, rows=slice(None), epochs=2):
    model.fit(
        X[rows],
        LABELS[rows],
        batch_size=8,
        epochs=epochs,
        shuffle=False,
        callbacks=list(callbacks),
        verbose=0,
    )


def evaluated(model):
    return model.evaluate(X, LABELS, verbose=0)


def assert_same(actual, expected):
    """The same statistics, weights and loss of a model and its callback."""
    np.testing.assert_equal(actual[1].history, expected[1].history)
    np.testing.assert_equal(actual[1].statistics(), expected[1].statistics())
    for own, other in zip(
        actual[0].get_weights(), expected[0].get_weights(), strict=True
    ):
        np.testing.assert_allclose(own, other, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(evaluated(actual[0]), evaluated(expected[0]), rtol=1e-6)


class AtEndOfEpoch(keras.callbacks.Callback):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def on_epoch_end(self, epoch, logs=None):
        self.function()


@pytest.mark.slow
@EAGERLY
def test_models_that_share_a_loss_train_as_with_their_own(run_eagerly):
    """One after the other, again, and each while the other trains."""
    pairs = {}
    for shares in (False, True):
        first_loss = ccar()
        second_loss = first_loss if shares else ccar()
        first = model(first_loss, 1, run_eagerly=run_eagerly), updating()
        second = model(second_loss, 2, run_eagerly=run_eagerly), updating()
        fit(*first)
        fit(*second, rows=FEW)
        fit(*first, epochs=1)  # goes on
        fit(second[0], rows=FEW, epochs=1)  # without a callback
        within = AtEndOfEpoch(lambda second=second: fit(*second, rows=FEW, epochs=1))
        fit(*first, within)
        pairs[shares] = first, second
    for shared, own in zip(pairs[True], pairs[False], strict=True):
        assert_same(shared, own)
    first, second = pairs[True]
    assert [len(callback.history) for _, callback in pairs[True]] == [5, 4]
    for epoch in first[1].history:
        assert epoch["count"].tolist() == COUNTS
    for epoch in second[1].history:
        assert epoch["count"].tolist() == [5, 8, 2]


@pytest.mark.slow
@EAGERLY
def test_steps_of_models_that_share_a_loss_alternate(run_eagerly):
    outcomes = []
    for shares in (False, True):
        losses = [ccar()] * 2 if shares else [ccar(), ccar()]
        models = [
            model(loss, index, run_eagerly=run_eagerly)
            for index, loss in enumerate(losses)
        ]
        callbacks = [updating(), keras_ccar.CCARCallback()]
        for trained, callback, rows in zip(
            models, callbacks, (FEW, slice(None)), strict=True
        ):
            fit(trained, callback, rows=rows)
        values = []
        for _ in range(2):
            values += [m.train_on_batch(X[:10], LABELS[:10]) for m in models]
            values += [m.test_on_batch(X, LABELS) for m in models]
        outcomes.append(np.ravel(values))
        totals = [m.ccar_statistics.totals()[:, 0].tolist() for m in models]
        assert totals == [[25, 8, 2], [50, 8, 2]]
    np.testing.assert_allclose(outcomes[0], outcomes[1], rtol=1e-6)


def test_every_fold_begins_as_the_loss_was_given():
    loss, callback = ccar(), updating()
    histories = []
    for _ in range(2):
        fit(model(loss), callback)
        histories.append(callback.history)
    assert len(histories[0]) == len(histories[1]) == 2
    np.testing.assert_equal(histories[1], histories[0])


def test_the_loss_is_in_the_state_of_the_model_set_up_last():
    loss = ccar()
    first, second = model(loss), model(loss)
    fit(first, updating(), rows=FEW)
    updated = loss.frequency
    assert updated[1] > 0.3
    # Its own model goes on, without a callback and in further fits.
    continued = keras_ccar.CCARCallback()
    fit(first, continued)
    np.testing.assert_array_equal(continued.history[0]["frequency"], updated)
    fit(second, keras_ccar.CCARCallback())
    np.testing.assert_array_equal(loss.frequency, np.array(COUNTS) / 40)
    evaluated(first)
    np.testing.assert_array_equal(loss.frequency, np.array(COUNTS) / 40)
    assert "prior" not in loss.get_config()


def test_every_model_is_saved_with_its_own_frequencies(tmp_path):
    loss = ccar()
    first, second = model(loss, 1), model(loss, 2)
    fit(first, updating(), rows=FEW)
    updated = loss.frequency
    fit(second, keras_ccar.CCARCallback())
    for trained, frequency in ((first, updated), (second, np.array(COUNTS) / 40)):
        trained.save(tmp_path / "model.keras")
        loaded = keras.models.load_model(tmp_path / "model.keras")
        np.testing.assert_allclose(loaded.loss.frequency, frequency, rtol=1e-12)
        np.testing.assert_allclose(evaluated(loaded), evaluated(trained), rtol=1e-6)


def test_loaded_weights_are_for_their_model_alone(tmp_path):
    loss = ccar()
    first, second = model(loss, 1), model(loss, 2)
    fit(first, updating(), rows=FEW)
    first.save_weights(tmp_path / "first.weights.h5")
    updated, value = loss.frequency, evaluated(first)
    fit(second, updating())
    second_value, totals = evaluated(second), second.ccar_statistics.totals()
    fit(first, updating())
    callback = keras_ccar.CCARCallback()
    callback.set_model(second)
    first.load_weights(tmp_path / "first.weights.h5")
    np.testing.assert_allclose(evaluated(first), value, rtol=1e-6)
    np.testing.assert_allclose(first.ccar_statistics.loss_prior.frequency, updated)
    np.testing.assert_allclose(evaluated(second), second_value, rtol=1e-6)
    np.testing.assert_array_equal(second.ccar_statistics.totals(), totals)


def test_a_loss_that_a_model_no_longer_has_keeps_its_frequencies():
    before, after = ccar(), ccar(strength=0.0)
    trained = model(before)
    fit(trained, updating(), rows=FEW)
    updated = before.frequency
    trained.compile("sgd", after)
    callback = updating()
    fit(trained, callback)
    np.testing.assert_array_equal(
        callback.history[0]["frequency"], np.array(COUNTS) / 40
    )
    np.testing.assert_array_equal(before.frequency, updated)
    assert before.statistics is None
    assert np.isfinite(float(before(LABELS, np.zeros((40, 3)))))


def test_statistics_stay_those_of_the_last_fit_with_the_callback():
    trained, callback = model(ccar()), keras_ccar.CCARCallback()
    fit(trained, callback)
    before = copy.deepcopy(callback.statistics())
    fit(trained)
    trained.train_on_batch(X, LABELS)
    np.testing.assert_equal(callback.statistics(), before)
    other = keras_ccar.CCARCallback()
    fit(trained, other, rows=FEW)
    np.testing.assert_equal(callback.statistics(), before)
    assert other.statistics()["count"].tolist() == [5, 8, 2]


def test_a_callback_of_two_models():
    callback = keras_ccar.CCARCallback()
    first = model(ccar())
    other = model(keras_ccar.FocalLoss(class_counts=[1, 1, 1], from_logits=True))
    fit(first, callback)
    first_history = callback.history
    fit(other, callback, rows=FEW, epochs=1)
    assert [epoch["count"].tolist() for epoch in callback.history] == [[5, 8, 2]]
    np.testing.assert_array_equal(callback.statistics()["frequency"], [1 / 3] * 3)
    assert len(first_history) == 2
    fit(first, callback, epochs=1)
    assert [epoch["count"].tolist() for epoch in callback.history] == [COUNTS]


def test_history_begins_anew_with_other_losses():
    trained, callback = model(ccar()), keras_ccar.CCARCallback()
    fit(trained, callback, epochs=1)
    both = keras_ccar.WeightedSum([(1, ccar()), (1, ccar(name="other"))])
    trained.compile("sgd", both)
    fit(trained, callback, epochs=1)
    assert len(callback.history) == 1
    assert callback.history[0].keys() == {"ccar", "other"}


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda callback: pickle.loads(pickle.dumps(callback))],
)
def test_a_copied_callback_begins_anew(copied):
    callback = keras_ccar.CCARCallback(momentum=0.25, class_names=list("abc"))
    deferred = keras_ccar.DeferredReweighting(1)
    fit(model(ccar()), callback, deferred)
    again, deferred_again = copied(callback), copied(deferred)
    assert (again.momentum, again.class_names) == (0.25, list("abc"))
    assert (len(again.history), len(callback.history)) == (0, 2)
    with pytest.raises(RuntimeError, match="before training"):
        again.statistics()
    fit(model(ccar()), again, deferred_again)
    np.testing.assert_equal(again.history, callback.history)


@pytest.mark.tensorflow_only
def test_a_copied_callback_writes_for_tensorboard(tmp_path):
    callback = copy.deepcopy(keras_ccar.CCARCallback(log_dir=tmp_path))
    fit(model(ccar()), callback)
    assert list((tmp_path / "train").iterdir())


def from_configuration(loss):
    return type(loss).from_config(loss.get_config())


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, from_configuration])
def test_a_copied_loss_begins_with_the_frequencies_of_the_original(copied):
    loss = ccar()
    fit(model(loss), updating(), rows=FEW)
    updated, again = loss.frequency, copied(loss)
    assert again.statistics is None
    assert loss.statistics is not None
    np.testing.assert_array_equal(again.frequency, updated)
    callback = updating()
    fit(model(again), callback)
    np.testing.assert_array_equal(callback.history[0]["frequency"], updated)
    assert not np.array_equal(again.frequency, updated)
    np.testing.assert_array_equal(loss.frequency, updated)


def test_copies_need_no_registered_functions():
    loss = ccar()
    loss.part = {"weight": lambda p, f: p, "inner": ccar()}
    copied = copy.deepcopy(loss)
    assert copied.part["weight"] is loss.part["weight"]
    assert copied.part["inner"] is not loss.part["inner"]
    logits = ops.zeros((40, 3))
    assert float(copied(LABELS, logits)) == float(loss(LABELS, logits))


@pytest.fixture
def compiled_clones():
    original = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3)])
    original.compile("sgd", "mse")
    if not keras.models.clone_model(original).compiled:
        pytest.skip("Keras before 3.9 does not compile the clone of a compiled model")


@pytest.mark.usefixtures("compiled_clones")
def test_a_cloned_model_has_a_loss_of_its_own():
    original = model(ccar())
    fit(original, updating(), rows=FEW)
    updated, value = original.loss.frequency, evaluated(original)
    cloned = keras.models.clone_model(original)
    cloned.set_weights(original.get_weights()[:2])
    assert cloned.loss is not original.loss
    np.testing.assert_array_equal(cloned.loss.frequency, updated)
    np.testing.assert_allclose(evaluated(cloned), value, rtol=1e-6)
    fit(cloned, updating())
    np.testing.assert_array_equal(original.loss.frequency, updated)


def built_for(loss):
    keras.utils.set_random_seed(0)
    built = keras.Sequential(
        [keras.Input((5,)), keras.layers.Dense(3, activation="softmax")]
    )
    built.compile(keras.optimizers.SGD(0.5), loss)
    return built


@pytest.mark.slow
def test_estimators_of_scikit_learn():
    base = pytest.importorskip("sklearn.base")
    # Keras 3.8 uses it without importing it.
    pytest.importorskip("sklearn.utils.multiclass")
    loss, callback = keras_ccar.CCARLoss(COUNTS), updating()

    def build(X, y):  # noqa: N803
        return built_for(loss)

    expected = updating()
    built_for(loss).fit(
        X, np.eye(3)[LABELS], callbacks=[expected], shuffle=False, verbose=0
    )
    options = {"callbacks": [callback], "shuffle": False, "verbose": 0}
    estimator = keras.wrappers.SKLearnClassifier(build, fit_kwargs=options)
    histories = []
    for each in (estimator, base.clone(estimator), estimator):
        each.fit(X, LABELS, **options)
        assert each.predict(X).shape == (40,)
        histories.append(callback.history)
    for history in histories:
        np.testing.assert_equal(history, expected.history)


@pytest.mark.usefixtures("compiled_clones")
def test_estimators_of_scikit_learn_clone_a_compiled_model_for_every_fit():
    pytest.importorskip("sklearn")
    own, options = keras_ccar.CCARLoss(COUNTS), {"callbacks": [updating()]}
    estimator = keras.wrappers.SKLearnClassifier(built_for(own))
    fitted = estimator.fit(X, LABELS, verbose=0, **options)
    assert fitted.model_.loss is not own
    assert own.statistics is None
