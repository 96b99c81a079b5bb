import keras
import numpy as np
import pytest
from compiled import MODES
from keras import ops

import keras_ccar
from keras_ccar.callbacks.class_statistics import ClassStatistics

BACKEND = keras.backend.backend()


@pytest.mark.parametrize("mode", MODES)
def test_counts_stay_exact_beyond_float32(mode):
    statistics = ClassStatistics(2)
    additions = np.zeros((6, 2, 4), "float32")
    additions[:, :, 0] = np.float32([2**24, 1, 1, 1, 2**26 + 8, 3])[:, None]
    variables = [v.value for v in statistics.variables]

    def add(addition):
        statistics.add_totals(addition)

    if BACKEND == "jax" and mode == "jit":
        import jax

        @jax.jit
        def step(variables, addition):
            pairs = list(zip(statistics.variables, variables, strict=True))
            with keras.StatelessScope(pairs) as scope:
                add(addition)
            return [scope.get_current_value(v) for v in statistics.variables]

        for addition in additions:
            variables = step(variables, addition)
        for variable, value in zip(statistics.variables, variables, strict=True):
            variable.assign(value)
    else:
        if BACKEND == "tensorflow" and mode != "eager":
            import tensorflow as tf

            add = tf.function(add, jit_compile=mode == "xla")
        for addition in additions:
            add(ops.convert_to_tensor(addition))
    expected = 2**24 + 3 + 2**26 + 8 + 3
    assert statistics.class_summary()["count"].tolist() == [expected] * 2


def attached():
    """A model with a loss that has statistics, and those."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    model.compile("sgd", keras_ccar.CCARLoss([3, 2, 1], from_logits=True))
    keras_ccar.CCARCallback().set_model(model)
    return model, model.loss.statistics


def test_the_loss_owns_the_frequency():
    model, statistics = attached()
    updated = np.array([0.2, 0.3, 0.5])
    model.loss.set_class_frequency(updated)
    frequency = ops.convert_to_numpy(statistics.frequency)
    np.testing.assert_array_equal(frequency, updated.astype("float32"))
    assert model.loss.get_config()["prior"] == [updated.tolist(), 6]
    statistics.set_totals(np.array([[4.0, 0, 0, 0], [0, 0, 0, 0], [4, 0, 0, 0]]))
    model.loss.blend_prior(statistics.seen(), 0.5)
    frequency = ops.convert_to_numpy(statistics.frequency)
    np.testing.assert_allclose(frequency, [0.35, 0.15, 0.5], rtol=1e-6)
    assert float(statistics.num_examples) == 7  # 6 at first, 8 seen
    summary = statistics.class_summary()
    np.testing.assert_allclose(summary["class_counts"], [2.45, 1.05, 3.5])


def test_a_momentum_near_1_moves_the_frequency():
    model, _ = attached()
    before = model.loss.frequency
    for _ in range(1000):
        model.loss.blend_prior(np.array([0.0, 0, 8]), 1 - 1e-8)
    # f_c m^1000, which float32 would not tell from f_c.
    np.testing.assert_allclose(model.loss.frequency[:2], before[:2] * (1 - 1e-5))


def test_loaded_weights_hand_the_frequency_to_the_loss(tmp_path):
    model, _ = attached()
    model.loss.set_class_frequency([0.2, 0.3, 0.5])
    model.save_weights(tmp_path / "x.weights.h5")
    other, statistics = attached()
    other.load_weights(tmp_path / "x.weights.h5")
    loaded = ops.convert_to_numpy(statistics.frequency)
    np.testing.assert_array_equal(loaded, np.float32([0.2, 0.3, 0.5]))
    assert other.loss.get_config()["prior"] == [[0.2, 0.3, 0.5], 6]


def test_loaded_weights_of_the_same_frequency_do_not_round_that_of_the_loss(tmp_path):
    model, _ = attached()
    model.save_weights(tmp_path / "x.weights.h5")
    model.load_weights(tmp_path / "x.weights.h5")
    assert "frequency" not in model.loss.get_config()
    assert model.loss.frequency.tolist() == [3 / 6, 2 / 6, 1 / 6]
