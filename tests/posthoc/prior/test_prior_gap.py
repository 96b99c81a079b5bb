"""No temperature moves a prior: who was rebalanced is told what to do."""

import re
import warnings

import keras
import numpy as np
import pytest

import keras_ccar
from keras_ccar.posthoc import calibrate, chain, retrain_classifier
from keras_ccar.posthoc.data.predictions import Predictions
from keras_ccar.posthoc.prior.prior_gap import find_prior_gap

FAR = "does not move the prior"


def one_label(n, seed):
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.05).astype(int)
    return (rng.normal(size=(n, 4)) + 1.2 * y[:, None]).astype("float32"), y


def labels(n, seed):
    rng = np.random.default_rng(seed)
    y = (rng.random((n, 3)) < [0.3, 0.05, 0.03]).astype("float32")
    return (rng.normal(size=(n, 3)) + 1.5 * y).astype("float32"), y


def classes(n, seed):
    rng = np.random.default_rng(seed)
    y = rng.choice(3, n, p=[0.85, 0.1, 0.05])
    return (rng.normal(size=(n, 3)) + 1.5 * np.eye(3)[y]).astype("float32"), y


def network(x, units, activation):
    return keras.Sequential(
        [keras.Input(x.shape[1:]), keras.layers.Dense(units, activation)]
    )


def fitted(model, x, y, loss, **arguments):
    model.compile(keras.optimizers.Adam(0.05), loss)
    model.fit(x, y, batch_size=256, epochs=12, verbose=0, **arguments)
    return model


def by_class_weight():
    x, y = one_label(6000, 0)
    counts = np.bincount(y)
    weights = {k: len(y) / 2 / counts[k] for k in range(2)}
    loss = "binary_crossentropy"
    model = fitted(network(x, 1, "sigmoid"), x, y, loss, class_weight=weights)
    return model, one_label, counts, "If the model was rebalanced"


def by_a_binary_loss():
    x, y = labels(6000, 0)
    counts = keras_ccar.datasets.count_classes(y, multi_label=True)
    loss = keras_ccar.BinaryLogitAdjustedLoss(counts)
    model = fitted(network(x, 3, "sigmoid"), x, y, loss)
    return model, labels, counts, "compiled with BinaryLogitAdjustedLoss, which adjusts"


def by_a_softmax_loss():
    x, y = classes(6000, 0)
    counts = np.bincount(y)
    loss = keras_ccar.BalancedSoftmaxLoss(counts, from_logits=True)
    model = fitted(network(x, 3, None), x, y, loss)
    return model, classes, counts, "compiled with BalancedSoftmaxLoss, which adjusts"


def by_a_new_head():
    x, y = classes(6000, 0)
    counts = np.bincount(y)
    loss = keras.losses.SparseCategoricalCrossentropy()
    model = fitted(network(x, 3, "softmax"), x, y, loss)
    new = retrain_classifier(model, (x, y), counts)
    return new, classes, counts, "given a classifier by .*, which balances its classes"


@pytest.mark.slow
@pytest.mark.parametrize(
    "make", [by_class_weight, by_a_binary_loss, by_a_softmax_loss, by_a_new_head]
)
def test_the_advice_gives_probabilities_of_the_data(make):
    model, draw, counts, why = make()
    validation = draw(4000, 1)
    with pytest.warns(UserWarning, match=f"(?s){FAR}.*{why}") as told:
        calibrate(model, validation, counts)
    # Keras warns of numpy 2 on torch.
    (message,) = (str(w.message) for w in told if w.category is UserWarning)
    advice = re.search(r"`(keras_ccar.LogitCorrection\(.*?\))`", message)
    named = {"keras_ccar": keras_ccar, "class_counts": counts}
    chained = chain(model, eval(advice[1], named))
    whole = chain(chained, calibrate(chained, validation, counts))
    x, y = draw(20000, 2)
    found = whole.predict(x, batch_size=1000, verbose=0)
    if draw is classes and model.layers[-1].activation.__name__ == "linear":
        found = np.exp(found) / np.exp(found).sum(axis=1, keepdims=True)
    shares = np.eye(3)[y].mean(axis=0) if draw is classes else np.mean(y, axis=0)
    np.testing.assert_allclose(found.mean(axis=0), np.atleast_1d(shares), rtol=0.25)


@pytest.mark.slow
def test_arrays_and_corrected_models():
    x, y = classes(6000, 0)
    counts = np.bincount(y)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    plain = fitted(network(x, 3, None), x, y, loss)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        calibrate(plain, classes(4000, 1), counts)  # nothing to warn of
    validation = classes(4000, 1)
    corrected = chain(plain, keras_ccar.LogitCorrection(counts))
    with pytest.warns(UserWarning, match=f"{FAR}.*ends in a LogitCorrection"):
        calibrate(corrected, validation, counts)
    z = corrected.predict(validation[0], verbose=0)
    with pytest.warns(UserWarning, match=f"{FAR}.*apply `keras_ccar.LogitCorr"):
        calibrate(z, validation[1], counts)
    stated = keras_ccar.LogitCorrection(counts, target_prior=[0.1, 0.3, 0.6])
    with pytest.warns(UserWarning, match="other class frequencies") as told:
        calibrate(chain(plain, stated), validation, counts)
    # Keras warns of numpy 2 on torch.
    assert [w.category for w in told].count(UserWarning) == 1


@pytest.mark.slow
def test_the_effective_number_is_no_balance():
    x, y = classes(6000, 0)
    counts = np.bincount(y)
    loss = keras_ccar.ClassBalancedLoss(counts, beta=0.9999, from_logits=True)
    model = fitted(network(x, 3, None), x, y, loss)
    with pytest.warns(UserWarning, match=f"{FAR}.*=the class counts times their weigh"):
        calibrate(model, classes(4000, 1), counts)


def too_short(draw, columns):
    """Logits, labels and counts of a model that has learned too little."""
    x, y = draw(20_000, 0)
    bias = {3: [0, 0, -3], 1: [-8], 0: [0, -2, 0]}[columns]
    prior = {3: np.log([0.85, 0.1, 0.05]), 1: [-2.9], 0: [-0.8, -2.9, -3.5]}[columns]
    z = 2.4 * (x[:, :1] + 2.2 * y[:, None]) if columns == 1 else x
    z = z + np.array(prior) + np.array(bias)
    are_labels = columns != 3
    return z, y, keras_ccar.datasets.count_classes(y, multi_label=are_labels)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("draw", "columns"), [(classes, 3), (one_label, 1), (labels, 0)]
)
@pytest.mark.parametrize("is_model", [True, False])
def test_what_is_underestimated_where_the_shares_agree(draw, columns, is_model):
    z, y, counts = too_short(draw, columns)
    activation = "softmax" if columns == 3 else "sigmoid"
    model = z
    validation: object = y
    told = "its share in `validation`.*The training data have the same share, .* under"
    if is_model:
        model = keras.Sequential(
            [keras.Input(z.shape[1:]), keras.layers.Activation(activation)]
        )
        validation = (z, y)
    with pytest.warns(UserWarning, match=told) as caught:
        calibrate(model, validation, counts)
    # Keras itself warns on torch.
    (message,) = [str(x.message) for x in caught if "validation" in str(x.message)]
    assert "draw it anew" not in message
    assert "rebalanced in training" not in message
    advice = re.search(r"`(keras_ccar.posthoc.estimate_prior\(.*?\)\.\w+)`", message)
    names = {"keras_ccar": keras_ccar, "class_counts": counts}
    given = {**names, "model": model, "validation": validation}
    layer = eval(advice[1], given)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        if is_model:
            calibrate(chain(model, layer), validation, counts)
        else:
            calibrate(layer(z), y, counts)


@pytest.mark.parametrize("is_model", [True, False])
@pytest.mark.parametrize("unknown", [-1.0, np.float32(-1), np.nan])
def test_the_advice_carries_what_was_given_for_labels(unknown, is_model):
    """Called as it says, it neither fails nor counts what is not known."""
    z, y, _ = too_short(labels, 0)
    num_examples, class_counts = len(y), y.sum(axis=0)
    y[::5, 1] = unknown
    model, validation = z, y
    if is_model:
        # A layer of the user's own does not tell what the output is.
        model = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: x)])
        validation = (z, y)
    given = {
        "num_examples": num_examples,
        "from_logits": True,
        "ignore_value": unknown,
        "batch_size": 500 if is_model else None,
    }
    with pytest.warns(UserWarning, match=FAR) as caught:
        calibrate(model, validation, class_counts, **given)
    message = next(str(x.message) for x in caught if FAR in str(x.message))
    names = {
        "keras_ccar": keras_ccar,
        "class_counts": class_counts,
        "num_examples": num_examples,
        "model": model,
        "validation": validation,
    }
    called = re.search(r"`(keras_ccar.posthoc.estimate_prior\(.*\))\.\w+`", message)[1]
    assert ("batch_size=500" in called) == is_model
    found = eval(called, names)
    plain = keras_ccar.posthoc.estimate_prior(
        *((model, validation) if is_model else (model, None)),
        class_counts,
        validation=validation if is_model else (model, validation),
        **given,
    )
    np.testing.assert_array_equal(found.prior, plain.prior)


def test_the_advice_carries_what_was_given_for_classes():
    z, y, class_counts = too_short(classes, 3)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    y[::5] = 9
    given = {"from_logits": False, "ignore_class": 9}
    with pytest.warns(UserWarning, match=r"from_logits=False, ignore_class=9\)"):
        calibrate(p, y, class_counts, **given)
    # Overestimated, which a correction may mend too.
    p[:, 2] *= 400
    p /= p.sum(axis=1, keepdims=True)
    with pytest.warns(UserWarning, match=FAR) as caught:
        calibrate(p, y, class_counts, **given)
    message = next(str(x.message) for x in caught if FAR in str(x.message))
    layer = re.search(r"`(keras_ccar.LogitCorrection\(.*?\))`", message)[1]
    corrected = eval(layer, {"keras_ccar": keras_ccar, "class_counts": class_counts})(p)
    sums = keras.ops.convert_to_numpy(corrected).sum(axis=1)
    np.testing.assert_allclose(sums, 1, atol=1e-5)


def test_the_correction_that_is_advised_has_the_number_of_examples():
    x, y = labels(20_000, 0)
    given = {"num_examples": len(y), "from_logits": True}
    told = r"trained_prior=\"balanced\", num_examples=num_examples, from_logits=True"
    with pytest.warns(UserWarning, match=told):
        calibrate(x, y, y.sum(axis=0), **given)


def test_what_is_overestimated_may_be_rebalanced():
    x, y = classes(20_000, 0)
    z = x + np.log([0.85, 0.1, 0.05]) + [0, 0, 3]
    both = "If the model was rebalanced.*Otherwise the training data have the same sh"
    with pytest.warns(UserWarning, match=f"{both}.*overestimates it"):
        calibrate(z, y, np.bincount(y))


@pytest.mark.parametrize(
    ("counts", "given", "mend"),
    [
        ([50, 950], "balanced", lambda counts: ([950, 50], "balanced")),
        ([950, 50], 0.06, lambda counts: (counts, np.multiply(counts, [1, 19]))),
    ],
)
def test_a_correction_that_does_not_put_the_shares_back(counts, given, mend):
    x, y = one_label(4000, 1)
    # As a model says it that saw as many of each.
    z = 1.2 * x.sum(axis=1, keepdims=True) - 2 * 1.2**2
    model = keras.Sequential([keras.Input((1,)), keras.layers.Activation("sigmoid")])
    wrong = chain(model, keras_ccar.LogitCorrection(counts, trained_prior=given))
    told = rf"class_counts`, \[{counts[0]}, {counts[1]}\], are not .*{given}'?, is not"
    with pytest.warns(UserWarning, match=f"{FAR}.*{told}.*numpy.multiply") as caught:
        calibrate(wrong, (z, y))
    assert "calibrate the model that it was" not in str(caught[-1].message)
    counts, trained = mend(counts)
    right = chain(model, keras_ccar.LogitCorrection(counts, trained_prior=trained))
    found = calibrate(right, (z, y))
    np.testing.assert_allclose(found.temperature, 1, atol=0.1)


def test_other_shares_in_training_are_shares_of_yes_for_labels():
    x, y = labels(4000, 1)
    with pytest.warns(UserWarning, match="pass `trained_prior`: a share of yes"):
        calibrate(x, y, from_logits=True, class_counts=[[9, 1]] * 3)


def test_shares_that_differ_are_said():
    x, y = classes(20_000, 0)
    z = x * 1.5 + np.log([0.5, 0.3, 0.2])
    with pytest.warns(UserWarning, match="another share than the .*, 0.2 by `class_c"):
        calibrate(z, y, [500, 300, 200])
    with pytest.warns(UserWarning, match="draw it anew. Pass `class_counts` to comp"):
        calibrate(z, y)


def test_what_is_far():
    def gap(p, y, are_labels=True):
        z = np.log(p) - np.log1p(-p)
        return find_prior_gap(Predictions(z, y, are_labels, True), z)

    y = np.zeros((1000, 2))
    y[:20, 0] = y[:100, 1] = 1
    assert gap(np.full((1000, 2), [0.02, 0.1]), y) is None
    assert gap(np.full((1000, 2), [0.03, 0.1]), y) is None  # 2 standard errors
    assert gap(np.full((1000, 2), [0.02, 0.14]), y) is None  # a factor below 1.5
    found = gap(np.full((1000, 2), [0.1, 0.2]), y)
    assert found.column == 0
    assert found[1:] == pytest.approx((0.1, 0.02))
    y[200:600] = np.nan  # of what is known, 20 in 600 and 100 in 600 are yes
    assert gap(np.full((1000, 2), [0.03, 0.1]), y).column == 1
    assert gap(np.full((1000, 2), [0.03, 0.17]), y) is None
    assert gap(np.full((1000, 2), 0.5), y * 0) is None  # no yes to compare with
