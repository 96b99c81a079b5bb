import keras
import numpy as np
import oracles
import pytest
from compiled import MODES, value_and_gradient
from keras import ops

import keras_ccar

COUNTS = [400, 30, 2]
NUM_EXAMPLES = 1000
RNG = np.random.default_rng(0)
LOGITS = RNG.normal(scale=3, size=(50, 4, 3)).astype("float32")
TARGETS = (RNG.uniform(size=LOGITS.shape) < 0.3).astype("float32")


def oracle(targets, logits, form="exponential"):
    f = np.array(COUNTS) / NUM_EXAMPLES
    z = logits.astype("float64")
    p = 1 / (1 + np.exp(-z))
    f = np.broadcast_to(f, p.shape)
    counts = [NUM_EXAMPLES / 2] * 2  # two classes, N examples
    positive = oracles.ccar_weight(p, f, form=form, counts=counts)
    negative = oracles.ccar_weight(1 - p, 1 - f, form=form, counts=counts)
    loss = targets * positive * np.log1p(np.exp(-z))
    loss += (1 - targets) * negative * np.log1p(np.exp(z))
    gradient = targets * positive * (p - 1) + (1 - targets) * negative * p
    return loss, gradient


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("form", ["exponential", "power", "information", "inverse"])
def test_equals_oracle(form, mode):
    loss = keras_ccar.BinaryCCARLoss(
        COUNTS, NUM_EXAMPLES, form=form, from_logits=True, reduction=None
    )
    actual = value_and_gradient(lambda z: loss(TARGETS, z), LOGITS, mode)
    for a, e in zip(actual, oracle(TARGETS, LOGITS, form), strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-5, atol=1e-6 * np.abs(e).max())


@pytest.mark.parametrize("form", ["exponential", "power", "information", "inverse"])
def test_frequency_relative_to_the_more_frequent_answer(form):
    loss = keras_ccar.BinaryCCARLoss(
        COUNTS,
        NUM_EXAMPLES,
        form=form,
        frequency_scale="largest",
        from_logits=True,
        reduction=None,
    )
    z = LOGITS.astype("float64")
    p, f = 1 / (1 + np.exp(-z)), np.array(COUNTS) / NUM_EXAMPLES
    largest = np.maximum(f, 1 - f)
    positive, negative = (
        oracles.ccar_weight(
            confidence,
            np.broadcast_to(frequency / largest, p.shape),
            form=form,
            counts=[NUM_EXAMPLES / 2] * 2,
        )
        for confidence, frequency in ((p, f), (1 - p, 1 - f))
    )
    expected = TARGETS * positive * np.log1p(np.exp(-z))
    expected += (1 - TARGETS) * negative * np.log1p(np.exp(z))
    actual = ops.convert_to_numpy(loss(TARGETS, LOGITS))
    np.testing.assert_allclose(
        actual, expected, rtol=1e-5, atol=1e-6 * np.abs(expected).max()
    )


@pytest.mark.parametrize("from_logits", [True, False])
def test_strength_0_is_keras_binary_crossentropy(from_logits):
    predictions = LOGITS if from_logits else 1 / (1 + np.exp(-LOGITS))
    ours = keras_ccar.BinaryCCARLoss(
        COUNTS, NUM_EXAMPLES, strength=0, from_logits=from_logits
    )
    theirs = keras.losses.BinaryCrossentropy(from_logits=from_logits)
    np.testing.assert_allclose(
        ops.convert_to_numpy(ours(TARGETS, predictions)),
        ops.convert_to_numpy(theirs(TARGETS, predictions)),
        rtol=1e-5,
    )


def test_weights_of_labels_and_of_examples():
    loss = keras_ccar.BinaryCCARLoss(
        COUNTS, NUM_EXAMPLES, from_logits=True, reduction="sum"
    )
    per_label, _ = oracle(TARGETS, LOGITS)
    for shape in ((50,), (50, 4), (50, 4, 3)):
        weights = RNG.uniform(size=shape)
        actual = loss(TARGETS, LOGITS, sample_weight=weights)
        expected = (per_label.T * weights.T).sum()
        np.testing.assert_allclose(ops.convert_to_numpy(actual), expected, rtol=1e-5)


def test_rare_fraud_trains_and_is_tracked():
    y = np.zeros(4000)
    y[:7] = 1  # 0.17 %
    x = RNG.normal(size=(4000, 5)) + 2 * y[:, None]
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1)])
    loss = keras_ccar.BinaryCCARLoss([7], 4000, from_logits=True)
    model.compile("adam", loss)
    callback = keras_ccar.CCARCallback(update_frequencies=True, momentum=0.5)
    model.fit(x[:2000], y[:2000], batch_size=500, callbacks=[callback], verbose=0)
    statistics = callback.statistics()
    assert statistics["count"].tolist() == [7]
    assert statistics["negative_count"].tolist() == [1993]
    np.testing.assert_allclose(callback.history[0]["frequency"], [7 / 4000], rtol=1e-6)
    updated = 0.5 * 7 / 4000 + 0.5 * 7 / 2000
    np.testing.assert_allclose(statistics["frequency"], [updated], rtol=1e-5)
    assert loss.class_counts == [7]
    copy = keras_ccar.BinaryCCARLoss.from_config(loss.get_config())
    np.testing.assert_allclose(copy.frequency, loss.frequency)
    names = {name for name in model.history.history if name.startswith("ccar_weight")}
    assert names == {"ccar_weight", "ccar_weight_yes", "ccar_weight_no"}


@pytest.mark.filterwarnings("ignore:The model does not have any trainable weights")
def test_statistics_of_each_label():
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Activation("linear")(inputs))
    model.compile(
        "sgd", keras_ccar.BinaryCCARLoss(COUNTS, NUM_EXAMPLES, from_logits=True)
    )
    callback = keras_ccar.CCARCallback()
    x, y = LOGITS[:, 0], TARGETS[:, 0]
    model.fit(x, y, callbacks=[callback], verbose=0)
    statistics = callback.statistics()
    p = 1 / (1 + np.exp(-x.astype("float64")))
    for prefix, mass, confidence in (("", y, p), ("negative_", 1 - y, 1 - p)):
        count = mass.sum(0)
        assert statistics[f"{prefix}count"].tolist() == count.tolist()
        expected = (mass * confidence).sum(0) / count
        actual = statistics[f"{prefix}mean_confidence"]
        np.testing.assert_allclose(actual, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"class_counts": [2000]}, "`class_counts` must not exceed `num_examples`"),
        ({"class_counts": []}, "at least one class"),
        ({"num_examples": 0}, "`num_examples`"),
        ({"pivot": 2}, "`pivot`"),
    ],
)
def test_bad_arguments(arguments, message):
    arguments = {"class_counts": [3], "num_examples": 1000, **arguments}
    with pytest.raises(ValueError, match=message):
        keras_ccar.BinaryCCARLoss(**arguments)


def test_bad_targets():
    loss = keras_ccar.BinaryCCARLoss([3], 1000, from_logits=True)
    with pytest.raises(ValueError, match=r"`y_true` must hold .*in \[0, 1\]"):
        loss([[2.0]], [[0.3]])


@pytest.mark.parametrize("unknown", [-1.0, np.nan])
def test_a_target_of_weight_0_is_ignored(unknown):
    loss = keras_ccar.BinaryCCARLoss(COUNTS, NUM_EXAMPLES, from_logits=True)
    weights = np.ones_like(TARGETS)
    weights[3, 1, 2] = weights[7, 0] = 0
    targets = np.where(weights == 0, np.float32(unknown), TARGETS)
    expected = loss(TARGETS, LOGITS, sample_weight=weights)
    actual = loss(targets, LOGITS, sample_weight=weights)
    np.testing.assert_array_equal(*map(ops.convert_to_numpy, (actual, expected)))
    with pytest.raises(ValueError, match=r"`y_true` must hold targets in \[0, 1\]"):
        loss(targets, LOGITS)


def test_padding_may_hold_any_target():
    model = keras.Sequential(
        [
            keras.Input((4,), dtype="int32"),
            keras.layers.Embedding(5, 3, mask_zero=True),
            keras.layers.Dense(2),
        ]
    )
    model.compile("sgd", keras_ccar.BinaryCCARLoss([3, 1], 10, from_logits=True))
    tokens = np.array([[1, 2, 3, 0], [4, 1, 0, 0]])
    targets = np.where(tokens[..., None] == 0, -1.0, np.ones((2, 4, 2)))
    history = model.fit(tokens, targets, verbose=0)
    assert np.isfinite(history.history["loss"]).all()


@pytest.mark.parametrize("unknown", [-1, np.nan])
def test_unknown_targets_are_left_out(unknown):
    arguments = {"num_examples": NUM_EXAMPLES, "from_logits": True}
    loss = keras_ccar.BinaryCCARLoss(COUNTS, ignore_value=unknown, **arguments)
    is_known = RNG.uniform(size=TARGETS.shape) < 0.7
    targets = np.where(is_known, TARGETS, np.float32(unknown))
    expected = oracle(TARGETS, LOGITS)[0][is_known].mean()
    np.testing.assert_allclose(float(loss(targets, LOGITS)), expected, rtol=1e-5)
    # Both ways that the message gives leave out the same targets.
    with pytest.raises(ValueError, match=r"as `ignore_value`.*`sample_weight` of 0"):
        keras_ccar.BinaryCCARLoss(COUNTS, **arguments)(targets, LOGITS)
    weighed = keras_ccar.BinaryCCARLoss(
        COUNTS, reduction="mean_with_sample_weight", **arguments
    )
    actual = weighed(targets, LOGITS, sample_weight=is_known)
    np.testing.assert_allclose(float(actual), expected, rtol=1e-5)


def test_unknown_targets_are_left_out_of_statistics():
    model = keras.Sequential([keras.Input((4, 3)), keras.layers.Dense(3)])
    loss = keras_ccar.BinaryCCARLoss(
        COUNTS, NUM_EXAMPLES, from_logits=True, ignore_value=-1
    )
    model.compile("sgd", loss)
    callback = keras_ccar.CCARCallback()
    is_known = RNG.uniform(size=TARGETS.shape) < 0.5
    targets = np.where(is_known, TARGETS, -1)
    model.fit(LOGITS, targets, callbacks=[callback], verbose=0)
    statistics = callback.statistics()
    for name, sides in (("", TARGETS), ("negative_", 1 - TARGETS)):
        expected = (sides * is_known).sum((0, 1))
        np.testing.assert_array_equal(statistics[f"{name}count"], expected)


@pytest.mark.parametrize("value", [0, 0.5, 1, "-1", np.inf, True])
def test_bad_ignore_value(value):
    with pytest.raises(ValueError, match="`ignore_value`"):
        keras_ccar.BinaryCCARLoss([3], 1000, ignore_value=value)


def test_an_invalid_target_is_nan_in_a_compiled_step():
    loss = keras_ccar.BinaryCCARLoss(COUNTS, NUM_EXAMPLES, from_logits=True)
    targets = TARGETS.copy()
    targets[0, 0, 0] = -1
    if keras.backend.backend() == "torch":
        pytest.skip("steps are not compiled on torch")
    value, _ = value_and_gradient(lambda y: loss(y, LOGITS), targets, MODES[-1])
    assert np.isnan(value)


def test_counts_of_both_answers_and_of_each_label():
    both = [[NUM_EXAMPLES - n, n] for n in COUNTS]
    loss = keras_ccar.BinaryCCARLoss(both, form="information", from_logits=True)
    expected = oracle(TARGETS, LOGITS, "information")[0].mean()
    np.testing.assert_allclose(float(loss(TARGETS, LOGITS)), expected, rtol=1e-5)
    one = keras_ccar.BinaryCCARLoss([600, 400], form="information", from_logits=True)
    np.testing.assert_allclose(
        float(one(TARGETS[..., :1], LOGITS[..., :1])),
        oracle(TARGETS, LOGITS, "information")[0][..., 0].mean(),
        rtol=1e-5,
    )
    config = one.get_config()
    assert (config["class_counts"], config["num_examples"]) == ([400], 1000)
    # Labels that are known for different numbers of examples: each has its own prior.
    each = keras_ccar.BinaryCCARLoss(
        [40, 30], [100, 1000], form="information", from_logits=True, reduction=None
    )
    losses = ops.convert_to_numpy(each(TARGETS[..., :2], LOGITS[..., :2]))
    for label, (yes, total) in enumerate(((40, 100), (30, 1000))):
        alone = keras_ccar.BinaryCCARLoss(
            [yes], total, form="information", from_logits=True, reduction=None
        )
        expected = alone(TARGETS[..., label, None], LOGITS[..., label, None])
        expected = ops.convert_to_numpy(expected)[..., 0]
        np.testing.assert_allclose(losses[..., label], expected, rtol=1e-5)


def test_counts_of_no_and_yes_beside_the_number_of_examples():
    loss = keras_ccar.BinaryCCARLoss([990, 10], 1000, from_logits=True)
    with pytest.raises(ValueError, match="leave out `num_examples`"):
        loss([[1.0]], [[0.3]])
    keras_ccar.BinaryCCARLoss([990, 10], from_logits=True)([[1.0]], [[0.3]])
