import numpy as np
import pytest
from metric_oracles import average_precision, to_float
from sklearn.metrics import average_precision_score

from keras_ccar.metrics import AveragePrecision


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def scores(kind, rng, is_yes):
    """Logits of yes-or-no labels."""
    z = rng.normal(size=is_yes.shape)
    if kind == "below 0.002":
        return 0.4 * z + 0.6 * is_yes - 9
    if kind == "nearly certain":
        return 2 * z + 4 * is_yes + 9
    if kind == "ties":
        return np.round(z + 2 * is_yes, 1)
    if kind == "chance":
        return 3 * z
    return 2 * z + 3 * is_yes - 4


@pytest.mark.parametrize("share", [0.0035, 0.02, 0.3])
@pytest.mark.parametrize(
    "kind", ["learnt", "below 0.002", "nearly certain", "ties", "chance"]
)
def test_scikit_learn_says_the_same(kind, share):
    """Of eight labels at once, from probabilities and from logits."""
    rng = np.random.default_rng(0)
    is_yes = rng.random((10_000, 8)) < share
    z = scores(kind, rng, is_yes).astype("float32")
    p = sigmoid(z.astype("float64"))
    expected = average_precision_score(is_yes, z, average=None)
    if kind == "below 0.002":
        assert p.max() < 0.002
    for given in ({"from_logits": True}, {}):
        metric = AveragePrecision(8, average=None, multi_label=True, **given)
        # Probabilities in float32 tell less apart: what is given is compared.
        y_pred = z if given else p.astype("float32")
        result = to_float(metric(is_yes, y_pred))
        if not given:
            expected = average_precision_score(is_yes, y_pred, average=None)
        np.testing.assert_allclose(result, expected, rtol=0, atol=0.005)


def test_each_class_against_the_rest():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 5, 4000)
    z = (3 * rng.normal(size=(4000, 5)) + 3 * np.eye(5)[labels]).astype("float32")
    p = np.exp(z) / np.exp(z).sum(-1, keepdims=True)
    one_hot = np.eye(5)[labels]
    expected = average_precision_score(one_hot, p.astype("float64"), average=None)
    for given, y_pred in (({}, p), ({}, p / 2), ({"from_logits": True}, z)):
        metric = AveragePrecision(5, average=None, **given)
        result = to_float(metric(labels, y_pred))
        np.testing.assert_allclose(result, expected, rtol=0, atol=0.005)
        metric = AveragePrecision(5, **given)
        assert abs(to_float(metric(labels, y_pred)) - expected.mean()) < 0.005


def test_classes_whose_probabilities_round_to_one():
    """The rest of the classes tells them apart."""
    rest = np.float32([1e-9, 3e-9, 1e-8, 3e-8, 1e-7])[::-1, None]
    p = np.concatenate([rest / 2, rest / 2, np.ones_like(rest)], axis=1)
    assert (p[:, 2] == 1).all()
    metric = AveragePrecision(3, average=None)
    metric.update_state(np.array([0, 1, 2, 2, 2]), p * np.float32(0.5))
    # Those that are beyond 1e-7 fall to the end of the range.
    assert to_float(metric.result())[2] >= 0.6


def test_two_classes_are_one_question():
    rng = np.random.default_rng(0)
    yes = rng.random(500) < 0.1
    p = sigmoid(rng.normal(size=500) + 2 * yes - 2).astype("float32")
    both = np.stack([1 - p, p], -1)
    for y_pred in (p[:, None], both):
        of_yes = to_float(AveragePrecision(2)(yes, y_pred))
        assert abs(of_yes - average_precision_score(yes, p)) < 0.005
        of_each = to_float(AveragePrecision(2, average=None)(yes, y_pred))
        assert of_each[1] == of_yes
        assert abs(of_each[0] - average_precision_score(~yes, 1 - p)) < 0.005


def test_few_samples_between_few_thresholds():
    """A yes and a no between two thresholds come in their order, ties together."""
    for scores, expected in (
        ([0.6, 0.9], 1.0),
        ([0.9, 0.6], 0.5),
        ([0.9, 0.9], 0.5),
    ):
        yes = np.array([0, 1, 1])[: len(scores)]
        metric = AveragePrecision(2, num_thresholds=2)
        assert abs(to_float(metric(yes, np.float32(scores))) - expected) < 0.1


@pytest.mark.parametrize("center", [-25, -60, 30, 100])
@pytest.mark.parametrize("from_logits", [True, False])
def test_scores_beyond_the_ordinary(center, from_logits):
    """All told apart, to the smallest probabilities that float32 has."""
    rng = np.random.default_rng(0)
    yes = rng.random(20_000) < 0.02
    z = (rng.normal(center, 4, 20_000) + 5 * yes).astype("float32")
    y_pred = z
    if not from_logits:
        if center > 0:
            pytest.skip("float32 has no such probabilities")
        y_pred = sigmoid(z.astype("float64")).astype("float32")
    expected = average_precision_score(yes, y_pred)
    metric = AveragePrecision(2, from_logits=from_logits)
    assert abs(to_float(metric(yes, y_pred[:, None])) - expected) < 0.005


def test_logits_beyond_the_limit_are_warned_of():
    rng = np.random.default_rng(0)
    yes = rng.random(5000) < 0.1
    z = (rng.normal(300, 40, 5000) + 40 * yes).astype("float32")
    metric = AveragePrecision(2, from_logits=True)
    message = r"100% of the positives of class 0 .*beyond `limit=120`.*limit=1200`"
    metric.update_state(yes, z[:, None])
    with pytest.warns(UserWarning, match=message):
        metric.result()
    metric = AveragePrecision(2, from_logits=True, limit=1200)
    expected = average_precision_score(yes, z)
    assert abs(to_float(metric(yes, z[:, None])) - expected) < 0.005
    # Negatives alone, or a few positives, are of no consequence.
    z = np.where(yes, 3, -500).astype("float32")
    assert to_float(AveragePrecision(2, from_logits=True)(yes, z[:, None])) == 1


@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
def test_the_scale_of_weights_has_no_part(scale):
    rng = np.random.default_rng(0)
    yes = rng.random(3000) < 0.2
    weights = scale * rng.integers(0, 3, 3000)
    p = sigmoid(0.1 * rng.normal(size=3000) + 0.1 * yes - 6).astype("float32")
    metric = AveragePrecision(2)
    result = to_float(metric(yes, p, weights.astype("float32")))
    expected = average_precision_score(yes, p, sample_weight=weights)
    assert abs(result - expected) < 0.002
    assert abs(average_precision(yes, p, weights) - expected) < 1e-9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"average": "micro"}, "`average` must be one of 'macro', None"),
        ({"limit": 0}, "`limit` must be a finite number"),
        ({"num_thresholds": 1}, "`num_thresholds` must be a whole number >= 2"),
        ({"num_thresholds": 10**8}, "`num_thresholds` must be at most 25000000"),
    ],
)
def test_impossible_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        AveragePrecision(2, **arguments)
