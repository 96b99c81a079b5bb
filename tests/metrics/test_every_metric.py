"""Tests that every public metric must pass. New metrics are found automatically."""

import inspect
import json

import keras
import numpy as np
import pytest
from metric_cases import ARGUMENTS, NAMES, K, assert_same, compiled_update, make
from metric_oracles import to_float

CONFIGS = {
    "BalancedAccuracy": {"num_classes": K, "ignore_class": 2, "axis": 1},
    "PerClassRecall": {"num_classes": K, "ignore_class": 2, "axis": 1},
    "ShotAccuracy": {
        "class_counts": {0: 500, 3: 9},
        "many": 80,
        "few": 10,
        "ignore_class": 2,
        "axis": 1,
    },
    "ExpectedCalibrationError": {
        "bins": 7,
        "from_logits": True,
        "ignore_class": 2,
        "axis": 1,
    },
}


def batch(shape=(30,), seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, K, shape)
    y_pred = rng.dirichlet(np.ones(K), shape).astype("float32")
    # Half of the predictions right, so that no accuracy is 0 by chance.
    right = rng.random(shape) < 0.5
    y_pred[right] = (
        0.7 * np.eye(K, dtype="float32")[labels[right]] + 0.3 * y_pred[right]
    )
    return labels, y_pred


def value_of(metric, *args, **kwargs):
    metric.update_state(*args, **kwargs)
    return to_float(metric.result())


def test_every_public_metric_is_tried():
    assert set(ARGUMENTS) == set(CONFIGS) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64", "float32"])
def test_labels_of_any_dtype_and_form(name, dtype):
    labels, y_pred = batch()
    expected = value_of(make(name), labels, y_pred)
    assert_same(value_of(make(name), labels.astype(dtype), y_pred), expected)
    assert_same(value_of(make(name), labels.astype(dtype)[:, None], y_pred), expected)
    one_hot = np.eye(K)[labels].astype(dtype)
    assert_same(value_of(make(name), one_hot, y_pred), expected)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(5, 6), (2, 3, 5)])
def test_labels_of_any_rank(name, shape):
    labels, y_pred = batch(shape)
    flat = value_of(make(name), labels.ravel(), y_pred.reshape(-1, K))
    assert_same(value_of(make(name), labels, y_pred), flat, rtol=1e-6)
    assert_same(value_of(make(name), labels[..., None], y_pred), flat, rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_batches_add_up_and_reset(name):
    labels, y_pred = batch()
    metric = make(name)
    expected = value_of(make(name), labels, y_pred)
    metric.update_state(labels[:7], y_pred[:7])
    assert_same(value_of(metric, labels[7:], y_pred[7:]), expected, rtol=1e-5)
    metric.reset_state()
    assert_same(value_of(metric, labels, y_pred), expected)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("weight_shape", [(6,), (6, 1), (6, 5), (6, 5, 1)])
def test_samples_of_weight_0_do_not_count(name, weight_shape):
    labels, y_pred = batch((6, 5))
    weights = np.ones(weight_shape)
    weights[2:4] = 0
    expected = value_of(make(name), np.delete(labels, [2, 3], 0), y_pred[[0, 1, 4, 5]])
    # Masked samples may have any label and any prediction.
    labels[2:4], y_pred[2:4] = -1, np.nan
    assert_same(value_of(make(name), labels, y_pred, weights), expected, rtol=1e-5)
    assert_same(value_of(make(name), labels, y_pred, weights > 0), expected, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ignored", [255, -1, 2])
def test_ignored_samples_do_not_count(name, ignored):
    labels, y_pred = batch()
    labels[labels == 2] = ignored
    kept = labels != ignored
    expected = value_of(make(name), labels[kept], y_pred[kept])
    metric = make(name, ignore_class=ignored)
    assert_same(value_of(metric, labels, y_pred), expected, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_mask_of_the_model_is_applied(name):
    labels, y_pred = batch((3, 4))
    mask = np.array([[1, 1, 0, 0], [1, 1, 1, 1], [1, 0, 0, 0]], bool)
    tokens = np.where(mask, 1, 0)

    class FixedPrediction(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.supports_masking = True

        def call(self, inputs):
            return keras.ops.convert_to_tensor(y_pred)

    inputs = keras.Input((4,), dtype="int32", batch_size=3)
    embedded = keras.layers.Embedding(2, 3, mask_zero=True)(inputs)
    model = keras.Model(inputs, FixedPrediction()(embedded))
    metric = make(name)
    metric.update_state(labels, model(tokens))
    expected = value_of(make(name), labels[mask], y_pred[mask])
    assert_same(to_float(metric.result()), expected, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_without_samples_the_result_is_nan(name):
    result = to_float(make(name).result())
    for value in result.values() if isinstance(result, dict) else [result]:
        assert np.isnan(value).all()


@pytest.mark.parametrize("name", NAMES)
def test_half_precision_predictions(name):
    labels, y_pred = batch()
    half = y_pred.astype("float16")
    result = value_of(make(name), labels, half)
    assert_same(result, value_of(make(name), labels, half.astype("float32")))


@pytest.mark.parametrize("name", NAMES)
def test_counts_are_exact_beyond_float32(name):
    """A float32 total stands still at 2^24: the last samples would not count."""
    metric = make(name)
    labels, right = np.array([0]), np.eye(K)[[0]]
    update = compiled_update(metric)
    for _ in range(8):
        update(labels, right, np.array([2.0**24 - 1], "float32"))
    for _ in range(1000):
        update(labels, right, np.array([1.0], "float32"))
    samples = metric._samples
    total = sum(
        keras.ops.convert_to_numpy(part).astype("float64").sum()
        for part in (samples._total, samples._rounded_away)
    )
    assert total == 8 * (2.0**24 - 1) + 1000


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("sparse", [True, False])
def test_compiled_equals_eager(name, sparse):
    labels, y_pred = batch()
    weights = np.linspace(0, 2, len(labels)).astype("float32")
    expected = value_of(make(name), labels, y_pred, weights)
    metric = make(name)
    labels = labels if sparse else np.eye(K, dtype="float32")[labels]
    compiled_update(metric)(labels, y_pred, weights)
    assert_same(to_float(metric.result()), expected, rtol=1e-5)


@pytest.mark.tensorflow_only
@pytest.mark.parametrize("name", NAMES)
def test_graph_with_unknown_batch_size(name):
    import tensorflow as tf

    labels, y_pred = batch()
    metric = make(name)
    update = tf.function(
        metric.update_state,
        input_signature=[
            tf.TensorSpec([None], tf.int64),
            tf.TensorSpec([None, K], tf.float32),
        ],
    )
    update(labels[:10], y_pred[:10])
    update(labels[10:], y_pred[10:])
    expected = value_of(make(name), labels, y_pred)
    assert_same(to_float(metric.result()), expected, rtol=1e-5)


@pytest.mark.tensorflow_only
@pytest.mark.parametrize("name", NAMES)
def test_replicas_add_up(name):
    import tensorflow as tf

    labels, y_pred = batch()
    expected = value_of(make(name), labels, y_pred)
    cpu = tf.config.list_logical_devices("CPU")[0].name
    with tf.distribute.MirroredStrategy([cpu]).scope():
        metric = make(name)
        strategy = tf.distribute.get_strategy()
        strategy.run(tf.function(metric.update_state), args=(labels, y_pred))
        assert_same(to_float(metric.result()), expected, rtol=1e-5)
        metric.reset_state()
    assert all(not np.any(v.numpy()) for v in metric.variables)


@pytest.mark.parametrize("name", NAMES)
def test_invalid_label_is_an_error(name):
    labels, y_pred = batch()
    labels[3] = K
    with pytest.raises(ValueError, match=r"`y_true` .*\[0, 4\)"):
        make(name).update_state(labels, y_pred)


@pytest.mark.parametrize("name", NAMES)
def test_invalid_label_in_a_compiled_step_is_nan(name):
    if keras.backend.backend() == "torch":
        pytest.skip("the step is not compiled on torch: it raises")
    labels, y_pred = batch()
    labels[3] = K
    metric = make(name)
    compiled_update(metric)(labels, y_pred)
    result = to_float(metric.result())
    values = list(result.values()) if isinstance(result, dict) else [result]
    assert np.isnan(np.concatenate([np.ravel(v) for v in values])).any()


@pytest.mark.parametrize("name", NAMES)
def test_shapes_that_do_not_fit_are_named(name):
    labels, y_pred = batch()
    with pytest.raises(ValueError, match=r"y_true.*\(29,\).*\(30, 4\)"):
        make(name).update_state(labels[:29], y_pred)
    with pytest.raises(ValueError, match=r"y_true.*\(30, 3\).*\(30, 4\)"):
        make(name).update_state(np.zeros((30, 3)), y_pred)
    with pytest.raises(ValueError, match=r"sample_weight.*\(29,\).*\(30,\)"):
        make(name).update_state(labels, y_pred, np.ones(29))


@pytest.mark.parametrize("name", [n for n in NAMES if "Calibration" not in n])
def test_wrong_number_of_classes_is_named(name):
    with pytest.raises(ValueError, match=r"4 c(lasse|ount)s.*\(30, 5\)"):
        make(name).update_state(np.zeros(30), np.ones((30, 5)))


@pytest.mark.parametrize("name", NAMES)
def test_config(name):
    metric = make(name, **CONFIGS[name], name="mine", dtype="float16")
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(metric)))
    assert config["registered_name"] == f"keras_ccar>{name}"
    restored = keras.saving.deserialize_keras_object(config)
    assert type(restored) is type(metric)
    assert restored.get_config() == metric.get_config()
    arguments = inspect.signature(type(metric)).parameters
    assert set(metric.get_config()) == set(arguments)
    labels, y_pred = batch()
    labels %= 2
    assert_same(value_of(restored, labels, y_pred), value_of(metric, labels, y_pred))


@pytest.mark.parametrize("name", NAMES)
def test_fit_logs_what_evaluate_says(name, tmp_path, capsys):
    labels, _ = batch()
    x = np.random.default_rng(1).normal(size=(30, 3)).astype("float32")
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(K, activation="softmax")]
    )
    model.compile(
        "sgd",
        "sparse_categorical_crossentropy",
        metrics=[make(name)],
        weighted_metrics=[make(name, name="weighted")],
    )
    csv = tmp_path / "log.csv"
    history = model.fit(
        x,
        labels,
        validation_data=(x, labels),
        epochs=2,
        batch_size=10,
        verbose=1,
        callbacks=[keras.callbacks.CSVLogger(csv)],
    ).history
    evaluated = model.evaluate(x, labels, verbose=0, return_dict=True)
    expected = to_float(make(name)(labels, model.predict(x, verbose=0)))
    if not isinstance(expected, dict):
        expected = {make(name).name: expected}
    for key, value in expected.items():
        np.testing.assert_allclose(evaluated[key], value, rtol=1e-5)
        np.testing.assert_allclose(history[f"val_{key}"][-1], value, rtol=1e-5)
        assert len(history[key]) == 2
    shown = capsys.readouterr().out
    assert all(f" - val_{key}: " in shown for key in expected)
    assert len(csv.read_text().splitlines()) == 3


@pytest.mark.parametrize("name", NAMES)
def test_compiled_model_with_metric_loads_again(name, tmp_path):
    labels, _ = batch()
    x = np.random.default_rng(1).normal(size=(30, 3)).astype("float32")
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(K, activation="softmax")]
    )
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=[make(name)])
    before = model.evaluate(x, labels, verbose=0, return_dict=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    after = loaded.evaluate(x, labels, verbose=0, return_dict=True)
    assert list(after) == list(before)
    for key in before:
        np.testing.assert_allclose(after[key], before[key], rtol=1e-5)
