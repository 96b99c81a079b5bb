"""`axis` and `ignore_class` mean in metrics what they mean in losses."""

import keras
import metric_oracles as oracle
import numpy as np
import pytest
from metric_cases import (
    COUNTS,
    NAMES,
    K,
    assert_same,
    compiled_update,
    has_nan,
    make,
    tolerance_of,
)
from metric_oracles import to_float
from sklearn.metrics import balanced_accuracy_score, recall_score

from keras_ccar import CCARLoss, metrics

SHAPES = [(7, 5), (7, K), (2, K, K)]
RNG = np.random.default_rng(0)


def data(shape, ignored=None):
    labels = RNG.integers(0, K, shape)
    y_pred = RNG.dirichlet(np.ones(K), shape).astype("float32")
    if ignored is not None:
        labels[RNG.random(shape) < 0.3] = ignored
    return labels, y_pred


def expected_of(name, labels, y_pred, weights=None):
    """In float64, of samples in rows; weights and labels of those that count."""
    return oracle.of_classes(name, labels, y_pred, weights, COUNTS)


def test_every_public_metric_has_the_arguments():
    for name in NAMES:
        config = make(name).get_config()
        assert (config["axis"], config["ignore_class"]) == (-1, None)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("form", ["integers", "column", "one-hot"])
@pytest.mark.parametrize("is_compiled", [False, True])
def test_any_class_axis(name, shape, form, is_compiled):
    """Also where another dimension has as many entries as there are classes."""
    labels, y_pred = data(shape, ignored=255)
    weights = RNG.random(shape).astype("float32")
    kept = labels != 255
    expected = expected_of(name, labels[kept], y_pred[kept], weights[kept])
    # Compilation takes its time.
    for axis in [1] if is_compiled else range(1, len(shape) + 1):
        y_true = labels
        if form == "column":
            y_true = np.expand_dims(labels, axis)
        elif form == "one-hot":
            one_hot = (labels[..., None] == np.arange(K)).astype("float32")
            y_true = np.moveaxis(one_hot, -1, axis)
        for given in (axis, axis - len(shape) - 1)[: 1 if is_compiled else 2]:
            metric = make(name, axis=given, ignore_class=255)
            update = compiled_update(metric) if is_compiled else metric.update_state
            update(y_true, np.moveaxis(y_pred, -1, axis), weights)
            assert_same(to_float(metric.result()), expected, **tolerance_of(name))


def test_scikit_learn_says_the_same_of_volumes():
    labels, y_pred = data((4, K, K, K))
    first = np.moveaxis(y_pred, -1, 1)
    flat = labels.ravel(), first.argmax(1).ravel()
    result = to_float(metrics.BalancedAccuracy(K, axis=1)(labels, first))
    np.testing.assert_allclose(result, balanced_accuracy_score(*flat), rtol=1e-5)
    result = to_float(metrics.PerClassRecall(K, axis=1)(labels, first))
    np.testing.assert_allclose(result, recall_score(*flat, average=None), rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ignored", [-1, 255, 2])
def test_distributions_of_ignored_samples(name, ignored):
    labels, y_pred = data((40,), ignored)
    one_hot = (labels[:, None] == np.arange(K)).astype("float32")
    kept = labels != ignored
    metric = make(name, ignore_class=ignored)
    metric.update_state(one_hot, y_pred)
    expected = expected_of(name, labels[kept], y_pred[kept])
    assert_same(to_float(metric.result()), expected, **tolerance_of(name))


def wrong_rows():
    labels, y_pred = data((8,))
    one_hot = np.eye(K, dtype="float32")[labels]
    cases = {
        "several ones": [1, 0, 1, 0],
        "zeros": [0, 0, 0, 0],
        "sum": [0.5, 0.2, 0, 0],
        "NaN": [np.nan, 0, 0, 1],
        "negative": [1.2, -0.2, 0, 0],
    }
    for name, row in cases.items():
        rows = one_hot.copy()
        rows[3] = row
        yield name, rows, y_pred


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", list(wrong_rows()), ids=lambda case: case[0])
def test_wrong_rows(name, case):
    _, rows, y_pred = case
    message = "`y_true` must hold label distributions"
    with pytest.raises(ValueError, match=message):
        make(name).update_state(rows, y_pred)
    weights = np.array([1, 1, 1, 0, 1, 1, 1, 1], "float32")
    metric = make(name)
    metric.update_state(rows, y_pred, weights)
    kept = weights > 0
    expected = expected_of(name, rows[kept].argmax(-1), y_pred[kept])
    assert_same(to_float(metric.result()), expected, **tolerance_of(name))
    if keras.backend.backend() != "torch":
        metric = make(name)
        compiled_update(metric)(rows, y_pred)
        assert has_nan(metric.result())


@pytest.mark.parametrize("name", NAMES)
def test_tags_are_told_by_an_argument(name):
    tags = np.array([[1, 0, 1, 0], [0, 1, 0, 0]], "float32")
    with pytest.raises(ValueError, match=r"several, pass `multi_label=True`"):
        make(name).update_state(tags, np.full((2, K), 0.25))
    # As the message says.
    metric = make(name, multi_label=True, from_logits=True)
    metric.update_state(tags, 4 * tags - 2)
    assert not np.isnan(np.nanmean(list(flat(metric.result()))))


def flat(result):
    result = to_float(result)
    return np.ravel(list(result.values()) if isinstance(result, dict) else result)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"axis": "last"}, "`axis` must be a whole number"),
        ({"axis": 1.0}, "`axis` must be a whole number"),
        ({"ignore_class": "x"}, "`ignore_class` must be a whole number"),
        ({"ignore_class": 255.0}, "`ignore_class` must be a whole number"),
    ],
)
def test_bad_arguments(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        make(name, **arguments)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("axis", [2, -3])
def test_axis_out_of_range(name, axis):
    labels, y_pred = data((6,))
    message = rf"`axis` must be the class axis .*axis={axis}, y_pred.shape=\(6, 4\)"
    with pytest.raises(ValueError, match=message):
        make(name, axis=axis).update_state(labels, y_pred)


@pytest.mark.parametrize("name", NAMES)
def test_axis_is_named_as_the_way_out(name):
    labels, y_pred = data((6, 5))
    first = np.moveaxis(y_pred, -1, 1)
    with pytest.raises(ValueError, match="pass `axis=1`"):
        make(name).update_state(labels, first)
    metric = make(name, axis=1)
    metric.update_state(labels, first)
    flat = labels.ravel(), y_pred.reshape(-1, K)
    assert_same(
        to_float(metric.result()), expected_of(name, *flat), **tolerance_of(name)
    )


@pytest.mark.slow
def test_in_fit_beside_a_loss_with_classes_first():
    labels = RNG.integers(0, K, (20, K, 5))
    labels[::3, 1] = 255
    x = RNG.normal(size=(20, K, K, 5)).astype("float32")
    same = {"axis": 1, "ignore_class": 255}
    model = keras.Sequential([keras.Input((K, K, 5)), keras.layers.Identity()])
    model.compile(
        "sgd",
        CCARLoss([9, 5, 2, 1], from_logits=True, **same),
        metrics=[
            *(make(name, from_logits=True, **same) for name in NAMES),
        ],
    )
    logs = model.evaluate(x, labels, batch_size=7, verbose=0, return_dict=True)
    last = np.moveaxis(x, 1, -1)
    p = np.exp(last) / np.exp(last).sum(-1, keepdims=True)
    kept = labels != 255
    for name in NAMES:
        expected = expected_of(name, labels[kept], p[kept])
        if not isinstance(expected, dict):
            expected = {make(name).name: expected}
        for key, value in expected.items():
            np.testing.assert_allclose(logs[key], value, **tolerance_of(name))
