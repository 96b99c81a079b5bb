import keras
import numpy as np
import pytest
from compiled import MODES
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from keras_ccar.ops import exact_row_sums

BACKEND = keras.backend.backend()


def run(mode, rows, groups=None, num_groups=None):
    """Returns the sum in float64, as a step of `fit` computes it: of any batch size."""

    def function(*arguments):
        return exact_row_sums.sum_rows(*arguments, num_groups)

    arguments = [ops.convert_to_tensor(rows)]
    arguments += [] if groups is None else [ops.convert_to_tensor(groups)]
    if groups is None:
        function = exact_row_sums.sum_rows
    if mode == "jit":
        import jax

        function = jax.jit(function)
    elif mode in ("graph", "xla"):
        import tensorflow as tf

        specs = [tf.TensorSpec([None, *x.shape[1:]], x.dtype) for x in arguments]
        function = tf.function(function, specs, jit_compile=mode == "xla")
    parts = function(*arguments)
    return sum(ops.convert_to_numpy(part).astype("float64") for part in parts)


@pytest.mark.parametrize("mode", MODES)
def test_every_sample_of_a_large_batch_counts(mode):
    # Beyond 2^24, where a sum in float32 stands still.
    count = 17_200_000
    groups = np.zeros(count, "int32")
    groups[1_000_000:1_000_009] = 1
    ones = np.ones(count, "float32")
    assert run(mode, ones, groups, 2).tolist() == [count - 9, 9]
    rows = np.stack([1 - groups, groups], axis=-1).astype("float32")
    assert run(mode, rows).tolist() == [count - 9, 9]
    assert run(mode, ones).item() == count


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
@given(data=st.data())
@settings(max_examples=10, deadline=None)
def test_sums_are_those_of_numpy(mode, data):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact_row_sums, "ROWS_OF_PART", 4)
        count = data.draw(st.sampled_from([0, 3, 4, 17]), "count")
        shape = (count, *data.draw(st.sampled_from([(), (2, 3)]), "shape"))
        generator = np.random.default_rng(data.draw(st.integers(0, 999), "seed"))
        scale = data.draw(st.sampled_from([1e-3, 3e3]), "scale")
        rows = generator.normal(0, scale, shape).astype("float32")
        groups = generator.integers(0, 3, count).astype("int32")
        by_group = np.zeros((3, *shape[1:]))
        np.add.at(by_group, groups, rows.astype("float64"))
        close = {"rtol": 1e-6, "atol": 2e-6 * scale}
        np.testing.assert_allclose(run(mode, rows, groups, 3), by_group, **close)
        total = rows.astype("float64").sum(axis=0)
        np.testing.assert_allclose(run(mode, rows), total, **close)


@pytest.mark.parametrize("mode", MODES)
def test_nan_is_not_lost(mode):
    rows = np.ones(exact_row_sums.ROWS_OF_PART + 5, "float32")
    rows[7] = np.nan
    groups = np.arange(len(rows), dtype="int32") % 2
    assert np.isnan(run(mode, rows))
    assert np.isnan(run(mode, rows, groups, 2)).tolist() == [False, True]
