"""Tests that every public metric must pass. New metrics are found automatically."""

import inspect
import json

import keras
import numpy as np
import pytest
from metric_cases import (
    ARGUMENTS,
    CASES,
    NAMES,
    Case,
    K,
    assert_same,
    case_id,
    compiled_update,
    has_nan,
    make,
)
from metric_oracles import to_float

import keras_ccar
from keras_ccar.metrics import exact_sum

OPTIONS = {
    "classes": {"ignore_class": 2, "axis": 1},
    "column": {"ignore_class": 2, "axis": 1, "ignore_value": -1, "threshold": 0.2},
    "labels": {"ignore_value": float("nan"), "axis": 1, "from_logits": True},
}
OTHERS = {
    "AveragePrecision": {"average": None, "num_thresholds": 500},
    "ShotAccuracy": {"many": 80, "few": 10},
    "ExpectedCalibrationError": {"bins": 7},
}
EVERY_CASE = pytest.mark.parametrize("case", CASES, ids=case_id)
CLASSES = Case("BalancedAccuracy", "classes")


def model_of(case):
    layer = keras.layers.Dense(case.num_columns, activation=case.activation)
    return keras.Sequential([keras.Input((3,)), layer])


def value_of(metric, *args, **kwargs):
    metric.update_state(*args, **kwargs)
    return to_float(metric.result())


def test_every_public_metric_is_tried():
    assert set(ARGUMENTS) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64", "float32"])
def test_labels_of_any_dtype_and_form(name, dtype):
    labels, y_pred = CLASSES.batch()
    expected = value_of(make(name), labels, y_pred)
    assert_same(value_of(make(name), labels.astype(dtype), y_pred), expected)
    assert_same(value_of(make(name), labels.astype(dtype)[:, None], y_pred), expected)
    one_hot = np.eye(K)[labels].astype(dtype)
    assert_same(value_of(make(name), one_hot, y_pred), expected)


@EVERY_CASE
@pytest.mark.parametrize("shape", [(5, 6), (2, 3, 5)])
def test_labels_of_any_rank(case, shape):
    labels, y_pred = case.batch(shape)
    of_each = labels.shape[len(shape) :]
    flat = labels.reshape(-1, *of_each), y_pred.reshape(-1, case.num_columns)
    flat = value_of(case.make(), *flat)
    assert_same(value_of(case.make(), labels, y_pred), flat, rtol=1e-6)
    if not of_each:
        assert_same(value_of(case.make(), labels[..., None], y_pred), flat, rtol=1e-6)


@EVERY_CASE
def test_batches_add_up_and_reset(case):
    labels, y_pred = case.batch()
    metric = case.make()
    expected = value_of(case.make(), labels, y_pred)
    metric.update_state(labels[:7], y_pred[:7])
    assert_same(value_of(metric, labels[7:], y_pred[7:]), expected, rtol=1e-5)
    metric.reset_state()
    assert_same(value_of(metric, labels, y_pred), expected)


@EVERY_CASE
@pytest.mark.parametrize("weight_shape", [(6,), (6, 1), (6, 5), (6, 5, 1)])
def test_samples_of_weight_0_do_not_count(case, weight_shape):
    labels, y_pred = case.batch((6, 5))
    weights = np.ones(weight_shape)
    weights[2:4] = 0
    expected = value_of(case.make(), np.delete(labels, [2, 3], 0), y_pred[[0, 1, 4, 5]])
    # Masked samples may have any label and any prediction.
    labels[2:4], y_pred[2:4] = 7, np.nan
    assert_same(value_of(case.make(), labels, y_pred, weights), expected, rtol=1e-5)
    assert_same(value_of(case.make(), labels, y_pred, weights > 0), expected, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ignored", [255, -1, 2])
def test_ignored_samples_do_not_count(name, ignored):
    labels, y_pred = CLASSES.batch()
    labels[labels == 2] = ignored
    kept = labels != ignored
    expected = value_of(make(name), labels[kept], y_pred[kept])
    metric = make(name, ignore_class=ignored)
    assert_same(value_of(metric, labels, y_pred), expected, rtol=1e-5)


@EVERY_CASE
def test_mask_of_the_model_is_applied(case):
    labels, y_pred = case.batch((3, 4))
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
    metric = case.make()
    metric.update_state(labels, model(tokens))
    expected = value_of(case.make(), labels[mask], y_pred[mask])
    assert_same(to_float(metric.result()), expected, rtol=1e-5)


@EVERY_CASE
def test_without_samples_the_result_is_nan(case):
    result = to_float(case.make().result())
    for value in result.values() if isinstance(result, dict) else [result]:
        assert np.isnan(value).all()


@EVERY_CASE
def test_half_precision_predictions(case):
    labels, y_pred = case.batch()
    half = y_pred.astype("float16")
    result = value_of(case.make(), labels, half)
    assert_same(result, value_of(case.make(), labels, half.astype("float32")))


@EVERY_CASE
def test_counts_are_exact_beyond_float32(case):
    """A float32 total stands still at 2^24: the last samples would not count."""
    metric = case.make()
    labels, right = case.batch((1,))
    update = compiled_update(metric)
    for _ in range(8):
        update(labels, right, np.array([2.0**24 - 1], "float32"))
    for _ in range(21):
        update(labels, right, np.array([1.0], "float32"))
    samples = metric._samples
    total = sum(
        keras.ops.convert_to_numpy(part).astype("float64").sum()
        for part in (samples._total, samples._rounded_away)
    )
    # Each label, and each class that is held against the rest, counts them all.
    times = K if case.form == "labels" else 1
    if (case.name, case.form) == ("AveragePrecision", "classes"):
        times = K
    elif (case.name, case.form) == ("AveragePrecision", "column"):
        times = 2
    assert total == times * (8 * (2.0**24 - 1) + 21)


@EVERY_CASE
@pytest.mark.parametrize("form", ["integers", "floats", "one-hot"])
def test_compiled_equals_eager(case, form):
    labels, y_pred = case.batch()
    weights = np.linspace(0, 2, len(labels)).astype("float32")
    expected = value_of(case.make(), labels, y_pred, weights)
    metric = case.make()
    if form == "floats":
        labels = labels.astype("float32")
    elif form == "one-hot" and case.form == "classes":
        labels = np.eye(K, dtype="float32")[labels]
    elif form == "one-hot":
        pytest.skip("targets of yes or no have no column for no")
    compiled_update(metric)(labels, y_pred, weights)
    assert_same(to_float(metric.result()), expected, rtol=1e-5)


@pytest.mark.tensorflow_only
@EVERY_CASE
def test_graph_with_unknown_batch_size(case):
    import tensorflow as tf

    labels, y_pred = case.batch()
    metric = case.make()
    update = tf.function(
        metric.update_state,
        input_signature=[
            tf.TensorSpec([None, *labels.shape[1:]], tf.int64),
            tf.TensorSpec([None, case.num_columns], tf.float32),
        ],
    )
    update(labels[:10], y_pred[:10])
    update(labels[10:], y_pred[10:])
    expected = value_of(case.make(), labels, y_pred)
    assert_same(to_float(metric.result()), expected, rtol=1e-5)


def test_old_keras_does_not_add_up_over_replicas(monkeypatch):
    monkeypatch.setattr(exact_sum, "METRICS_ADD_UP_OVER_REPLICAS", False)
    keras_ccar.PerClassRecall(3)
    monkeypatch.setattr(exact_sum, "strategy_size", lambda: 2)
    told = r"several replicas of tf.distribute needs Keras 3.10 or newer.*2 replicas"
    with pytest.raises(NotImplementedError, match=told):
        keras_ccar.PerClassRecall(3)


@pytest.mark.tensorflow_only
@EVERY_CASE
def test_replicas_add_up(case):
    import tensorflow as tf

    labels, y_pred = case.batch()
    expected = value_of(case.make(), labels, y_pred)
    cpu = tf.config.list_logical_devices("CPU")[0].name
    with tf.distribute.MirroredStrategy([cpu]).scope():
        metric = case.make()
        strategy = tf.distribute.get_strategy()
        strategy.run(tf.function(metric.update_state), args=(labels, y_pred))
        assert_same(to_float(metric.result()), expected, rtol=1e-5)
        metric.reset_state()
    assert all(not np.any(v.numpy()) for v in metric.variables)


@EVERY_CASE
def test_invalid_label_is_an_error(case):
    labels, y_pred = case.batch()
    labels[3] = K
    message = (
        r"`y_true` .*\[0, 4\)" if case.form == "classes" else r"`y_true` .*\[0, 1\]"
    )
    with pytest.raises(ValueError, match=message):
        case.make().update_state(labels, y_pred)


@EVERY_CASE
def test_invalid_label_in_a_compiled_step_is_nan(case):
    if keras.backend.backend() == "torch":
        pytest.skip("the step is not compiled on torch: it raises")
    labels, y_pred = case.batch()
    labels[3] = K
    metric = case.make()
    compiled_update(metric)(labels, y_pred)
    assert has_nan(metric.result())


@EVERY_CASE
def test_shapes_that_do_not_fit_are_named(case):
    labels, y_pred = case.batch()
    shape = rf".*\(30, {case.num_columns}\)"
    with pytest.raises(ValueError, match=rf"y_true.*\(29, ?{shape}"):
        case.make().update_state(labels[:29], y_pred)
    with pytest.raises(ValueError, match=rf"y_true.*\(30, 3\){shape}"):
        case.make().update_state(np.zeros((30, 3)), y_pred)
    with pytest.raises(ValueError, match=r"sample_weight.*\(29,\).*\(30,"):
        case.make().update_state(labels, y_pred, np.ones(29))


@pytest.mark.parametrize("name", [n for n in NAMES if "Calibration" not in n])
def test_wrong_number_of_classes_is_named(name):
    with pytest.raises(ValueError, match=r"4 c(lasse|ount)s.*\(30, 5\)"):
        make(name).update_state(np.zeros(30), np.ones((30, 5)))


@EVERY_CASE
def test_config(case):
    options = {**OPTIONS[case.form], **OTHERS.get(case.name, {})}
    metric = case.make(**options, name="mine", dtype="float16")
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(metric)))
    assert config["registered_name"] == f"keras_ccar>{case.name}"
    restored = keras.saving.deserialize_keras_object(config)
    assert type(restored) is type(metric)
    # As text, in which NaN equals NaN.
    assert json.dumps(restored.get_config()) == json.dumps(metric.get_config())
    arguments = inspect.signature(type(metric)).parameters
    assert set(metric.get_config()) == set(arguments)
    labels, y_pred = case.batch()
    labels %= 2
    y_pred = y_pred - 0.5 if metric.from_logits else y_pred
    assert_same(value_of(restored, labels, y_pred), value_of(metric, labels, y_pred))


@pytest.mark.slow
@EVERY_CASE
def test_fit_logs_what_evaluate_says(case, tmp_path, capsys):
    labels, _ = case.batch()
    x = np.random.default_rng(1).normal(size=(30, 3)).astype("float32")
    model = model_of(case)
    model.compile(
        "sgd",
        case.loss,
        metrics=[case.make()],
        weighted_metrics=[case.make(name="weighted")],
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
    expected = to_float(case.make()(labels, model.predict(x, verbose=0)))
    if not isinstance(expected, dict):
        expected = {case.make().name: expected}
    for key, value in expected.items():
        np.testing.assert_allclose(evaluated[key], value, rtol=1e-5)
        np.testing.assert_allclose(history[f"val_{key}"][-1], value, rtol=1e-5)
        assert len(history[key]) == 2
    shown = capsys.readouterr().out
    assert all(f" - val_{key}: " in shown for key in expected)
    assert len(csv.read_text().splitlines()) == 3


@EVERY_CASE
def test_compiled_model_with_metric_loads_again(case, tmp_path):
    labels, _ = case.batch()
    x = np.random.default_rng(1).normal(size=(30, 3)).astype("float32")
    model = model_of(case)
    model.compile("sgd", case.loss, metrics=[case.make()])
    before = model.evaluate(x, labels, verbose=0, return_dict=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    after = loaded.evaluate(x, labels, verbose=0, return_dict=True)
    assert list(after) == list(before)
    for key in before:
        np.testing.assert_allclose(after[key], before[key], rtol=1e-5)
