import keras
import numpy as np
import oracles
import pytest
from compiled import MODES, value_and_gradient
from keras import ops

import keras_ccar
from keras_ccar import LongTailedCrossentropy

COUNTS = [500, 100, 50, 20, 5]
RNG = np.random.default_rng(0)
LOGITS = RNG.normal(scale=3, size=(8, 5)).astype("float32")
LABELS = RNG.integers(0, 5, 8)


def numpy(x):
    return ops.convert_to_numpy(x)


def crossentropy(**arguments):
    return LongTailedCrossentropy(
        COUNTS, from_logits=True, **{"reduction": None, **arguments}
    )


@keras.saving.register_keras_serializable(package="tests")
def confidence_times_frequency(p_t, f_c):
    return p_t * f_c


@pytest.mark.parametrize(
    "dtype", ["int8", "uint8", "int32", "int64", "float32", "float64"]
)
@pytest.mark.parametrize("column", [False, True])
def test_labels_of_any_dtype(dtype, column):
    labels = LABELS.astype(dtype)[:, None] if column else LABELS.astype(dtype)
    expected, _ = oracles.loss_and_gradient(LABELS, LOGITS, COUNTS)
    np.testing.assert_allclose(numpy(crossentropy()(labels, LOGITS)), expected, 1e-5)


def test_python_lists():
    loss = crossentropy()([0, 4], [[2.0, 1, 0, 0, 0], [0.0, 0, 0, 0, 1]])
    assert loss.shape == (2,)


@pytest.mark.parametrize("mode", MODES)
def test_callable_weighting(mode):
    loss = crossentropy(weighting=confidence_times_frequency)
    actual = value_and_gradient(lambda z: loss(LABELS, z), LOGITS, mode)
    expected = oracles.loss_and_gradient(LABELS, LOGITS, COUNTS, np.multiply)
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sparse", [True, False])
def test_label_smoothing(mode, sparse):
    loss = crossentropy(weighting=oracle_free_weight, label_smoothing=0.2)
    labels = LABELS if sparse else np.eye(5)[LABELS]
    actual = value_and_gradient(lambda z: loss(labels, z), LOGITS, mode)
    expected = oracles.loss_and_gradient(
        labels, LOGITS, COUNTS, lambda p, f: (1 - p) * (2 - f), smoothing=0.2
    )
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-5, atol=1e-6)


@keras.saving.register_keras_serializable(package="tests")
def oracle_free_weight(p_t, f_c):
    return (1 - p_t) * (2 - f_c)


@pytest.mark.parametrize("axis", [1, 2, -2])
def test_class_axis(axis):
    logits = RNG.normal(size=(4, 3, 2, 5)).astype("float32")
    labels = RNG.integers(0, 5, (4, 3, 2))
    loss = crossentropy(axis=axis)
    moved = np.moveaxis(logits, -1, axis)
    expected, _ = oracles.loss_and_gradient(labels, logits, COUNTS)
    np.testing.assert_allclose(numpy(loss(labels, moved)), expected, rtol=1e-5)
    for with_axis in (labels[..., None], np.eye(5)[labels]):
        actual = loss(np.moveaxis(with_axis, -1, axis), moved)
        np.testing.assert_allclose(numpy(actual), expected, rtol=1e-5)


@pytest.mark.parametrize("ignore_class", [255, -1, 2])
def test_ignored_class_has_no_loss_and_is_not_averaged(ignore_class):
    labels = LABELS.copy()
    labels[ignore_class == LABELS] = 0
    labels[:3] = ignore_class
    per_sample = numpy(crossentropy(ignore_class=ignore_class)(labels, LOGITS))
    assert (per_sample[:3] == 0).all()
    mean = crossentropy(ignore_class=ignore_class, reduction="sum_over_batch_size")
    theirs = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, ignore_class=ignore_class
    )
    np.testing.assert_allclose(
        numpy(mean(labels, LOGITS)), numpy(theirs(labels, LOGITS)), rtol=1e-6
    )


@pytest.mark.parametrize("reduction", ["sum", "sum_over_batch_size", "mean", None])
@pytest.mark.parametrize("weighted", [False, True])
def test_reduction_is_keras(reduction, weighted):
    weights = RNG.uniform(size=8) if weighted else None
    ours = crossentropy(reduction=reduction)
    theirs = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, reduction=reduction
    )
    np.testing.assert_allclose(
        numpy(ours(LABELS, LOGITS, weights)),
        numpy(theirs(LABELS, LOGITS, weights)),
        rtol=1e-6,
    )


def test_sample_weights_of_lower_rank_belong_to_whole_samples():
    # As many steps as samples: a wrong broadcast would go unnoticed.
    logits = RNG.normal(size=(4, 4, 5)).astype("float32")
    labels = RNG.integers(0, 5, (4, 4))
    weights = np.array([1.0, 2, 0, 4])
    per_sample = numpy(crossentropy()(labels, logits))
    actual = crossentropy(reduction="sum")(labels, logits, weights)
    expected = (per_sample * weights[:, None]).sum()
    np.testing.assert_allclose(numpy(actual), expected, rtol=1e-6)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("value", [1e4, 1e30])
def test_extreme_logits_stay_finite(mode, soft, value):
    logits = np.float32([[value, -value, 0, 0, 0], [-value, value, 0, 0, 0]])
    labels = np.eye(5)[[1, 1]] if soft else np.array([1, 1])
    loss = crossentropy(
        weighting=keras_ccar.weightings.CCARWeighting(),
        adjustment=keras_ccar.adjustments.LogitAdjustment(),
    )
    loss, gradient = value_and_gradient(lambda z: loss(labels, z), logits, mode)
    assert np.isfinite(loss).all()
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("mode", MODES)
def test_probabilities_0_and_1_stay_finite(mode):
    loss = LongTailedCrossentropy(COUNTS, keras_ccar.weightings.CCARWeighting())
    probabilities = np.eye(5, dtype="float32")[[0, 0]]
    loss, gradient = value_and_gradient(lambda p: loss([0, 1], p), probabilities, mode)
    assert np.isfinite(loss).all()
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("mode", MODES)
def test_confident_mistake_still_learns_from_probabilities(mode):
    loss = LongTailedCrossentropy(COUNTS)
    logits = np.float32([[40, 0, 0, 0, 0]])  # p_t of about 4e-18

    def through_softmax(z):
        return loss(np.array([1]), ops.softmax(z))

    _, gradient = value_and_gradient(through_softmax, logits, mode)
    np.testing.assert_allclose(gradient[0, :2], [1, -1], rtol=1e-4)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_computes_in_float32(dtype):
    num_classes = 1000
    logits = RNG.normal(size=(16, num_classes)).astype("float32")
    labels = np.arange(984, 1000)  # bfloat16 holds none of the odd ones
    loss = LongTailedCrossentropy(
        np.ones(num_classes), from_logits=True, dtype=dtype, reduction=None
    )
    half = ops.cast(logits, dtype)
    expected, _ = oracles.loss_and_gradient(
        labels, numpy(ops.cast(half, "float32")), np.ones(num_classes)
    )
    actual = loss(labels, half)
    assert keras.backend.standardize_dtype(actual.dtype) == "float32"
    np.testing.assert_allclose(numpy(actual), expected, rtol=1e-5)


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "eager"])
@pytest.mark.parametrize("label", [5, -1, 1.5])
def test_invalid_label_makes_a_compiled_loss_nan(mode, label):
    loss = crossentropy()

    def labels_are_traced(z):
        return loss(ops.cast(z[:, 0] * 0 + label, "float32"), z)

    loss, _ = value_and_gradient(labels_are_traced, LOGITS, mode)
    assert np.isnan(loss).all()


@pytest.mark.parametrize(
    ("labels", "predictions", "message"),
    [
        (LABELS[:3], LOGITS, r"`y_true` must be .*\(3,\).*\(8, 5\)"),
        (np.zeros((8, 4)), LOGITS, r"`y_true` must be .*\(8, 4\).*\(8, 5\)"),
        (np.zeros((8, 1, 1)), LOGITS, r"`y_true` must be .*\(8, 1, 1\).*\(8, 5\)"),
        (LABELS, LOGITS[:, :4], r"`class_counts` .*5 counts.*\(8, 4\)"),
        (LABELS, LOGITS[:, 0], r"`class_counts` .*\(8,\)"),
        (LABELS + 5, LOGITS, r"`y_true` must hold integer labels in \[0, 5\)"),
        (LABELS - 5, LOGITS, r"`y_true` must hold integer labels"),
        (LABELS + 0.5, LOGITS, r"`y_true` must hold integer labels"),
        (np.full((8, 5), -0.2), LOGITS, r"`y_true` must hold label distributions"),
        (np.full((8, 5), np.nan), LOGITS, r"`y_true` must hold label distributions"),
    ],
)
def test_bad_labels(labels, predictions, message):
    with pytest.raises(ValueError, match=message):
        crossentropy()(labels, predictions)


def test_logits_where_probabilities_are_expected():
    with pytest.raises(ValueError, match=r"`y_pred` .*pass `from_logits=True`"):
        LongTailedCrossentropy(COUNTS)(LABELS, LOGITS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"axis": "last"}, "`axis` must be a whole number"),
        ({"axis": 2}, r"`axis` must be the class axis .*axis=2, y_pred.shape=\(8, 5\)"),
        ({"ignore_class": 1.5}, "`ignore_class` must be a whole number"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        crossentropy(**arguments)(LABELS, LOGITS)


def test_softmax_of_one_class():
    with pytest.raises(ValueError, match=r"two classes or more.*BinaryFocalLoss"):
        keras_ccar.FocalLoss(from_logits=True)([[1.0]], [[0.3]])


def test_labels_beyond_32_bits():
    with pytest.raises(ValueError, match="`y_true` must hold integers of 32 bits"):
        crossentropy()(LABELS + 2**32, LOGITS)


def test_classes_that_are_on_another_axis():
    logits = RNG.normal(size=(4, 5, 3)).astype("float32")
    labels = RNG.integers(0, 5, (4, 3))
    with pytest.raises(ValueError, match=r"5 counts.*\(4, 5, 3\).*pass `axis=1`"):
        crossentropy()(labels, logits)
    assert crossentropy(axis=1)(labels, logits).shape == (4, 3)
    focal = keras_ccar.FocalLoss(from_logits=True)
    with pytest.raises(ValueError, match=r"`y_true` .*\(4, 5, 3\).*pass `axis=1`"):
        focal(labels, logits)


def test_softmax_of_one_class_with_the_counts_of_two():
    with pytest.raises(ValueError, match=r"two classes or more.*BinaryCCARLoss"):
        keras_ccar.CCARLoss([997, 3], from_logits=True)([[1.0]], [[0.3]])


@pytest.mark.tensorflow_only
def test_labels_of_unknown_rank():
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec(None)])
    def traced(labels):
        return crossentropy()(labels, LOGITS)

    with pytest.raises(ValueError, match="`y_true` must have a known rank"):
        traced(LABELS.astype("float32"))


@pytest.mark.tensorflow_only
def test_unknown_batch_and_image_sizes():
    import tensorflow as tf

    loss = crossentropy()
    signature = [tf.TensorSpec([None, None, None]), tf.TensorSpec([None] * 3 + [5])]
    traced = tf.function(loss, input_signature=signature)
    logits = RNG.normal(size=(2, 3, 4, 5)).astype("float32")
    labels = RNG.integers(0, 5, (2, 3, 4)).astype("float32")
    np.testing.assert_allclose(
        numpy(traced(labels, logits)), numpy(loss(labels, logits)), rtol=1e-6
    )


def test_class_counts_as_dict_and_of_any_kind():
    loss = LongTailedCrossentropy({0: 3, 2: 1.5})
    assert loss.class_counts == [3, 0, 1.5]
    assert loss.num_classes == 3


def test_serialised_weighting_and_adjustment():
    loss = crossentropy(
        weighting=keras_ccar.weightings.CCARWeighting(form="power"),
        adjustment=keras_ccar.adjustments.LogitAdjustment(2.0),
    )
    copy = LongTailedCrossentropy.from_config(loss.get_config())
    np.testing.assert_array_equal(
        numpy(copy(LABELS, LOGITS)), numpy(loss(LABELS, LOGITS))
    )


def test_ignored_samples_of_weight_0_are_not_averaged_either():
    labels = LABELS.copy()
    labels[:3] = 255
    weights = np.where(np.arange(len(labels)) < 3, 0.0, 2.0)
    mean = crossentropy(ignore_class=255, reduction="sum_over_batch_size")
    keras_loss = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, ignore_class=255
    )
    np.testing.assert_allclose(
        numpy(mean(labels, LOGITS, weights)),
        numpy(keras_loss(labels, LOGITS, weights)),
        rtol=1e-5,
    )
