import functools

import keras
import numpy as np
import pytest

import keras_ccar
from keras_ccar.callbacks.compiled_losses import compiled_losses, statistics_names

COUNTS = [30, 8, 2]
LABELS = np.repeat([0, 1, 2], COUNTS)
X = np.random.default_rng(0).normal(size=(40, 5)).astype("float32")


def spread(y_true, y_pred):
    return keras.ops.mean(keras.ops.square(y_pred))


def ccar(name="ccar", **arguments):
    return keras_ccar.CCARLoss(COUNTS, from_logits=True, name=name, **arguments)


class Holds(keras.losses.Loss):
    def __init__(self, part):
        super().__init__()
        self.part = part

    def call(self, y_true, y_pred):
        return spread(y_true, y_pred) + self.part(y_true, y_pred)


class Method:
    def __init__(self, part):
        self.parts = [spread, part]

    def total(self, y_true, y_pred):
        return sum(part(y_true, y_pred) for part in self.parts)


def plus(part, y_true, y_pred):
    return spread(y_true, y_pred) + part(y_true, y_pred)


COMPOUNDS = {
    "function": lambda part: lambda t, p: spread(t, p) + part(t, p),
    "partial": lambda part: functools.partial(plus, part),
    "method": lambda part: Method(part).total,
    "loss": Holds,
    "sum": lambda part: keras_ccar.WeightedSum([(1.0, "mae"), (1.0, part)]),
    "list": lambda part: [part],
}


def model(loss, **options):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3, name="head")])
    model.compile(keras.optimizers.SGD(0.1), loss, **options)
    return model


def fit(model, *callbacks, labels=LABELS, epochs=2):
    return model.fit(
        X,
        labels,
        batch_size=16,
        epochs=epochs,
        shuffle=False,
        callbacks=list(callbacks),
        verbose=0,
    )


@pytest.mark.parametrize("run_eagerly", [False, True])
@pytest.mark.parametrize("compound", COMPOUNDS)
@pytest.mark.filterwarnings("ignore:`losses")
def test_compound_losses_are_followed_and_updated(compound, run_eagerly):
    part = ccar()
    labels = LABELS if compound != "sum" else LABELS[:, None]  # what "mae" takes
    trained = model(COMPOUNDS[compound](part), run_eagerly=run_eagerly)
    callback = keras_ccar.CCARCallback(update_frequencies=True, momentum=0.5)
    history = fit(trained, callback, labels=np.minimum(labels, 1)).history
    first, second = callback.history
    assert first["count"].tolist() == second["count"].tolist() == [30, 10, 0]
    np.testing.assert_allclose(first["frequency"], [0.75, 0.2, 0.05])
    np.testing.assert_allclose(second["frequency"], [0.75, 0.225, 0.025])
    np.testing.assert_allclose(part.frequency, [0.75, 0.2375, 0.0125])
    assert "ccar_confidence" in history


def test_statistics_of_a_compound_loss_are_those_of_the_loss_alone():
    alone, within = keras_ccar.CCARCallback(), keras_ccar.CCARCallback()
    fit(model(ccar()), alone)
    part = ccar()
    fit(model(lambda t, p: part(t, p)), within)
    np.testing.assert_equal(within.history, alone.history)


def outputs(loss, kind=dict):
    inputs = keras.Input((5,))
    made = {name: keras.layers.Dense(3, name=name)(inputs) for name in ("a", "b")}
    model = keras.Model(inputs, made if kind is dict else list(made.values()))
    model.compile("sgd", loss)
    return model


def names(model):
    return statistics_names(compiled_losses(model))


def test_names():
    one, two, three = ccar(), ccar("two"), ccar()
    both = keras_ccar.WeightedSum([(1, one), (1, two)])
    assert names(model(one)) == names(model([one])) == [""]
    assert names(model(lambda t, p: one(t, p) + one(t, p))) == [""]
    assert names(model(both)) == ["ccar", "two"]
    assert names(model([[one, (two,), three]])) == ["ccar", "two", "ccar_2"]
    assert names(outputs(one)) == [""]
    assert names(outputs({"a": one, "b": two})) == ["a", "b"]
    assert names(outputs({"a": one, "b": "mse"})) == [""]
    assert names(outputs({"a": both, "b": three})) == ["a_ccar", "a_two", "b"]
    assert names(outputs({"a": both, "b": two})) == ["a", "a_and_b"]
    assert names(outputs([one, two], list)) == ["a", "b"]
    assert names(outputs([one, one], list)) == [""]
    assert names(outputs([None, both], list)) == ["b_ccar", "b_two"]
    assert names(model([[ccar("a/b"), ccar("a_b")]])) == ["a_b", "a_b_2"]
    assert names(model("mse")) == []


def test_several_losses_of_one_output():
    labels = np.minimum(LABELS, 1)
    loss = keras_ccar.WeightedSum([(1, ccar()), (2, ccar("sharp", strength=3.0))])
    trained = outputs({"a": loss, "b": ccar()})
    callback = keras_ccar.CCARCallback()
    history = trained.fit(
        X, {"a": labels, "b": LABELS}, callbacks=[callback], verbose=0
    ).history
    statistics = callback.statistics()
    assert statistics.keys() == {"a_ccar", "a_sharp", "b"}
    assert statistics["a_sharp"]["count"].tolist() == [30, 10, 0]
    assert statistics["b"]["count"].tolist() == COUNTS
    gentle, sharp = statistics["a_ccar"], statistics["a_sharp"]
    np.testing.assert_array_equal(gentle["mean_confidence"], sharp["mean_confidence"])
    assert (gentle["mean_weight"][:2] < sharp["mean_weight"][:2]).all()
    assert {"a_ccar_ccar_weight", "a_sharp_ccar_weight", "b_ccar_weight"} <= set(
        history
    )


@pytest.mark.parametrize(
    "callback", [keras_ccar.CCARCallback(), keras_ccar.DeferredReweighting(1)]
)
def test_the_message_shows_what_works(callback):
    def hidden(y_true, y_pred):
        return globals()["ccar"]()(y_true, y_pred)

    with pytest.raises(ValueError, match="needs a model compiled with") as error:
        fit(model(hidden), callback)
    advised = "keras_ccar.WeightedSum([(1.0, dice), (1.0, ccar)])"
    assert f"`loss={advised}`" in str(error.value)
    with pytest.warns(UserWarning, match="not registered"):
        loss = eval(advised, {"keras_ccar": keras_ccar, "dice": spread, "ccar": ccar()})
    fit(model(loss), callback)


def test_warnings_of_the_output_reach_losses_within():
    def total(y_true, y_pred, part=keras_ccar.CCARLoss(COUNTS)):  # noqa: B008
        return spread(y_true, y_pred) + part(y_true, y_pred)

    callback = keras_ccar.CCARCallback()
    callback.set_model(model(total))
    with pytest.warns(UserWarning, match="pass `from_logits=True` to the loss"):
        callback.on_train_begin()
    adjusted = keras_ccar.BalancedSoftmaxLoss(COUNTS, from_logits=True)
    with pytest.warns(UserWarning, match="would apply the prior twice"):
        keras.Sequential([model(Holds(adjusted)), keras_ccar.LogitCorrection(COUNTS)])
