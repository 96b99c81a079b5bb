"""The decision with the smallest expected cost."""

import re

import keras
import numpy as np
import pytest
from keras import ops

import keras_ccar
from keras_ccar.layers import (
    CostSensitiveDecision,
    LogitCorrection,
    TemperatureScaling,
    Thresholds,
)

NAN = float("nan")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 8)).astype("float32")
LOGITS = (RNG.normal(size=(40, 5, 3)) * 3).astype("float32")
COSTS = [[0, 1, 2], [5, 0, 1], [60, 20, 0]]


def decided(layer, inputs):
    return ops.convert_to_numpy(layer(inputs))


def softmax(logits):
    powers = np.exp(np.asarray(logits, "float64"))
    return powers / powers.sum(-1, keepdims=True)


def cheapest(p, costs):
    """One-hot, by the sum of the definition."""
    answers = np.zeros(p.shape)
    for place in np.ndindex(p.shape[:-1]):
        expected = [
            sum(p[place][i] * costs[i][j] for i in range(len(costs)))
            for j in range(len(costs))
        ]
        answers[(*place, int(np.argmin(expected)))] = 1
    return answers


def model_of(units=3, activation=None, loss=None):
    model = keras.Sequential(
        [keras.Input((8,)), keras.layers.Dense(units, activation=activation)]
    )
    if loss:
        model.compile("sgd", loss)
    return model


@pytest.mark.parametrize(
    "costs",
    [
        COSTS,
        1 - np.eye(3),
        [[-1, 0, 0], [0, -5, 0], [0, 0, -50]],  # gains
        np.add(COSTS, [[1e6], [2e6], [0]]).tolist(),
        (np.array(COSTS) * 1e300).tolist(),
        (np.array(COSTS) * 1e-300).tolist(),
        RNG.normal(size=(3, 3)),
    ],
)
def test_the_smallest_expected_cost(costs):
    p = softmax(LOGITS)
    scale = np.abs(costs).max()
    expected = cheapest(p, np.asarray(costs) / scale)
    answers = decided(CostSensitiveDecision(costs), LOGITS)
    np.testing.assert_array_equal(answers, expected)
    layer = CostSensitiveDecision(costs, from_logits=False)
    np.testing.assert_array_equal(decided(layer, p.astype("float32")), expected)
    assert answers.dtype == np.float32


def test_equal_costs_of_mistakes_are_the_most_probable_class():
    answers = decided(CostSensitiveDecision(1 - np.eye(3)), LOGITS)
    np.testing.assert_array_equal(answers.argmax(-1), LOGITS.argmax(-1))


def test_of_equal_costs_the_first():
    layer = CostSensitiveDecision(1 - np.eye(3), from_logits=False)
    p = np.array([[0.25, 0.375, 0.375]], "float32")
    assert decided(layer, p).tolist() == [[0, 1, 0]]


@pytest.mark.parametrize(
    "costs", [[[0, 1], [9, 0]], [[-1, 4], [3, -5]], [[0, 5], [1, 0]]]
)
@pytest.mark.parametrize("from_logits", [True, False])
def test_one_label(costs, from_logits):
    z = LOGITS[..., :1].astype("float64")
    p = 1 / (1 + np.exp(-z))
    both = np.concatenate([1 - p, p], axis=-1)
    expected = cheapest(both, costs)[..., 1:]
    layer = CostSensitiveDecision(costs, from_logits=from_logits)
    answers = decided(layer, (z if from_logits else p).astype("float32"))
    np.testing.assert_array_equal(answers, expected)
    # Elkan's threshold.
    wrong_yes, wrong_no = costs[0][1] - costs[0][0], costs[1][0] - costs[1][1]
    np.testing.assert_array_equal(answers, p >= wrong_yes / (wrong_yes + wrong_no))
    two = decided(CostSensitiveDecision(costs, from_logits=False), both)
    np.testing.assert_array_equal(two[..., 1:], expected)


@pytest.mark.parametrize("activation", [None, "softmax"])
def test_reads_what_the_inputs_are(activation):
    model = model_of(activation=activation)
    layer = CostSensitiveDecision(COSTS)
    whole = keras.Sequential([model, LogitCorrection([500, 100, 20]), layer])
    assert layer.from_logits is (activation is None)
    p = model.predict(X, verbose=0).astype("float64")
    p = p if activation else softmax(p)
    p = p / np.array([500, 100, 20])
    p = p / p.sum(-1, keepdims=True)
    np.testing.assert_array_equal(whole.predict(X, verbose=0), cheapest(p, COSTS))


def test_saved_and_loaded(tmp_path):
    whole = keras.Sequential([model_of(), CostSensitiveDecision(np.array(COSTS))])
    whole.save(tmp_path / "model.keras")
    copy = keras.models.load_model(tmp_path / "model.keras")
    assert copy.layers[-1].costs == COSTS
    assert copy.layers[-1].from_logits is True
    np.testing.assert_array_equal(
        copy.predict(X, verbose=0), whole.predict(X, verbose=0)
    )


def test_arguments_of_every_keras_layer():
    layer = CostSensitiveDecision(
        COSTS,
        name="mine",
        trainable=False,
        dtype="mixed_bfloat16",
        autocast=False,
        activity_regularizer=keras.regularizers.L2(0.5),
    )
    copy = CostSensitiveDecision.from_config(layer.get_config())
    assert copy.get_config() == layer.get_config()
    answer = layer(np.array([[2.0, -1.0, 0.0]], "float32"))
    assert keras.backend.standardize_dtype(answer.dtype) == "bfloat16"


def test_what_is_unknown_stays_unknown():
    layer = CostSensitiveDecision(COSTS, from_logits=True)
    answers = decided(layer, np.array([[NAN, 3, 0], [9, 0, 0]], "float32"))
    np.testing.assert_array_equal(answers, [[NAN] * 3, [1, 0, 0]])
    layer = CostSensitiveDecision(COSTS, from_logits=False)
    if keras.backend.backend() != "torch":
        inputs = keras.Input((3,))
        model = keras.Model(inputs, layer(inputs))
        answers = model.predict(np.array([[2, 0, 0], [1, 0, 0]], "float32"), verbose=0)
        np.testing.assert_array_equal(answers, [[NAN] * 3, [1, 0, 0]])
    with pytest.raises(ValueError, match=r"`inputs` must hold probabilities"):
        layer(np.array([[2.0, 0.0, 0.0]], "float32"))


@pytest.mark.parametrize(
    "costs",
    [
        None,
        "no",
        1,
        [1, 2],
        [[1]],
        [[0, 1]],
        [[0, NAN], [1, 0]],
        [[0, 1], [2]],
        [COSTS],
    ],
)
def test_wrong_costs(costs):
    with pytest.raises(
        ValueError, match=r"`costs` must be finite numbers of shape \(K"
    ):
        CostSensitiveDecision(costs)


def test_costs_that_decide_nothing():
    with pytest.raises(ValueError, match=r"`costs` must be different for different"):
        CostSensitiveDecision([[1, 1], [3, 3]])


@pytest.mark.parametrize(
    "gains", [np.eye(3), np.negative(COSTS), [[0, -5], [-120, 80]], [[0, 0], [-1, 0]]]
)
def test_gains_are_no_costs(gains):
    """By them the most wrong answer would be the best."""
    with pytest.raises(
        ValueError, match=r"(?s)`costs` must be higher .*the negative n"
    ):
        CostSensitiveDecision(gains)
    layer = CostSensitiveDecision(np.negative(gains), from_logits=False)
    sure = np.eye(len(gains), dtype="float32")[1:]
    np.testing.assert_array_equal(decided(layer, sure), sure)


def test_what_does_not_fit():
    with pytest.raises(ValueError, match=r"`costs` must have one row.*\(2, 2\)"):
        CostSensitiveDecision([[0, 1], [1, 0]], from_logits=True)(LOGITS)
    with pytest.raises(ValueError, match=r"`costs` must have one row.*\(3, 3\)"):
        CostSensitiveDecision(COSTS, from_logits=True)(LOGITS[..., :1])
    with pytest.raises(ValueError, match=r"`from_logits` must be given"):
        CostSensitiveDecision(COSTS)(np.full((2, 3), 0.5, "float32"))
    with pytest.raises(ValueError, match=r"`from_logits` must fit `inputs`"):
        keras.Sequential([model_of(), CostSensitiveDecision(COSTS, False)])


def test_refuses_several_labels():
    for model in (
        model_of(activation="sigmoid"),
        model_of(loss=keras_ccar.BinaryCCARLoss([[5, 3]] * 3, from_logits=True)),
    ):
        with pytest.raises(ValueError, match=r"classes that exclude.*Thresholds"):
            keras.Sequential([model, CostSensitiveDecision(COSTS)])
    with pytest.raises(ValueError, match=r"The softmax of one column is always 1"):
        keras.Sequential(
            [model_of(1, "softmax"), CostSensitiveDecision([[0, 1], [1, 0]])]
        )


def test_refuses_classes_on_another_axis():
    inputs = keras.Input((3, 3))
    p = keras.layers.Softmax(axis=1)(inputs)
    with pytest.raises(ValueError, match=r"classes on the last axis.*over axis 1"):
        CostSensitiveDecision(COSTS)(p)


def test_costs_of_no_and_yes_for_several_labels_lead_to_thresholds():
    p = np.random.default_rng(0).random((50, 4)).astype("float32")
    told = r"costs of no and yes: give each label the threshold `fp / \(fp \+ fn\)`"
    layer = CostSensitiveDecision([[0, 1], [9, 0]], from_logits=False)
    with pytest.raises(ValueError, match=told):
        layer(p)
    with pytest.raises(ValueError, match=told):
        keras.Sequential([keras.Input((4,)), layer])
    # What it says decides as the costs do.
    fp, fn = 1, 9
    of_each = Thresholds(fp / (fp + fn), from_logits=False)(p)
    for k in range(4):
        expected = layer(p[:, k : k + 1])
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(of_each)[:, k : k + 1],
            keras.ops.convert_to_numpy(expected),
        )


COUNTS = [500, 100, 20]
WEIGHTS = (1 - 0.99) / (1 - 0.99 ** np.array(COUNTS))


@pytest.mark.parametrize(
    ("loss", "trained"),
    [
        (keras_ccar.LogitAdjustedLoss(COUNTS, from_logits=True), [1, 1, 1]),
        (keras_ccar.InverseFrequencyLoss(COUNTS, from_logits=True), [1, 1, 1]),
        (
            keras_ccar.ClassBalancedLoss(COUNTS, beta=0.99, from_logits=True),
            COUNTS * WEIGHTS,
        ),
    ],
)
def test_warns_of_costs_behind_a_model_that_was_rebalanced(loss, trained):
    model = model_of(loss=loss)
    inputs = keras.Input((8,))
    with pytest.warns(UserWarning, match="not those of the data, from which") as caught:
        CostSensitiveDecision(COSTS)(model(inputs))
    assert len(caught) == 1
    (code,) = re.findall(r"Put `(.*?)`", str(caught[0].message))
    names = {"keras_ccar": keras_ccar, "class_counts": COUNTS, "prior": trained}
    correction = eval(code, names)
    is_named = "`prior` is the class counts times" in str(caught[0].message)
    assert is_named == (trained[0] != 1)
    # What it says gives the decisions for probabilities of the data.
    answers = CostSensitiveDecision(COSTS)(correction(model(inputs)))
    found = keras.Model(inputs, answers).predict(X, verbose=0)
    z = model.predict(X, verbose=0).astype("float64")
    expected = cheapest(softmax(z + np.log(COUNTS) - np.log(trained)), COSTS)
    np.testing.assert_array_equal(found, expected)


def test_no_warning_of_costs_where_probabilities_are_those_of_the_data():
    plain = "sparse_categorical_crossentropy"
    keras.Sequential([model_of(3, "softmax", plain), CostSensitiveDecision(COSTS)])
    loss = keras_ccar.BalancedSoftmaxLoss(COUNTS, from_logits=True)
    bias = TemperatureScaling(1.0, bias=[0.5, 0.0, -3.0])
    keras.Sequential([model_of(loss=loss), bias, CostSensitiveDecision(COSTS)])
    with pytest.warns(UserWarning, match="not those of the data"):
        keras.Sequential(
            [model_of(loss=loss), TemperatureScaling(2.0), CostSensitiveDecision(COSTS)]
        )
