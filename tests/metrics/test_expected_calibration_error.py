import metric_oracles as oracle
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from metric_oracles import classified, to_float

from keras_ccar.metrics import ExpectedCalibrationError


@settings(max_examples=40, deadline=None)
@given(classified(), st.sampled_from([1, 2, 10, 15]))
def test_against_the_definition(case, bins):
    labels, y_pred, weights = case
    on_edge = np.abs(y_pred.max(-1) * bins - np.round(y_pred.max(-1) * bins)) < 1e-4
    assume(bins == 1 or not on_edge.any())
    result = to_float(ExpectedCalibrationError(bins)(labels, y_pred, weights))
    expected = oracle.calibration_error(labels, y_pred, weights, bins)
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-6)
    assert np.isnan(result) or 0 <= result <= 1


@settings(max_examples=20, deadline=None)
@given(classified())
def test_logits_and_unnormalised_rows(case):
    labels, y_pred, weights = case
    expected = to_float(ExpectedCalibrationError(1)(labels, y_pred, weights))
    logits = ExpectedCalibrationError(1, from_logits=True)
    result = to_float(logits(labels, np.log(y_pred) + 3, weights))
    np.testing.assert_allclose(result, expected, rtol=1e-3, atol=1e-5)
    result = to_float(ExpectedCalibrationError(1)(labels, y_pred / 2, weights))
    np.testing.assert_allclose(result, expected, rtol=1e-3, atol=1e-5)


def test_bins_are_closed_above():
    # 0.5 belongs to (0, 0.5], with 0.4, not to (0.5, 1].
    y_pred = np.array([[0.5, 0.25, 0.25], [0.4, 0.3, 0.3]])
    metric = ExpectedCalibrationError(bins=2)
    # One bin: |1/2 - 0.45|; two bins would give (0.5 + 0.4) / 2.
    assert to_float(metric(np.array([0, 1]), y_pred)) == pytest.approx(0.05)


def test_extremes():
    certain = np.eye(3)[[0, 1, 2, 0]]
    metric = ExpectedCalibrationError()
    assert to_float(metric(np.array([0, 1, 2, 0]), certain)) == 0
    metric.reset_state()
    assert to_float(metric(np.array([1, 2, 0, 1]), certain)) == 1


def test_logits_without_from_logits_are_an_error():
    metric = ExpectedCalibrationError()
    with pytest.raises(ValueError, match="from_logits=True"):
        metric.update_state(np.array([0]), np.array([[4.0, -2.0]]))


@pytest.mark.parametrize("bins", [0, -1, 1.5, "15"])
def test_impossible_number_of_bins(bins):
    with pytest.raises(ValueError, match=r"`bins` .* >= 1"):
        ExpectedCalibrationError(bins)


def test_nan_is_not_calibrated():
    y_pred = np.full((3, 3), np.nan, "float32")
    error = ExpectedCalibrationError(from_logits=True)([0, 1, 2], y_pred)
    assert np.isnan(to_float(error))
