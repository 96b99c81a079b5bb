"""`LogitCorrection` of sigmoid outputs: one label, and several."""

import json

import keras
import numpy as np
import pytest
from keras import ops

import keras_ccar
from keras_ccar import LogitCorrection

NO_YES = np.array([[990, 10], [250, 250], [12, 8]])
F = NO_YES[:, 1] / NO_YES.sum(axis=1)
Z = 3 * np.random.default_rng(0).normal(size=(4, 5, 3)).astype("float32")
# The arguments that count, and f of each column.
COUNTED = {
    "[no, yes]": ({"class_counts": [990, 10]}, F[:1]),
    "a dict": ({"class_counts": {0: 990, 1: 10}}, F[:1]),
    "one of (K, 2)": ({"class_counts": NO_YES[:1]}, F[:1]),
    "one positive": ({"class_counts": [10], "num_examples": 1000}, F[:1]),
    "(K, 2)": ({"class_counts": NO_YES}, F),
    "positives": (
        {"class_counts": NO_YES[:, 1], "num_examples": NO_YES.sum(axis=1)},
        F,
    ),
}


def logit(p):
    p = np.asarray(p, "float64")
    return np.log(p) - np.log1p(-p)


def sigmoid(z):
    return 1 / (1 + np.exp(-np.asarray(z, "float64")))


@pytest.mark.parametrize("tau", [0.0, 1.0, 1.5])
@pytest.mark.parametrize("counted", COUNTED)
@pytest.mark.parametrize("several", [False, True])
def test_takes_the_prior_out_and_the_target_in(counted, tau, several):
    counts, f = COUNTED[counted]
    z = Z[..., : len(f)]
    one, other = 0.2, 0.7
    if several:
        one, other = np.linspace(0.2, 0.3, len(f)), np.linspace(0.7, 0.3, len(f))
    for trained, target, t, g in (
        (None, None, f, 0.5),
        (None, one, f, one),
        ("balanced", None, 0.5, f),
        ("balanced", one, 0.5, one),
        (other, None, other, f),
        (other, one, other, one),
    ):
        layer = LogitCorrection(
            **counts, tau=tau, target_prior=target, trained_prior=trained
        )
        expected = z - tau * logit(t) + tau * logit(g)
        np.testing.assert_allclose(
            ops.convert_to_numpy(layer(z)), expected, rtol=1e-4, atol=1e-5
        )
        config = layer.get_config()
        layer = LogitCorrection.from_config({**config, "from_logits": False})
        answer = ops.convert_to_numpy(layer(sigmoid(z).astype("float32")))
        np.testing.assert_allclose(answer, sigmoid(expected), rtol=1e-4)
        assert json.loads(json.dumps(config)) == config


@pytest.mark.parametrize("prior", [[0.7, 0.3], 0.3, [0.3]])
def test_a_prior_of_one_question(prior):
    """A number is the share of yes, for one column and for two."""
    layer = LogitCorrection([990, 10], trained_prior=prior, target_prior=prior)
    for z in (Z[..., :1], Z[..., :2]):
        np.testing.assert_allclose(ops.convert_to_numpy(layer(z)), z, atol=1e-5)
    layer = LogitCorrection([990, 10], target_prior=prior)
    one = ops.convert_to_numpy(layer(Z[..., :1])) - Z[..., :1]
    two = ops.convert_to_numpy(layer(Z[..., :2])) - Z[..., :2]
    expected = np.full((4, 5, 1), np.log(99) + logit(0.3))
    np.testing.assert_allclose(one, expected, rtol=1e-5)
    np.testing.assert_allclose(two[..., 1:] - two[..., :1], expected, rtol=1e-5)


@pytest.mark.parametrize("axis", [1, -1])
def test_any_label_axis(axis):
    z = np.moveaxis(Z, -1, axis)
    layer = LogitCorrection(NO_YES, axis=axis)
    result = np.moveaxis(ops.convert_to_numpy(layer(z)), axis, -1)
    np.testing.assert_allclose(result, Z - logit(F), rtol=1e-4, atol=1e-5)


def test_certain_probabilities_and_others():
    layer = LogitCorrection([990, 10], from_logits=False)
    answer = ops.convert_to_numpy(layer(np.array([[0.0], [1.0]], "float32")))
    np.testing.assert_allclose(answer, [[0], [1]], atol=1e-15)
    with pytest.raises(ValueError, match=r"`inputs` must hold probabilities"):
        layer(Z[..., :1])
    with pytest.raises(ValueError, match=r"`from_logits` .*all in \[0, 1\]"):
        LogitCorrection([990, 10])(sigmoid(Z[..., :1]))
    if keras.backend.backend() != "torch":
        inputs = keras.Input((1,))
        model = keras.Model(inputs, layer(inputs))
        answer = model.predict(np.array([[0.5], [1.5]]), verbose=0)
        assert np.isnan(answer).tolist() == [[False], [True]]


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision(dtype):
    layer = LogitCorrection(NO_YES, dtype=dtype)
    result = ops.convert_to_numpy(ops.cast(layer(Z), "float32"))
    np.testing.assert_allclose(result, Z - logit(F), rtol=1e-2, atol=5e-2)


@pytest.mark.parametrize("activation", [None, "sigmoid"])
@pytest.mark.parametrize("counted", ["[no, yes]", "(K, 2)", "positives"])
def test_saved_and_loaded(activation, counted, tmp_path):
    counts, f = COUNTED[counted]
    x = np.random.default_rng(0).normal(size=(4, 8))
    dense = keras.layers.Dense(len(f), activation=activation)
    correction = LogitCorrection(**counts, trained_prior="balanced", target_prior=0.2)
    model = keras.Sequential([keras.Input((8,)), dense, correction])
    model.save(tmp_path / "model.keras")
    copy = keras.models.load_model(tmp_path / "model.keras")
    assert copy.layers[-1].get_config() == correction.get_config()
    np.testing.assert_allclose(
        copy.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-6
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"class_counts": [3, 0]}, "`class_counts` must be above 0 .*class 1"),
        (
            {"class_counts": [[3, 1], [0, 2]]},
            "`class_counts` .* yes or of no for class 1. Add 1 to the counts of yes",
        ),
        ({"class_counts": [3], "num_examples": 3}, "`class_counts` must be above 0"),
        ({"target_prior": [0.2, 0.3]}, "`target_prior` must be the share of yes"),
        ({"target_prior": [0.2]}, "`target_prior` must be .*each of the 3 labels"),
        ({"target_prior": 1}, r"`target_prior` must be .*in \(0, 1\)"),
        ({"target_prior": [0.2, 0.3, 0]}, r"`target_prior` must be .*in \(0, 1\)"),
        ({"trained_prior": 20}, '`trained_prior` must be .*or "balanced"'),
        ({"trained_prior": True}, "`trained_prior` must be"),
        ({"class_counts": [5, 1], "target_prior": 1.5}, "`target_prior` must be the s"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        LogitCorrection(**{"class_counts": NO_YES, **arguments})


@pytest.mark.parametrize("columns", [2, 4, 1])
def test_another_number_of_labels(columns):
    with pytest.raises(ValueError, match=r"3 counts and inputs|=\[no, yes\]`"):
        LogitCorrection(NO_YES)(np.zeros((5, columns)))


@pytest.mark.slow
def test_recalibrates_a_model_that_was_trained_with_class_weights():
    """On made-up data with 1 % of yes, of which balanced weights make 20 % or more."""
    rng = np.random.default_rng(0)
    y = np.zeros((20_000, 1), "float32")
    y[:200] = 1
    x = (rng.normal(size=(20_000, 2)) + y).astype("float32")
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(1, activation="sigmoid")]
    )
    model.compile(keras.optimizers.Adam(0.1), "binary_crossentropy")
    weights = np.where(y[:, 0] == 1, 0.5 / 0.01, 0.5 / 0.99)
    model.fit(x, y, sample_weight=weights, batch_size=20_000, epochs=60, verbose=0)
    correction = LogitCorrection([19_800, 200], trained_prior="balanced")
    calibrated = keras.Sequential([model, correction])
    assert model.predict(x, batch_size=4000, verbose=0).mean() > 0.2
    p = calibrated.predict(x, batch_size=4000, verbose=0)
    assert 0.009 < p.mean() < 0.011
    likely = p > np.quantile(p, 0.98)
    assert y[likely].mean() > 0.05
    assert abs(p[likely].mean() - y[likely].mean()) < 0.02


@pytest.mark.parametrize("trained_prior", [None, "balanced"])
def test_no_warning_of_plain_binary_training(trained_prior):
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
    for loss in (
        keras_ccar.BinaryCCARLoss([10], 1000, from_logits=True),
        "binary_crossentropy",
    ):
        model.compile("sgd", loss)
        correction = LogitCorrection([990, 10], trained_prior=trained_prior)
        keras.Sequential([model, correction])


def test_a_column_without_its_axis():
    layer = LogitCorrection([990, 10], trained_prior=0.5, from_logits=False)
    p = np.array([0.2, 0.9], "float32")
    with pytest.raises(ValueError, match=r"Pass `p\[:, None\]` for one column"):
        layer(p)
    corrected = ops.convert_to_numpy(layer(p[:, None]))[:, 0]
    np.testing.assert_allclose(corrected, sigmoid(logit(p) + logit(0.01)), rtol=1e-5)
