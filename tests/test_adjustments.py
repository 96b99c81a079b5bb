import numpy as np
import pytest
from keras import ops

from keras_ccar import adjustments
from keras_ccar.adjustments import LDAMMargin, LogitAdjustment
from keras_ccar.frequencies import class_prior

LOGITS = np.zeros((2, 3), "float32")


def adjusted(adjustment, counts):
    prior = class_prior(counts)
    return ops.convert_to_numpy(adjustment(ops.convert_to_tensor(LOGITS), None, prior))


@pytest.mark.parametrize("tau", [0.0, 1.0, 2.5])
def test_adds_tau_log_prior(tau):
    expected = tau * np.log(np.array([70, 20, 10]) / 100)
    actual = adjusted(LogitAdjustment(tau), [70, 20, 10])
    np.testing.assert_allclose(actual, [expected, expected], rtol=1e-6)


def test_smoothing_counts_more_of_every_class():
    actual = adjusted(LogitAdjustment(smoothing=2.0), [6, 0, 0])
    np.testing.assert_allclose(actual[0], np.log([8 / 12, 2 / 12, 2 / 12]), rtol=1e-6)


def test_check_names_empty_classes_and_the_remedy():
    with pytest.raises(ValueError, match=r"class 1 .*LogitAdjustment\(smoothing=1\)"):
        LogitAdjustment().check(class_prior([3, 0, 1]))
    LogitAdjustment(smoothing=1).check(class_prior([3, 0, 1]))
    LogitAdjustment(tau=0).check(class_prior([3, 0, 1]))


def test_frequency_that_fell_to_0_stays_finite():
    assert np.isfinite(adjusted(LogitAdjustment(), [3, 0, 1])).all()


def test_margins_by_hand():
    # n = (500, 100, 20, 5): (n / 5)^(-1/4) = 100^-.25, 20^-.25, 4^-.25, 1.
    prior = class_prior([500, 100, 20, 5])
    logits = ops.zeros((4, 4), dtype="float32")
    adjusted = LDAMMargin(max_margin=0.5, scale=2.0)(
        logits, ops.arange(4, dtype="int32"), prior
    )
    margins = [0.15811388, 0.23643540, 0.35355339, 0.5]
    np.testing.assert_allclose(
        np.diag(ops.convert_to_numpy(adjusted)), -2 * np.array(margins), rtol=1e-6
    )


@pytest.mark.parametrize("arguments", [{"tau": -1}, {"smoothing": float("nan")}])
def test_bad_arguments(arguments):
    with pytest.raises(ValueError, match=f"`{next(iter(arguments))}` must be"):
        LogitAdjustment(**arguments)


def test_config_round_trip():
    config = LogitAdjustment(tau=0.5, smoothing=1).get_config()
    assert LogitAdjustment.from_config(config).get_config() == config


def test_get_rejects_other_types():
    with pytest.raises(TypeError, match="`adjustment` must be"):
        adjustments.get(1.0)
