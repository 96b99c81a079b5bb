"""One column of predictions, of yes or no, in `fit` and against scikit-learn."""

import keras
import numpy as np
import pytest
from metric_cases import NAMES, Case
from metric_oracles import ORACLES, to_float
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    f1_score,
    recall_score,
)

import keras_ccar
from keras_ccar import metrics
from keras_ccar.datasets import count_classes

RNG = np.random.default_rng(0)
YES = (RNG.random(200) < 0.2).astype("int32")
LOGITS = (RNG.normal(size=(200, 1)) + 2 * YES[:, None] - 1).astype("float32")
P = 1 / (1 + np.exp(-LOGITS))


def make(name, **arguments):
    return Case(name, "column").make(**arguments)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("activation", [None, "sigmoid"])
def test_one_column_in_fit(name, activation):
    is_logits = activation is None
    model = keras.Sequential(
        [keras.Input((1,)), keras.layers.Dense(1, activation=activation)]
    )
    model.compile(
        keras.optimizers.SGD(0.0),
        keras_ccar.BinaryCCARLoss([40], 200, from_logits=is_logits),
        metrics=[make(name, from_logits=is_logits)],
    )
    model.set_weights([np.ones((1, 1)), np.zeros(1)])
    history = model.fit(LOGITS, YES, verbose=0).history
    expected = ORACLES["column"](name, YES, P, counts=[500, 5])
    if not isinstance(expected, dict):
        expected = {make(name).name: expected}
    for key, value in expected.items():
        np.testing.assert_allclose(history[key][-1], value, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("threshold", [0.5, 0.1])
def test_scikit_learn_says_the_same(from_logits, threshold):
    given = {"threshold": threshold, "from_logits": from_logits}
    y_pred, said = LOGITS if from_logits else P, P[:, 0] > threshold
    recalls = recall_score(YES, said, average=None)
    for metric, expected in (
        (metrics.BalancedAccuracy(2, **given), balanced_accuracy_score(YES, said)),
        (metrics.PerClassRecall(2, **given), recalls),
        (metrics.GeometricMean(2, **given), np.sqrt(recalls.prod())),
        (metrics.MacroF1(2, **given), f1_score(YES, said, average="macro")),
    ):
        np.testing.assert_allclose(to_float(metric(YES, y_pred)), expected, rtol=1e-5)
    shots = to_float(metrics.ShotAccuracy([160, 40], **given)(YES, y_pred))
    np.testing.assert_allclose([shots["many"], shots["medium"]], recalls, rtol=1e-5)
    result = to_float(metrics.AveragePrecision(2, **given)(YES, y_pred))
    assert abs(result - average_precision_score(YES, P)) < 0.005


@pytest.mark.parametrize("name", [n for n in NAMES if "Calibration" not in n])
def test_one_column_of_many_classes_is_an_error(name):
    message = r"`y_pred` must have two classes or more.*pass `num_classes=2`"
    arguments = (
        {"class_counts": [9, 5, 1]} if name == "ShotAccuracy" else {"num_classes": 3}
    )
    with pytest.raises(ValueError, match=message):
        getattr(metrics, name)(**arguments).update_state(YES, P)


@pytest.mark.parametrize("name", NAMES)
def test_two_labels_on_one_column_are_an_error(name):
    if name == "ExpectedCalibrationError":
        pytest.skip("takes any number of labels")
    metric = Case(name, "labels").make()
    with pytest.raises(ValueError, match=r"4 c(lasse|ount)s and y_pred.shape=\(200, 1"):
        metric.update_state(YES[:, None], P)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("ShotAccuracy",)])
def test_one_independent_label_is_one_column(name):
    """As far as the metrics say the same of no and yes as of yes alone."""
    arguments = {} if name == "ExpectedCalibrationError" else {"num_classes": 1}
    metric = getattr(metrics, name)(multi_label=True, **arguments)
    expected = ORACLES["labels"](name, YES[:, None], P)
    for labels, y_pred in ((YES, P), (YES[:, None], P), (YES, P[:, 0])):
        metric.reset_state()
        result = to_float(metric(labels, y_pred))
        np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)
    if name in ("BalancedAccuracy", "GeometricMean", "AveragePrecision"):
        np.testing.assert_allclose(to_float(make(name)(YES, P)), expected, rtol=1e-4)


@pytest.mark.parametrize("name", [n for n in NAMES if "num_classes" in dir(make(n))])
def test_one_class(name):
    if name == "ShotAccuracy":
        pytest.skip("has `class_counts`")
    with pytest.raises(ValueError, match=r"`num_classes` .*2 for yes or no"):
        getattr(metrics, name)(1)


def test_counts_of_one_class():
    message = r"`class_counts` .*at least two.*count_classes"
    with pytest.raises(ValueError, match=message):
        metrics.ShotAccuracy([40])
    # As the message says.
    counts = count_classes(YES)
    assert metrics.ShotAccuracy(counts).num_classes == 2
