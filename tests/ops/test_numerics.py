import numpy as np
import pytest
from keras import ops

from keras_ccar.ops.numerics import clip_min, safe_log


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
