import numpy as np
import pytest
from keras import ops

from keras_ccar.ops.class_logits import subtract_from_class


@pytest.mark.parametrize("shape", [(5,), (0,), (2, 3), (2, 3, 4)])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_the_class_of_each_sample_is_lowered(shape, dtype):
    random = np.random.default_rng(0)
    # Whole numbers, so that every dtype gives the same.
    logits = random.integers(-9, 9, (*shape, 7)).astype("float32")
    labels = random.integers(0, 7, shape).astype("int32")
    amounts = random.integers(1, 9, shape).astype("float32")
    expected = logits.copy()
    for place in np.ndindex(shape):
        expected[(*place, labels[place])] -= amounts[place]
    found = subtract_from_class(
        ops.convert_to_tensor(logits, dtype),
        ops.convert_to_tensor(labels),
        ops.convert_to_tensor(amounts, dtype),
    )
    got = ops.convert_to_numpy(ops.cast(found, "float32"))
    np.testing.assert_array_equal(got, expected)
