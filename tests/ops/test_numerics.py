import numpy as np
import pytest
from keras import ops

from keras_ccar.ops.numerics import clip_min, power, safe_log, softmax


def test_clip_min_lets_nan_pass():
    clipped = ops.convert_to_numpy(clip_min(np.float32([-1, 0.5, np.nan]), 0.25))
    np.testing.assert_array_equal(clipped, np.float32([0.25, 0.5, np.nan]))


def test_clip_min_keeps_the_dtype():
    for dtype in ("float16", "float32"):
        x = ops.convert_to_tensor([0.0, 1.0], dtype=dtype)
        assert clip_min(x, 1e-3).dtype == x.dtype


def test_safe_log_is_finite_at_0():
    assert float(safe_log(np.float32(0))) == pytest.approx(np.log(1e-20), rel=1e-6)
    assert float(safe_log(np.float32(0.5))) == pytest.approx(np.log(0.5), rel=1e-6)


@pytest.mark.parametrize("exponent", [0.5, 1, 2.0, 2.5, 3, 4.0, 5, 6, 7.0, 8, 9])
def test_powers(exponent):
    x = np.float32([6e-8, 1e-3, 0.3, 0.9999, 1])
    expected = x.astype("float64") ** exponent
    found = ops.convert_to_numpy(power(ops.convert_to_tensor(x), exponent))
    # Denormal numbers may be rounded to 0.
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-37)
    assert found.dtype == x.dtype


def test_a_softmax_with_a_nan_is_unknown_throughout():
    logits = np.float32([[1, np.nan, 2], [1, -np.inf, 2]])
    found = ops.convert_to_numpy(softmax(ops.convert_to_tensor(logits)))
    assert np.isnan(found[0]).all()
    no, yes = 1 / (1 + np.e), np.e / (1 + np.e)
    np.testing.assert_allclose(found[1], [no, 0, yes], rtol=1e-6)
