import keras
import numpy as np
import pytest
from keras import ops

import keras_ccar
from keras_ccar.layers import LogitCorrection

COUNTS = [500, 100, 20]
F = np.array(COUNTS) / 620
LOGITS = np.random.default_rng(0).normal(size=(4, 5, 3)).astype("float32")


@pytest.mark.parametrize("tau", [0.0, 1.0, 1.5])
@pytest.mark.parametrize("target", [None, [0.2, 0.2, 0.6]])
def test_takes_the_prior_out_and_the_target_in(tau, target):
    g = np.full(3, 1 / 3) if target is None else np.array(target)
    corrected = ops.convert_to_numpy(LogitCorrection(COUNTS, tau, target)(LOGITS))
    expected = LOGITS - tau * np.log(F) + tau * np.log(g)
    difference = corrected - expected  # logits are known up to a constant
    np.testing.assert_allclose(difference, difference[..., :1] + 0 * LOGITS, atol=1e-5)
    exponentials = np.exp(LOGITS)
    p = exponentials / exponentials.sum(-1, keepdims=True)
    layer = LogitCorrection(COUNTS, tau, target, from_logits=False)
    weighted = p * (g / F) ** tau
    np.testing.assert_allclose(
        ops.convert_to_numpy(layer(p)),
        weighted / weighted.sum(-1, keepdims=True),
        rtol=1e-5,
    )


def model_with(loss):
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3)])
    model.compile("sgd", loss)
    return model


@pytest.mark.parametrize(
    "loss",
    [
        keras_ccar.BalancedSoftmaxLoss(COUNTS, from_logits=True),
        keras_ccar.LogitAdjustedLoss(COUNTS, from_logits=True),
        keras_ccar.InverseFrequencyLoss(COUNTS, from_logits=True),
        keras_ccar.ClassBalancedLoss(COUNTS, from_logits=True),
    ],
)
def test_warns_of_a_second_correction(loss):
    model = model_with(loss)
    with pytest.warns(UserWarning, match="would apply the prior twice.*trained_prior"):
        keras.Sequential([model, LogitCorrection(COUNTS)])
    # As the message says.
    keras.Sequential([model, LogitCorrection(COUNTS, trained_prior="balanced")])


def test_advice_for_class_weights():
    """The class counts times the weights are what training saw."""
    loss = keras_ccar.ClassBalancedLoss(COUNTS, beta=0.99, from_logits=True)
    weights = (1 - 0.99) / (1 - 0.99 ** np.array(COUNTS))
    model = model_with(loss)
    with pytest.warns(UserWarning, match="class counts times their weights as `train"):
        keras.Sequential([model, LogitCorrection(COUNTS)])
    layer = LogitCorrection(COUNTS, trained_prior=COUNTS * weights)
    x = np.ones((2, 8))
    corrected = keras.Sequential([model, layer]).predict(x, verbose=0)
    p = softmax(model.predict(x, verbose=0)) / weights
    np.testing.assert_allclose(
        softmax(corrected), p / p.sum(-1, keepdims=True), rtol=1e-4
    )


def test_no_warning_after_plain_training():
    for loss in (
        keras_ccar.CCARLoss(COUNTS, from_logits=True),
        "mse",
        # None of these moves the prior.
        keras_ccar.LogitAdjustedLoss(COUNTS, tau=0, from_logits=True),
        keras_ccar.LDAMLoss(COUNTS, max_margin=0, from_logits=True),
        keras_ccar.ClassBalancedLoss(COUNTS, beta=0, from_logits=True),
    ):
        keras.Sequential([model_with(loss), LogitCorrection(COUNTS)])
    labels = model_with(
        keras_ccar.BinaryLogitAdjustedLoss([[9, 1]] * 3, tau=0, from_logits=True)
    )
    keras.Sequential([labels, LogitCorrection([[9, 1]] * 3)])


def test_saved_and_loaded(tmp_path):
    model = keras.Sequential(
        [
            keras.Input((8,)),
            keras.layers.Dense(3),
            LogitCorrection(COUNTS, 0.5, [0.2, 0.2, 0.6]),
        ]
    )
    model.save(tmp_path / "model.keras")
    copy = keras.models.load_model(tmp_path / "model.keras")
    x = np.random.default_rng(0).normal(size=(4, 8))
    np.testing.assert_allclose(
        copy.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-6
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"class_counts": [3, 0]}, "`class_counts` must be above 0 .*class 1"),
        ({"target_prior": [1, 0, 1]}, "`target_prior` must be above 0 .*class 1"),
        ({"target_prior": [0.5, 0.5]}, "`target_prior` must have one entry"),
        ({"target_prior": 0.5}, "`target_prior` must be the frequencies of the 3 cl"),
        ({"trained_prior": [1, 0, 1]}, "`trained_prior` must be above 0 .*class 1"),
        ({"trained_prior": [0.5, 0.5]}, "`trained_prior` must have one entry"),
        ({"trained_prior": "uniform"}, '`trained_prior` must be .*or "balanced"'),
        ({"target_prior": "balanced"}, "`target_prior` must be the frequencies"),
        ({"num_examples": 400}, "`class_counts` must not exceed `num_examples`"),
        ({"tau": -1}, "`tau`"),
        ({"from_logits": "auto"}, "`from_logits` must be True or False"),
        ({"axis": None}, "`axis` must be a whole number"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        LogitCorrection(**{"class_counts": COUNTS, **arguments})


def test_arguments_of_every_keras_layer():
    arguments = {
        "name": "mine",
        "trainable": False,
        "dtype": "mixed_bfloat16",
        "autocast": False,
        "activity_regularizer": keras.regularizers.L2(0.5),
    }
    layer = LogitCorrection(COUNTS, **arguments)
    assert (layer.name, layer.trainable, layer.autocast) == ("mine", False, False)
    assert layer.compute_dtype == "bfloat16"
    assert layer.activity_regularizer is arguments["activity_regularizer"]
    copy = type(layer).from_config(layer.get_config())
    assert copy.get_config() == layer.get_config()


@pytest.mark.parametrize("tau", [0.5, 1.0])
@pytest.mark.parametrize(
    ("trained", "target", "t", "g"),
    [
        ("balanced", None, np.ones(3), F),
        ("balanced", [0.2, 0.2, 0.6], np.ones(3), [0.2, 0.2, 0.6]),
        ([3, 2, 1], None, [3, 2, 1], F),
        ([3, 2, 1], [1, 1, 1], [3, 2, 1], np.ones(3)),
    ],
)
def test_puts_the_prior_back_after_rebalancing(tau, trained, target, t, g):
    layer = LogitCorrection(COUNTS, tau, target, False, trained_prior=trained)
    p = softmax(LOGITS)
    weighted = p * (np.array(g) / np.array(t)) ** tau
    expected = weighted / weighted.sum(-1, keepdims=True)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(p)), expected, rtol=1e-5)


def corrected(p, tau=1.0, axis=-1):
    """In float64, from the formula."""
    shape = [1] * p.ndim
    shape[axis] = -1
    weighted = p / F.reshape(shape) ** tau
    return weighted / weighted.sum(axis, keepdims=True)


def softmax(z, axis=-1):
    exponentials = np.exp(z.astype("float64"))
    return exponentials / exponentials.sum(axis, keepdims=True)


@pytest.mark.parametrize("from_logits", [True, False])
@pytest.mark.parametrize("shape", [(4, 5), (4, 3), (3, 3, 3)])
def test_any_class_axis(from_logits, shape):
    """Also where another dimension has as many entries as there are classes."""
    logits = np.random.default_rng(0).normal(size=(*shape, 3)).astype("float32")
    for axis in range(1, len(shape) + 1):
        z = np.moveaxis(logits, -1, axis)
        p = softmax(z, axis)
        for given in (axis, axis - len(shape) - 1):
            layer = LogitCorrection(COUNTS, from_logits=from_logits, axis=given)
            result = ops.convert_to_numpy(layer(z if from_logits else p))
            if from_logits:
                result = softmax(result, axis)
            np.testing.assert_allclose(result, corrected(p, axis=axis), rtol=1e-4)


def test_classes_on_another_axis():
    first = np.moveaxis(LOGITS, -1, 1)
    message = r"`class_counts` .*of `inputs`.*3 counts .*\(4, 3, 5\), axis=-1.*`axis=1`"
    with pytest.raises(ValueError, match=message):
        LogitCorrection(COUNTS)(first)
    with pytest.raises(ValueError, match=message.replace("4, ", "None, ")):
        LogitCorrection(COUNTS, from_logits=True)(keras.Input((3, 5)))
    assert LogitCorrection(COUNTS, axis=1)(first).shape == first.shape
    with pytest.raises(ValueError, match=r"`axis` .*of `inputs`.*axis=3"):
        LogitCorrection(COUNTS, axis=3)(first)


def test_a_layer_is_checked_at_every_call():
    layer = LogitCorrection(COUNTS, from_logits=True)
    layer(LOGITS)
    with pytest.raises(ValueError, match=r"`class_counts` .*\(4, 5, 2\)"):
        layer(LOGITS[..., :2])


@pytest.mark.parametrize("is_logits", [True, False])
def test_from_logits_is_kept_in_saved_models(tmp_path, is_logits):
    x = np.random.default_rng(0).normal(size=(4, 8))
    dense = keras.layers.Dense(3, activation=None if is_logits else "softmax")
    model = keras.Sequential([keras.Input((8,)), dense])
    layer = LogitCorrection(COUNTS)
    whole = keras.Sequential([model, layer])
    assert layer.from_logits is is_logits
    assert layer.get_config()["from_logits"] is is_logits
    result = whole.predict(x, verbose=0)
    p = model.predict(x, verbose=0)
    p, answer = (softmax(p), softmax(result)) if is_logits else (p, result)
    np.testing.assert_allclose(answer, corrected(p), rtol=1e-4)
    whole.save(tmp_path / "model.keras")
    for copy in (
        keras.models.load_model(tmp_path / "model.keras"),
        keras.models.clone_model(whole),
    ):
        assert copy.layers[-1].from_logits is is_logits
        copy.set_weights(whole.get_weights())
        np.testing.assert_allclose(copy.predict(x, verbose=0), result, rtol=1e-6)


def test_a_sequential_model_without_an_input():
    x = np.random.default_rng(0).normal(size=(4, 8))
    layer = LogitCorrection(COUNTS)
    model = keras.Sequential([keras.layers.Dense(3, activation="softmax"), layer])
    np.testing.assert_allclose(model.predict(x, verbose=0).sum(-1), 1, rtol=1e-5)
    assert layer.from_logits is False


def test_mixed_precision_reads_the_activation_too():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = keras.Sequential(
            [
                keras.Input((8,)),
                keras.layers.Dense(3, activation="softmax"),
                keras.layers.Activation("linear", dtype="float32"),
                LogitCorrection(COUNTS, dtype="float32"),
            ]
        )
    finally:
        keras.config.set_dtype_policy("float32")
    np.testing.assert_allclose(
        model.predict(np.ones((2, 8)), verbose=0).sum(-1), 1, rtol=1e-2
    )


def test_logits_that_are_said_to_be_probabilities():
    layer = LogitCorrection(COUNTS, from_logits=False)
    with pytest.raises(ValueError, match=r"`inputs` must hold probabilities"):
        layer(LOGITS)
    if keras.backend.backend() != "torch":
        inputs = keras.Input((5, 3))
        p = softmax(LOGITS).astype("float32")
        p[0, 0] = LOGITS[0, 0]
        result = keras.Model(inputs, layer(inputs)).predict(p, verbose=0)
        wrong = np.isnan(result)
        assert wrong[0, 0].all()
        assert wrong.sum() == 3
