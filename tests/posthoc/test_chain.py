"""One model of a trained model and what was chosen for it."""

import re
import subprocess
import sys
import warnings

import keras
import numpy as np
import pytest
from keras import ops
from served_models import close, needs_export, served

import keras_ccar
from keras_ccar.layers import (
    CostSensitiveDecision,
    LogitCorrection,
    TemperatureScaling,
    Thresholds,
)
from keras_ccar.layers.prediction_set import PredictionSet
from keras_ccar.posthoc.calibration.temperatures import calibrate
from keras_ccar.posthoc.composition import chain
from keras_ccar.posthoc.conformal.prediction_sets import prediction_sets
from keras_ccar.posthoc.decisions.thresholds import tune_thresholds
from keras_ccar.posthoc.prior.logit_correction import tune_logit_correction
from keras_ccar.posthoc.prior.prior_estimation import estimate_prior
from keras_ccar.posthoc.retraining.model_copies import copy_model
from keras_ccar.serving import export

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 8)).astype("float32")
COUNTS = [500, 100, 20]
F = np.array(COUNTS) / 620
COSTS = [[0, 1, 2], [5, 0, 1], [60, 20, 0]]


@keras.saving.register_keras_serializable("tests")
class Subclassed(keras.Model):
    def __init__(self, units=3, **options):
        super().__init__(**options)
        self.dense = keras.layers.Dense(units)

    def call(self, inputs):
        return self.dense(inputs)

    def get_config(self):
        return {"units": self.dense.units}


def sequential(units=3, activation=None):
    return keras.Sequential(
        [keras.Input((8,), name="x"), keras.layers.Dense(units, activation=activation)]
    )


def functional():
    inputs = keras.Input((8,), name="x")
    return keras.Model(inputs, keras.layers.Dense(3)(inputs))


def subclassed():
    model = Subclassed()
    model.compile("sgd", keras.losses.CategoricalCrossentropy(from_logits=True))
    model.predict(X, verbose=0)
    return model


def softmax(logits):
    powers = np.exp(np.asarray(logits, "float64"))
    return powers / powers.sum(-1, keepdims=True)


def sigmoid(logits):
    return 1 / (1 + np.exp(-np.asarray(logits, "float64")))


def bayes(p, costs):
    return np.eye(len(costs))[(p @ np.array(costs, float)).argmin(-1)]


@pytest.mark.parametrize("build", [sequential, functional, subclassed])
def test_applies_what_it_is_given(build, tmp_path):
    model = build()
    before = model.predict(X, verbose=0)
    names = [layer.name for layer in model.layers]
    whole = chain(
        model,
        TemperatureScaling(2.0),
        None,
        LogitCorrection(COUNTS),
        CostSensitiveDecision(COSTS),
    )
    expected = bayes(softmax(before / 2 - np.log(F)), COSTS)
    np.testing.assert_array_equal(whole.predict(X, verbose=0), expected)
    # The given model is the same as before, and its weights are those of the new one.
    assert [layer.name for layer in model.layers] == names
    np.testing.assert_array_equal(model.predict(X, verbose=0), before)
    whole.save(tmp_path / "model.keras")
    copy = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(copy.predict(X, verbose=0), expected)
    model.set_weights([weight * 0 for weight in model.get_weights()])
    zero = bayes(softmax(np.zeros((30, 3)) - np.log(F)), COSTS)
    np.testing.assert_array_equal(whole.predict(X, verbose=0), zero)


def test_nothing_to_apply():
    model = sequential()
    np.testing.assert_allclose(
        chain(model).predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-6
    )


def test_several_inputs(tmp_path):
    a, b = keras.Input((8,), name="a"), keras.Input((8,), name="b")
    outputs = keras.layers.Dense(3)(keras.layers.Concatenate()([a, b]))
    for inputs, given in (({"a": a, "b": b}, {"a": X, "b": X}), ([a, b], [X, X])):
        model = keras.Model(inputs, outputs)
        whole = chain(model, TemperatureScaling(2.0))
        expected = model.predict(given, verbose=0) / 2
        close(whole.predict(given, verbose=0), expected)
        whole.save(tmp_path / "model.keras")
        copy = keras.models.load_model(tmp_path / "model.keras")
        close(copy.predict(given, verbose=0), expected)


def test_a_chain_of_a_chain():
    model = sequential()
    once = chain(model, TemperatureScaling(2.0))
    whole = chain(once, LogitCorrection(COUNTS))
    z = model.predict(X, verbose=0)
    found = softmax(whole.predict(X, verbose=0))
    close(found, softmax(z / 2 - np.log(F)))
    with pytest.warns(UserWarning, match=r"apply TemperatureScaling twice"):
        chain(whole, TemperatureScaling(2.0))


@pytest.mark.parametrize("build", [sequential, functional, subclassed])
@pytest.mark.parametrize(
    "layers",
    [
        lambda: (),
        lambda: (TemperatureScaling(2.0), LogitCorrection(COUNTS)),
        lambda: (CostSensitiveDecision(COSTS),),
        lambda: (keras.layers.Softmax(),),
    ],
)
def test_the_names_of_the_classes_go_along(build, layers, tmp_path):
    model = build()
    layers = layers()
    model.class_names = np.array(["cat", "dog", "axolotl"])
    whole = chain(chain(model), *layers)
    whole.save(tmp_path / "model.keras")
    copy = keras.models.load_model(tmp_path / "model.keras")
    for named in (whole, copy, chain(copy, None)):
        assert list(named.class_names) == ["cat", "dog", "axolotl"]
    expected = whole.predict(X, verbose=0)
    np.testing.assert_array_equal(copy.predict(X, verbose=0), expected)
    assert not hasattr(chain(build(), *layers), "class_names")


@pytest.mark.parametrize("named", [False, True])
def test_a_chain_of_a_chain_sees_the_loss_within(named):
    # Nothing but the loss tells what a subclassed model returns.
    model = subclassed()
    if named:
        model.class_names = ["cat", "dog", "axolotl"]
    z = model.predict(X, verbose=0)
    once = chain(chain(model), TemperatureScaling(2.0))
    close(once.predict(X, verbose=0), z / 2)
    whole = keras.Sequential([chain(once), LogitCorrection(COUNTS)])
    close(whole.predict(X, verbose=0), z / 2 - np.log(F))


def test_a_correction_goes_on_as_the_one_before_it_was_told():
    model = Subclassed()
    z = model.predict(X, verbose=0)
    once = chain(model, TemperatureScaling(2.0, from_logits=True))
    close(chain(once, LogitCorrection(COUNTS)).predict(X, verbose=0), z / 2 - np.log(F))


def test_the_prior_is_not_taken_out_twice_behind_a_chain():
    model = subclassed()
    model.compile("sgd", keras_ccar.losses.LogitAdjustedLoss(COUNTS))
    for whole in (chain(model), chain(chain(model), keras.layers.Dropout(0.1))):
        with pytest.warns(UserWarning, match="apply the prior twice") as caught:
            keras.Sequential([whole, LogitCorrection(COUNTS)])
        assert len(caught) == 1
        with pytest.warns(UserWarning, match="apply the prior twice") as caught:
            chain(whole, LogitCorrection(COUNTS))
        assert len(caught) == 1


@pytest.mark.slow
def test_a_saved_chain_with_names_needs_the_package_alone(tmp_path):
    model = sequential()
    model.class_names = ["cat", "dog", "axolotl"]
    chain(model).save(tmp_path / "model.keras")
    code = f"""
import keras, keras_ccar
model = keras.models.load_model({str(tmp_path / "model.keras")!r})
assert list(model.class_names) == ["cat", "dog", "axolotl"]
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_names_stay_in_a_copy_of_a_plain_model():
    model = sequential()
    model.class_names = ["cat", "dog", "axolotl"]
    assert list(copy_model(model).class_names) == ["cat", "dog", "axolotl"]


@needs_export
@pytest.mark.parametrize("is_loaded", [False, True])
def test_serves_the_names_that_the_model_had(is_loaded, tmp_path):
    model = sequential(2, "sigmoid")
    model.class_names = ["wet", "hot"]
    tuned = tune_thresholds(model, (X, (RNG.random((30, 2)) < 0.4).astype(int)))
    whole = chain(model, tuned)
    if is_loaded:
        whole.save(tmp_path / "model.keras")
        whole = keras.models.load_model(tmp_path / "model.keras")
    answer = served(export(whole, tmp_path), x=X)
    assert answer["class_names"][0].tolist() == [b"wet", b"hot"]


def test_a_result_stands_for_its_layer():
    model = sequential(2, "sigmoid")
    y = (RNG.random((30, 2)) < 0.4).astype(int)
    tuned = tune_thresholds(model, (X, y))
    whole = chain(model, tuned)
    assert whole.layers[-1] is tuned.layer
    expected = model.predict(X, verbose=0) >= tuned.thresholds
    np.testing.assert_array_equal(whole.predict(X, verbose=0), expected)
    assert tuned.chosen["f1"].min() > 0


def test_warns_of_what_is_applied_twice():
    with pytest.warns(UserWarning, match=r"apply LogitCorrection twice"):
        chain(sequential(), LogitCorrection(COUNTS), LogitCorrection(COUNTS))
    with pytest.warns(UserWarning, match=r"apply TemperatureScaling twice"):
        chain(sequential(), TemperatureScaling(2.0), TemperatureScaling(3.0))


def back_and_on():
    """Pairs of corrections that fit, by kind of output, and what both do to logits."""
    log = np.log
    prior = np.array([0.2, 0.3, 0.5])
    counts, odds = [990, 10], log(0.05 / 0.95)
    several, shares = [[90, 10], [60, 40]], np.array([0.2, 0.5])
    return [
        (
            3,
            None,
            {"trained_prior": prior},
            {"target_prior": F[::-1]},
            -log(prior) + log(F[::-1]),
        ),
        (3, "softmax", {"trained_prior": "balanced"}, {}, 0 * F),
        (3, None, {}, {"trained_prior": "balanced"}, 0 * F),
        (3, None, {"target_prior": prior}, {"trained_prior": prior}, 0 * F),
        (
            1,
            "sigmoid",
            {"trained_prior": 0.2},
            {"target_prior": 0.05},
            odds - log(0.2 / 0.8),
        ),
        (
            1,
            None,
            {"trained_prior": 0.2},
            {"target_prior": [0.95, 0.05]},
            odds - log(0.2 / 0.8),
        ),
        (
            2,
            "sigmoid",
            {"trained_prior": shares},
            {"target_prior": 0.05},
            odds - log(shares / (1 - shares)),
        ),
    ], {3: COUNTS, 1: counts, 2: several}


@pytest.mark.parametrize("number", range(7))
@pytest.mark.parametrize("is_compiled", [True, False])
def test_a_correction_goes_on_from_the_prior_before_it(number, is_compiled, tmp_path):
    pairs, counts = back_and_on()
    columns, activation, first, second, expected = pairs[number]
    model = sequential(columns, activation)
    z = model.predict(X, verbose=0)
    if activation == "softmax":
        z = np.log(z)
    elif activation == "sigmoid":
        z = np.log(z) - np.log1p(-z)
    if is_compiled and first.get("trained_prior") is not None:
        # The first correction has put back what the loss has taken out.
        name = "LogitAdjustedLoss" if columns == 3 else "BinaryLogitAdjustedLoss"
        loss = getattr(keras_ccar, name)
        model.compile("sgd", loss(counts[columns], from_logits=activation is None))
    back = LogitCorrection(counts[columns], **first)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        once = chain(model, back)
        whole = chain(once, LogitCorrection(counts[columns], **second))
        keras.Sequential([once, LogitCorrection(counts[columns], **second)])
        chain(reloaded(once, tmp_path), LogitCorrection(counts[columns], **second))
    found = whole.predict(X, verbose=0)
    if activation is None:
        gaps = found - (z + expected)
        gaps -= gaps[:, :1] if columns == 3 else 0
        close(gaps, 0 * gaps)
    else:
        close(found, softmax(z + expected) if columns == 3 else sigmoid(z + expected))


@pytest.mark.parametrize(
    ("first", "second", "one"),
    [
        ({}, {}, {}),
        ({}, {"target_prior": F}, {"target_prior": F}),
        (
            {"trained_prior": "balanced"},
            {"trained_prior": "balanced"},
            {"trained_prior": "balanced"},
        ),
        (
            {"trained_prior": [1, 2, 3]},
            {"trained_prior": "balanced"},
            {"trained_prior": [1, 2, 3]},
        ),
        ({"target_prior": [1, 2, 3]}, {}, {}),
        ({"target_prior": [1, 2, 3]}, {"trained_prior": "balanced"}, None),
        ({"trained_prior": "balanced", "target_prior": [1, 2, 3]}, {}, None),
        (
            {"trained_prior": [1, 2, 3], "target_prior": [3, 2, 1]},
            {},
            {"trained_prior": [1, 2, 3], "target_prior": [1, 1, 1]},
        ),
    ],
)
def test_says_which_correction_stands_for_two_that_do_not_fit(first, second, one):
    model = sequential()
    with pytest.warns(UserWarning, match="another prior than the one") as caught:
        chain(
            model, LogitCorrection(COUNTS, **first), LogitCorrection(COUNTS, **second)
        )
    told = re.search(r"Put `(.*)` behind the model", str(caught[0].message))
    assert (told is None) == (one is None)
    if one is None:
        assert "Leave both out" in str(caught[0].message)
        return
    advised = eval(told[1], {"keras_ccar": keras_ccar, "class_counts": COUNTS})
    expected = chain(model, LogitCorrection(COUNTS, **one)).predict(X, verbose=0)
    close(chain(model, advised).predict(X, verbose=0), expected)


@needs_export
def test_a_second_correction_is_served_behind_the_first(tmp_path):
    back = chain(
        sequential(1, "sigmoid"), LogitCorrection([990, 10], trained_prior=0.2)
    )
    known = LogitCorrection([990, 10], target_prior=0.05)
    with pytest.raises(ValueError, match=r"Export `keras_ccar.posthoc.chain\(model, c"):
        export(back, tmp_path / "both", correction=known)
    whole = chain(back, known)
    answer = served(export(whole, tmp_path / "both"), x=X)
    close(answer["probabilities"], whole.predict(X, verbose=0))


def test_long_priors_are_named_in_advice():
    model, counts = sequential(40), np.arange(1, 41)
    first = LogitCorrection(counts, trained_prior=counts[::-1])
    second = LogitCorrection(
        counts[:40], target_prior=counts[::-1], trained_prior=counts**2
    )
    with pytest.warns(
        UserWarning, match=r"first\.trained_prior, target_prior=second\."
    ):
        chain(model, first, second)


@pytest.mark.parametrize("before", [(), (TemperatureScaling(2.0, from_logits=True),)])
@pytest.mark.parametrize("is_nested", [False, True])
def test_warns_of_a_prior_that_training_has_taken_out(before, is_nested):
    model = sequential()
    model.compile("sgd", keras_ccar.BalancedSoftmaxLoss(COUNTS, from_logits=True))
    model = chain(model) if is_nested else model
    with pytest.warns(UserWarning, match=r"apply the prior twice") as caught:
        chain(model, *before, LogitCorrection(COUNTS))
    assert len(caught) == 1
    chain(model, *before, LogitCorrection(COUNTS, trained_prior="balanced"))


@pytest.mark.parametrize("is_nested", [False, True])
@pytest.mark.parametrize("before", [(), (keras.layers.Softmax(),)])
def test_warns_of_costs_behind_a_model_that_was_rebalanced(before, is_nested):
    model = sequential()
    model.compile("sgd", keras_ccar.BalancedSoftmaxLoss(COUNTS, from_logits=True))
    model = chain(model) if is_nested else model
    decision = CostSensitiveDecision(COSTS)
    advice = (
        r"Put `keras_ccar.LogitCorrection\(class_counts, trained_prior=\"balanced\""
    )
    with pytest.warns(UserWarning, match=advice) as caught:
        chain(model, *before, decision)
    assert len(caught) == 1
    back = LogitCorrection(COUNTS, trained_prior="balanced")
    chain(model, back, *before, decision)
    # Thresholds and sets are chosen for the probabilities that the model has.
    chain(model, *before, PredictionSet(0.5))


@pytest.mark.parametrize(
    "layer",
    [Thresholds(0.5), LogitCorrection([9, 1]), keras.layers.Dense(2), None],
)
def test_nothing_comes_behind_a_decision(layer):
    decided = chain(sequential(1), Thresholds(0.5))
    if layer is None:
        chain(decided, None)
        return
    for model, first in ((sequential(1), [Thresholds(0.5)]), (decided, [])):
        with pytest.raises(
            ValueError, match=r"`layers` must end where a layer decides"
        ):
            chain(model, *first, layer)


def test_what_is_refused():
    with pytest.raises(ValueError, match=r"`model` must be a keras.Model"):
        chain("model")
    for wrong in ("layer", 2.0, LogitCorrection):
        with pytest.raises(ValueError, match=r"`layers` must be Keras layers"):
            chain(sequential(), wrong)
    for unbuilt in (Subclassed(), keras.Sequential([keras.layers.Dense(3)])):
        with pytest.raises(ValueError, match=r"`model` must be built"):
            chain(unbuilt, TemperatureScaling(2.0))
    inputs = keras.Input((8,))
    both = keras.Model(inputs, [keras.layers.Dense(3)(inputs)] * 2)
    with pytest.raises(ValueError, match=r"`model` must have one output.*with 2"):
        chain(both, TemperatureScaling(2.0))
    with pytest.raises(ValueError, match=r"classes that exclude.*CostSensitiveDecis"):
        chain(sequential(3, "softmax"), Thresholds(0.5))


class TwoArguments(keras.Model):
    def call(self, first, second):
        return first + second


def test_refuses_a_subclassed_model_of_two_arguments():
    model = TwoArguments()
    model(X, X)
    with pytest.raises(ValueError, match=r"inputs as one argument.*first, second"):
        chain(model, TemperatureScaling(2.0))


@needs_export
@pytest.mark.parametrize("build", [sequential, subclassed])
def test_exports_corrected_probabilities(build, tmp_path):
    model = build()
    z = model.predict(X, verbose=0)
    whole = chain(model, TemperatureScaling(2.0), LogitCorrection(COUNTS))
    folder = export(whole, tmp_path, ["a", "b", "c"])
    name = "x" if build is sequential else "inputs"
    answer = served(folder, **{name: X})
    close(answer["probabilities"], softmax(z / 2 - np.log(F)))
    assert set(answer) == {"probabilities", "class_names"}


@needs_export
@pytest.mark.parametrize("activation", [None, "sigmoid"])
def test_exports_thresholds(activation, tmp_path):
    model = sequential(3, activation)
    if activation is None:
        model.compile("sgd", keras.losses.BinaryCrossentropy(from_logits=True))
    counts = [[480, 20], [250, 250], [490, 10]]
    limits = [0.9, 0.5, 0.95]
    whole = chain(model, LogitCorrection(counts), Thresholds(limits))
    p = model.predict(X, verbose=0).astype("float64")
    z = np.log(p / (1 - p)) if activation else p
    answer = served(export(whole, tmp_path), x=X)
    close(answer["probabilities"], sigmoid(z + np.log([24, 1, 49])))
    close(answer["thresholds"], [limits] * 30)
    np.testing.assert_array_equal(answer["decisions"], whole.predict(X, verbose=0))
    assert answer["decisions"].dtype == bool
    assert 0 < answer["decisions"].mean() < 1


@needs_export
def test_exports_labels_that_only_the_loss_tells(tmp_path):
    """Logits of K columns behind a layer that does not say what they are."""
    model = sequential(3)
    model.compile("sgd", keras.losses.BinaryCrossentropy(from_logits=True))
    whole = chain(model, TemperatureScaling(2.0))
    z = model.predict(X, verbose=0)
    close(served(export(whole, tmp_path), x=X)["probabilities"], sigmoid(z / 2))


@needs_export
@pytest.mark.parametrize("activation", [None, "softmax"])
def test_exports_the_smallest_cost(activation, tmp_path):
    model = sequential(3, activation)
    whole = chain(model, CostSensitiveDecision(COSTS))
    p = model.predict(X, verbose=0)
    p = p if activation else softmax(p)
    folder = export(whole, tmp_path, ["a", "b", "c"])
    answer = served(folder, x=X)
    close(answer["probabilities"], p)
    assert answer["decisions"].dtype == bool
    np.testing.assert_array_equal(answer["decisions"], bayes(p, COSTS))
    assert set(answer) == {"probabilities", "decisions", "class_names"}
    assert set(served(folder, "decisions", x=X)) == {"probabilities", "decisions"}
    assert set(served(folder, "probabilities", x=X)) == {"probabilities"}


@needs_export
def test_exports_the_cost_of_one_label_with_two_names(tmp_path):
    model = sequential(1)
    whole = chain(model, CostSensitiveDecision([[0, 1], [4, 0]]))
    answer = served(export(whole, tmp_path, ["no", "yes"]), x=X)
    yes = sigmoid(model.predict(X, verbose=0))
    close(answer["probabilities"], np.concatenate([1 - yes, yes], axis=1))
    is_yes = yes >= 1 / 5
    expected = np.concatenate([~is_yes, is_yes], axis=1)
    np.testing.assert_array_equal(answer["decisions"], expected)


@needs_export
def test_exports_prediction_sets(tmp_path):
    model = sequential(3)
    whole = chain(model, PredictionSet([0.5, 0.7, 0.9]))
    answer = served(export(whole, tmp_path), x=X)
    p = softmax(model.predict(X, verbose=0))
    close(answer["probabilities"], p)
    np.testing.assert_array_equal(answer["decisions"], 1 - p <= [0.5, 0.7, 0.9])


@needs_export
def test_exports_a_sequential_model_that_ends_in_a_decision(tmp_path):
    model = sequential(1)
    whole = keras.Sequential([*model.layers, Thresholds(0.4)])
    whole(X)
    answer = served(export(whole, tmp_path), inputs=X)
    expected = sigmoid(ops.convert_to_numpy(model(X))) >= 0.4
    np.testing.assert_array_equal(answer["decisions"], expected)


@needs_export
def test_what_cannot_be_exported(tmp_path):
    whole = chain(sequential(1), Thresholds(0.5))
    with pytest.raises(ValueError, match=r"`thresholds` must be None for a model th"):
        export(whole, tmp_path, thresholds=0.4)
    with pytest.raises(ValueError, match=r"`correction` must be None for a model th"):
        export(whole, tmp_path, correction=LogitCorrection([9, 1]))
    with pytest.raises(ValueError, match=r"`model` must not hold another model that"):
        export(keras.Sequential([keras.Input((8,)), whole]), tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_calibration_of_an_estimated_prior_comes_with_it():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [60, 30, 20])
    x = (rng.normal(size=(110, 3)) + 2.0 * np.eye(3)[labels]).astype("float32")
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)])
    estimated = estimate_prior(model, x, [60, 30, 20], validation=(x, labels))
    whole = chain(model, estimated)
    logits = ops.convert_to_numpy(model(x)).astype("float64")
    scaling = estimated.calibration
    expected = logits / scaling.temperature + np.asarray(scaling.bias)
    expected += np.log(estimated.prior) - np.log(estimated.source_prior)
    difference = whole.predict(x, verbose=0) - expected
    # Logits are known up to a constant of each row.
    difference -= difference.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(difference, 0, atol=1e-4)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        again = chain(model, scaling, estimated)
        nested = chain(chain(model, scaling), estimated)
    for other in (again, nested):
        np.testing.assert_allclose(
            other.predict(x, verbose=0), whole.predict(x, verbose=0), atol=1e-6
        )


LABELS = np.repeat([0, 1], [900, 100])
POINTS = RNG.normal(size=(1000, 2)).astype("float32") + LABELS[:, None]
YES = np.eye(3)[RNG.choice(3, size=1000, p=F)].argmax(-1)
X3 = (RNG.normal(size=(1000, 3)) + 1.5 * np.eye(3)[YES]).astype("float32")


def label_model(activation="sigmoid"):
    model = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(1, activation=activation)]
    )
    model.set_weights([np.array([[1.0], [1.0]]), np.array([-3.0])])
    model.compile("sgd", keras.losses.BinaryCrossentropy(activation is None))
    return model


def class_model():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)])
    model.set_weights([np.eye(3) * 3, np.log(F)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def reloaded(model, tmp_path):
    model.save(tmp_path / "model.keras")
    return keras.models.load_model(tmp_path / "model.keras")


def test_warns_of_a_part_that_was_chosen_on_something_else(tmp_path):
    model, data = label_model(), (POINTS, LABELS)
    raw = tune_thresholds(model, data)
    correction = LogitCorrection(np.bincount(LABELS))
    corrected = tune_thresholds(chain(model, correction), data)
    for parts, message in (
        ([correction, raw], r"TunedThresholds.*without a correction.*LogitCorrection"),
        ([corrected], r"on the output after LogitCorrection and gets the output with"),
        ([TemperatureScaling(2.0), correction, corrected], r"Scaling, then LogitCor"),
        ([LogitCorrection([9, 1], 0.5), corrected], r"Correction, with other settings"),
    ):
        with pytest.warns(UserWarning, match=message) as caught:
            chain(model, *parts)
        assert len(caught) == 1
        assert "Call `tune_thresholds` on the model that" in str(caught[0].message)
        with pytest.warns(UserWarning, match=message):
            chain(reloaded(chain(model, *parts[:-1]), tmp_path), parts[-1])


# Nobody trained the model.
@pytest.mark.filterwarnings("ignore:The calibrated probabilities of:UserWarning")
def test_warns_of_every_kind_of_part():
    model, data = class_model(), (X3, YES)
    calibrated = calibrate(model, data)
    for part, name in (
        (tune_logit_correction(model, data, COUNTS, taus=[0, 1]), "tune_logit_corr"),
        (prediction_sets(model, data), "prediction_sets"),
        (calibrate(model, data), "calibrate"),
        (estimate_prior(model, X3, COUNTS), "estimate_prior"),
        (estimate_prior(model, X3, COUNTS, data), "estimate_prior"),
    ):
        chain(model, part)
        with pytest.warns(UserWarning, match=f"Call `{name}") as caught:
            chain(model, calibrated, part)
        assert name != "calibrate" or len(caught) == 1


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["sigmoid", None])
def test_parts_chosen_one_after_the_other_do_not_warn(tmp_path, activation):
    model, data, counts = label_model(activation), (POINTS, LABELS), [900, 100]
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        calibrated = calibrate(model, data)
        once = chain(model, calibrated)
        tuned = tune_logit_correction(once, data, counts, taus=[0.5])
        twice = chain(once, tuned)
        found = tune_thresholds(twice, data)
        whole = chain(model, calibrated, tuned, found)
        expected = whole.predict(POINTS, verbose=0)
        for first, *rest in (
            (once, tuned, found),
            (twice, found),
            (chain(chain(twice)), found),
            (keras.Sequential([model, calibrated.layer, tuned.layer]), found),
            (reloaded(model, tmp_path), calibrated, tuned, found),
            (reloaded(once, tmp_path), tuned, found),
            (reloaded(twice, tmp_path), found),
        ):
            result = chain(first, *rest)
            np.testing.assert_array_equal(result.predict(POINTS, verbose=0), expected)
        # Chosen on a model that was loaded, for the one that was saved.
        chain(twice, tune_thresholds(reloaded(twice, tmp_path), data))


def test_what_changes_nothing_or_is_not_known_does_not_warn():
    model, data = label_model(None), (POINTS, LABELS)
    raw = tune_thresholds(model, data)
    correction = LogitCorrection([900, 100])
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        chain(model, LogitCorrection([900, 100], 0.0), TemperatureScaling(1.0), raw)
        unknown = tune_thresholds(model.predict(POINTS, verbose=0), LABELS[:, None])
        chain(model, correction, unknown)
        # The same correction, made again, of other counts with the same numbers.
        corrected = chain(model, LogitCorrection(np.array([900.0, 100.0])))
        chain(model, correction, tune_thresholds(corrected, data))


def test_a_second_correction_chosen_on_the_first_does_not_warn():
    model, data = class_model(), (X3, YES)
    once = chain(model, LogitCorrection(COUNTS, 0.5))
    more = tune_logit_correction(once, data, COUNTS, taus=[0.5], adjusted=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        chain(once, more)


def test_a_part_chosen_on_a_subclassed_model(tmp_path):
    model = subclassed()
    y = np.arange(30) % 3
    sets = prediction_sets(model, (X, y), method="marginal")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        chain(model, sets)
        chain(chain(model), sets)
    with pytest.warns(UserWarning, match=r"PredictionSets.*TemperatureScaling"):
        chain(model, TemperatureScaling(2.0), sets)


def of_kind(are_labels, activation):
    """A model, what it says of examples, and the kind of the other predictions."""
    model = sequential(1 if are_labels else 3, activation)
    if activation is None:
        kind = "Binary" if are_labels else "SparseCategorical"
        loss = getattr(keras.losses, f"{kind}Crossentropy")(from_logits=True)
        model.compile("sgd", loss)
    x = RNG.normal(size=(400, 8)).astype("float32")
    z = model.predict(x, verbose=0).astype("float64")
    if activation is None:
        p = sigmoid(z) if are_labels else softmax(z)
        return model, x, p, p, False
    logits = np.log(z) - (np.log1p(-z) if are_labels else 0)
    return model, x, z, logits, True


def labels_of(p, are_labels):
    if are_labels:
        return (RNG.random(len(p)) < p[:, 0]).astype(int)
    return np.array([RNG.choice(3, p=row) for row in p / p.sum(-1, keepdims=True)])


@pytest.mark.parametrize("returns_logits", [True, False])
@pytest.mark.parametrize(
    "name", ["tune_thresholds", "calibrate", "tune_logit_correction"]
)
def test_what_was_chosen_on_an_array_fits_a_model_of_one_label(name, returns_logits):
    model, x, p, given, from_logits = of_kind(
        True, None if returns_logits else "sigmoid"
    )
    y = labels_of(p, True)
    choose = getattr(keras_ccar.posthoc, name)
    more = [] if name == "tune_thresholds" else [[300, 100]]
    chosen = choose(given, y, *more, from_logits=from_logits)
    before = chosen.layer.get_config()
    whole = chain(model, chosen)
    # The result is as it was, for what it was chosen on.
    assert chosen.layer.get_config() == before
    found = whole.predict(x, verbose=0)
    z = np.log(p) - np.log1p(-p)
    if name == "tune_thresholds":
        np.testing.assert_array_equal(found, p >= chosen.thresholds)
        return
    expected = z / chosen.temperature if name == "calibrate" else None
    if expected is None:
        expected = z - chosen.tau * np.log(100 / 300)
    found = sigmoid(found) if returns_logits else found
    np.testing.assert_allclose(found, sigmoid(expected), rtol=1e-4)


@pytest.mark.parametrize("returns_logits", [True, False])
def test_what_was_chosen_on_an_array_fits_a_model_of_classes(returns_logits):
    model, x, p, given, from_logits = of_kind(
        False, None if returns_logits else "softmax"
    )
    y = labels_of(p, False)
    sets = prediction_sets(given, y, from_logits=from_logits)
    found = chain(model, sets).predict(x, verbose=0)
    exact = p / p.sum(-1, keepdims=True)
    edge = 1 - np.asarray(sets.layer.quantiles)
    is_clear = np.abs(exact - edge) > 1e-5  # float32 decides the others
    np.testing.assert_array_equal(found[is_clear], (exact >= edge)[is_clear])
    estimated = estimate_prior(
        given, None, COUNTS, validation=(given, y), from_logits=from_logits
    )
    whole = chain(model, estimated)
    nested = chain(chain(model, estimated.calibration), estimated)
    scaling = estimated.calibration
    z = np.log(exact) / np.array(scaling.temperature) + np.array(scaling.bias or 0)
    expected = softmax(z - np.log(np.bincount(y) / 400) + np.log(estimated.prior))
    for each in (whole, nested):
        found = each.predict(x, verbose=0)
        found = softmax(found) if returns_logits else found
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6)


def test_a_temperature_of_each_class_fits_no_other_kind_of_output():
    model, x, p, given, _ = of_kind(False, None)
    y = labels_of(p, False)
    chosen = calibrate(given, y, from_logits=False, by="class")
    with pytest.raises(ValueError, match=r"for probabilities.*calibrate` on the"):
        chain(model, chosen)
    chain(model, calibrate(model, (x, y), by="class"))


def test_the_layer_of_a_result_fits_as_the_result_does():
    model = label_model(None)
    layer = Thresholds(0.2, from_logits=False)
    found = chain(model, layer).predict(POINTS, verbose=0)
    expected = sigmoid(model.predict(POINTS, verbose=0)) >= 0.2
    np.testing.assert_array_equal(found, expected)
    assert layer.from_logits is False
