"""One column of predictions, of yes or no, is an error whose advice works."""

import keras
import numpy as np
import pytest
from metric_oracles import to_float
from sklearn.metrics import balanced_accuracy_score, recall_score

import keras_ccar
from keras_ccar import metrics
from keras_ccar.datasets import count_classes

RNG = np.random.default_rng(0)
YES = (RNG.random(200) < 0.2).astype("int32")
LOGITS = (RNG.normal(size=(200, 1)) + 2 * YES[:, None] - 1).astype("float32")
P = 1 / (1 + np.exp(-LOGITS))
MAKE = {
    "BalancedAccuracy": lambda **a: metrics.BalancedAccuracy(2),
    "PerClassRecall": lambda **a: metrics.PerClassRecall(2),
    "ShotAccuracy": lambda **a: metrics.ShotAccuracy([160, 40]),
    "ExpectedCalibrationError": lambda **a: metrics.ExpectedCalibrationError(**a),
}
MESSAGE = r"`y_pred` must have two classes or more.*concatenate\(\[1 - p, p\].*AUC"


def test_every_public_metric_is_tried():
    assert set(MAKE) == set(metrics.__all__)


@pytest.mark.parametrize("name", MAKE)
@pytest.mark.parametrize("labels", [YES, YES[:, None], YES[:, None].astype("float32")])
def test_one_column_is_an_error(name, labels):
    for arguments, y_pred in (({}, P), ({"from_logits": True}, LOGITS)):
        with pytest.raises(ValueError, match=MESSAGE):
            MAKE[name](**arguments).update_state(labels, y_pred)


@pytest.mark.parametrize("name", MAKE)
@pytest.mark.parametrize("activation", [None, "sigmoid"])
def test_one_column_is_an_error_in_fit(name, activation):
    model = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(1, activation=activation)]
    )
    is_logits = activation is None
    model.compile(
        "sgd",
        keras_ccar.BinaryCCARLoss([40], 200, from_logits=is_logits),
        metrics=[MAKE[name](from_logits=is_logits)],
    )
    with pytest.raises(ValueError, match=MESSAGE):
        model.fit(LOGITS, YES, verbose=0)


def columns():
    """As the message says."""
    return {
        False: keras.ops.concatenate([1 - P, P], axis=-1),
        True: keras.ops.concatenate([0 * LOGITS, LOGITS], axis=-1),
    }


@pytest.mark.parametrize("from_logits", [False, True])
def test_two_columns_give_the_right_values(from_logits):
    y_pred = columns()[from_logits]
    said = (LOGITS[:, 0] > 0).astype(int)
    recall = recall_score(YES, said, average=None)
    balanced = balanced_accuracy_score(YES, said)
    result = to_float(metrics.BalancedAccuracy(2)(YES, y_pred))
    np.testing.assert_allclose(result, balanced, rtol=1e-6)
    result = to_float(metrics.PerClassRecall(2)(YES, y_pred))
    np.testing.assert_allclose(result, recall, rtol=1e-6)
    result = to_float(metrics.ShotAccuracy([160, 40])(YES, y_pred))
    np.testing.assert_allclose(result["many"], recall[0], rtol=1e-6)
    np.testing.assert_allclose(result["medium"], recall[1], rtol=1e-6)
    metric = metrics.ExpectedCalibrationError(bins=1, from_logits=from_logits)
    confidence = np.maximum(P, 1 - P).mean()
    expected = abs((said == YES).mean() - confidence)
    np.testing.assert_allclose(to_float(metric(YES, y_pred)), expected, rtol=1e-4)


@pytest.mark.parametrize("activation", [None, "sigmoid"])
def test_metric_of_one_column_in_fit(activation):
    is_logits = activation is None
    model = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(1, activation=activation)]
    )
    auc = keras.metrics.AUC(curve="PR", from_logits=is_logits)
    loss = keras_ccar.BinaryCCARLoss([40], 200, from_logits=is_logits)
    model.compile("sgd", loss, metrics=[auc])
    (value,) = model.fit(LOGITS, YES, verbose=0).history[auc.name]
    assert 0 < value <= 1


@pytest.mark.parametrize("name", ["BalancedAccuracy", "PerClassRecall"])
def test_one_class(name):
    with pytest.raises(ValueError, match=r"`num_classes` .*2 for yes or no"):
        getattr(metrics, name)(1)


def test_counts_of_one_class():
    message = r"`class_counts` .*at least two.*count_classes"
    with pytest.raises(ValueError, match=message):
        metrics.ShotAccuracy([40])
    # As the message says.
    counts = count_classes(YES)
    assert metrics.ShotAccuracy(counts).num_classes == 2
