"""What every metric says of classes, of one column, and of independent labels."""

import keras
import metric_oracles as oracle
import numpy as np
import pytest
from metric_cases import (
    CASES,
    COUNTS,
    NAMES,
    Case,
    K,
    assert_same,
    case_id,
    compiled_update,
    has_nan,
    make,
    tolerance_of,
)
from metric_oracles import ORACLES, to_float

EVERY_CASE = pytest.mark.parametrize("case", CASES, ids=case_id)


def value_of(metric, *args, **kwargs):
    metric.update_state(*args, **kwargs)
    return to_float(metric.result())


def counts_of(case):
    """The training counts that `ShotAccuracy` has."""
    return COUNTS[::3] if case.form == "column" else COUNTS


@EVERY_CASE
@pytest.mark.parametrize("weighting", ["none", "samples", "labels"])
def test_against_the_definition(case, weighting):
    """In float64, where labels are missing at random too."""
    for seed in range(3):
        labels, y_pred = case.batch((40,), seed)
        rng = np.random.default_rng(seed)
        shape = labels.shape if weighting == "labels" else labels.shape[:1]
        weights = None
        if weighting != "none":
            weights = rng.integers(0, 3, shape).astype("float32")
        metric = case.make()
        meant = weights
        if weights is not None and weights.ndim < labels.ndim:
            meant = np.repeat(weights[:, None], K, axis=1)
        expected = ORACLES[case.form](
            case.name, labels, y_pred, meant, counts=counts_of(case)
        )
        result = value_of(metric, labels, y_pred, weights)
        assert_same(result, expected, **tolerance_of(case.name))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", ["column", "labels"])
@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 0.8, 1.0])
def test_thresholds_are_probabilities_with_logits_too(name, form, threshold):
    case = Case(name, form)
    labels, y_pred = case.batch()
    expected = ORACLES[form](
        name, labels, y_pred, counts=counts_of(case), threshold=threshold
    )
    if (name, form) == ("ExpectedCalibrationError", "column"):
        expected = column_calibration(labels, y_pred, threshold)
    metric = case.make(threshold=threshold)
    result = value_of(metric, labels, y_pred)
    assert_same(result, expected, **tolerance_of(case.name))
    p = y_pred.astype("float64")
    logits = (np.log(p) - np.log1p(-p)).astype("float32")
    metric = case.make(threshold=threshold, from_logits=True)
    result = value_of(metric, labels, logits)
    assert_same(result, expected, **tolerance_of(case.name))


def column_calibration(labels, y_pred, threshold):
    """The confidence is that of the answer that the threshold gives."""
    p = y_pred[:, 0].astype("float64")
    said = p > threshold
    confidence = np.where(said, p, 1 - p)
    ones = np.ones(len(p))
    return oracle.share_error((said == labels).astype(float), confidence, ones, 15)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", ["column", "labels"])
@pytest.mark.parametrize("ignored", [-1.0, float("nan")])
def test_unknown_targets_do_not_count(name, form, ignored):
    case = Case(name, form)
    labels, y_pred = case.batch()
    rng = np.random.default_rng(1)
    is_known = rng.random(labels.shape) < 0.7
    given = np.where(is_known, labels, ignored).astype("float32")
    weights = is_known.astype("float32")
    expected = ORACLES[form](name, labels, y_pred, weights, counts=counts_of(case))
    for update_of in (lambda metric: metric.update_state, compiled_update):
        metric = case.make(ignore_value=ignored)
        update_of(metric)(given, y_pred)
        assert_same(to_float(metric.result()), expected, **tolerance_of(case.name))
    with pytest.raises(ValueError, match="passing their value as `ignore_value`"):
        case.make().update_state(given, y_pred)


@EVERY_CASE
def test_labels_of_one_side(case):
    """Classes, or sides of labels, without samples are left out."""
    labels, y_pred = case.batch()
    labels = np.zeros_like(labels)
    if case.form == "labels":
        labels[:15, 1] = 1
    expected = ORACLES[case.form](case.name, labels, y_pred, counts=counts_of(case))
    result = value_of(case.make(), labels, y_pred)
    assert_same(result, expected, **tolerance_of(case.name))


@pytest.mark.parametrize("name", NAMES)
def test_one_column_is_two_columns(name):
    """In every shape that labels and predictions have."""
    case = Case(name, "column")
    labels, y_pred = case.batch()
    expected = value_of(case.make(), labels, np.concatenate([1 - y_pred, y_pred], -1))
    for y_true, column in (
        (labels, y_pred),
        (labels[:, None], y_pred),
        (labels[:, None].astype("float32"), y_pred),
        (labels.astype(bool), y_pred),
        (labels, y_pred[:, 0]),
    ):
        assert_same(value_of(case.make(), y_true, column), expected, rtol=1e-5)
    image = labels.reshape(2, 3, 5), y_pred.reshape(2, 1, 3, 5)
    for y_true in (image[0], image[0][:, None]):
        metric = case.make(axis=1)
        assert_same(value_of(metric, y_true, image[1]), expected, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_labels_on_another_axis(name):
    case = Case(name, "labels")
    labels, y_pred = case.batch((6, 5))
    weights = np.random.default_rng(0).integers(0, 3, labels.shape).astype("float32")
    for of in (lambda w: w[..., 0], lambda w: w):
        expected = value_of(case.make(), labels, y_pred, of(weights))
        moved = [np.moveaxis(part, -1, 1) for part in (labels, y_pred)]
        given = of(weights) if of(weights).ndim == 2 else np.moveaxis(weights, -1, 1)
        result = value_of(case.make(axis=1), *moved, given)
        assert_same(result, expected, rtol=1e-6)


@EVERY_CASE
@pytest.mark.parametrize("bad", [1.5, -0.25])
def test_predictions_that_are_no_probabilities(case, bad):
    labels, y_pred = case.batch()
    y_pred[3] = bad
    only_order = "Calibration" not in case.name and case.name != "AveragePrecision"
    if case.form == "classes" and only_order:
        assert not has_nan(value_of(case.make(), labels, y_pred))
        return
    with pytest.raises(ValueError, match="pass `from_logits=True`"):
        case.make().update_state(labels, y_pred)
    weights = (np.arange(30) != 3).astype("float32")
    assert not has_nan(value_of(case.make(), labels, y_pred, weights))
    if keras.backend.backend() != "torch":
        metric = case.make()
        compiled_update(metric)(labels, y_pred)
        assert has_nan(metric.result())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*logits beyond `limit")
@EVERY_CASE
def test_predictions_of_nan_and_infinity(case):
    labels, y_pred = case.batch()
    for update_of in (lambda metric: metric.update_state, compiled_update):
        wrong = y_pred.copy()
        wrong[3] = np.nan
        metric = case.make()
        update_of(metric)(labels, wrong)
        assert has_nan(metric.result())
        metric = case.make()
        update_of(metric)(labels, wrong, (np.arange(30) != 3).astype("float32"))
        assert not has_nan(metric.result())
    large = np.where(y_pred > 0.5, 1e4, -1e4).astype("float32")
    assert not has_nan(value_of(case.make(from_logits=True), labels, large))


@pytest.mark.parametrize("name", NAMES)
def test_arguments_that_only_yes_or_no_have(name):
    case = Case(name, "classes")
    labels, y_pred = case.batch()
    for arguments in ({"ignore_value": -1}, {"threshold": 0.3}):
        (argument,) = arguments
        message = f"`{argument}` must be .* 4 classes.*`multi_label=True`"
        with pytest.raises(ValueError, match=message):
            case.make(**arguments).update_state(labels, y_pred)
    with pytest.raises(ValueError, match=r"`ignore_class` .*`ignore_value`"):
        make(name, multi_label=True, ignore_class=3)
    # As the messages say.
    tags, p = Case(name, "labels").batch()
    metric = make(name, multi_label=True, ignore_value=-1, threshold=0.3)
    assert not has_nan(value_of(metric, np.where(p > 0.9, -1, tags), p))
