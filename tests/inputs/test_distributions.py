"""Rows of label distributions, as losses read them."""

import keras
import numpy as np
import oracles
import pytest
from compiled import MODES, value_and_gradient
from keras import ops

import keras_ccar

COUNTS = [500, 100, 20, 5]
K = len(COUNTS)
RNG = np.random.default_rng(0)
LOGITS = RNG.normal(scale=2, size=(6, K)).astype("float32")
LABELS = np.array([0, 1, 2, 3, 1, 0])
COMPILED = [mode for mode in MODES if mode != "eager"]


def loss(**arguments):
    arguments.setdefault("reduction", None)
    return keras_ccar.CCARLoss(COUNTS, from_logits=True, **arguments)


def numpy(x):
    return ops.convert_to_numpy(x)


def one_hot(labels=LABELS):
    """A label that is no class becomes a row of zeros, as in `keras.ops.one_hot`."""
    return (labels[..., None] == np.arange(K)).astype("float32")


def oracle(rows, logits=LOGITS):
    """The loss of each row, in float64."""
    return oracles.loss_and_gradient(rows, logits, COUNTS, oracles.ccar_weight)[0]


def with_row(row):
    rows = one_hot()
    rows[2] = row
    return rows


WRONG = {
    "several ones": ([1, 0, 1, 0], r"1 in class 0, 1 in class 2\. For tags.*Binary"),
    "all ones": ([1, 1, 1, 1], "classes exclude each other"),
    "zeros": ([0, 0, 0, 0], "a row of zeros.*`ignore_class`.*`sample_weight`"),
    "too little": ([0.5, 0.2, 0, 0], r"sums to 0\.7\. Divide every row by its sum"),
    "too much": ([1, 0.05, 0, 0], r"sums to 1\.05"),
    "a count": ([0, 3, 0, 0], "sums to 3"),
    "negative": ([1.2, -0.2, 0, 0], "finite numbers of at least 0"),
    "NaN": ([float("nan"), 0, 1, 0], "finite numbers of at least 0"),
    "infinite": ([float("inf"), 0, 0, 0], "finite numbers of at least 0"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_row_is_an_error(case):
    row, message = WRONG[case]
    with pytest.raises(ValueError, match="`y_true` must hold label distr.*" + message):
        loss()(with_row(row), LOGITS)


@pytest.mark.slow
@pytest.mark.parametrize("mode", COMPILED)
@pytest.mark.parametrize("case", WRONG)
def test_wrong_row_in_a_compiled_step_is_nan(mode, case):
    rows = with_row(WRONG[case][0])
    losses, _ = value_and_gradient(lambda y: loss()(y, LOGITS), rows, mode)
    assert np.isnan(losses).tolist() == [False, False, True, False, False, False]


def test_tags_are_told_from_rows_without_a_label():
    tags = np.array([[0, 0, 0, 0], [0, 1, 0, 0], [0, 1, 1, 0]])
    with pytest.raises(ValueError, match=r"1 in class 1, 1 in class 2\. For tags"):
        loss()(tags, LOGITS[:3])


@pytest.mark.parametrize("ignored", [-1, 2])
@pytest.mark.parametrize("row", [[1, -1, 0, 0], [1.2, -0.2, 0, 0], [0, -0.2, 1.2, 0]])
def test_negative_rows_are_not_taken_for_ignored_ones(row, ignored):
    rows = one_hot()
    rows[0] = row
    with pytest.raises(ValueError, match="finite numbers of at least 0"):
        loss(ignore_class=ignored)(rows, LOGITS)
    for mode in COMPILED:
        losses, _ = value_and_gradient(
            lambda y: loss(ignore_class=ignored)(y, LOGITS), rows, mode
        )
        assert np.isnan(losses[0])


def test_advice_for_tags():
    tags = with_row([1, 0, 1, 0])
    binary = keras_ccar.BinaryCCARLoss(COUNTS, sum(COUNTS), from_logits=True)
    assert np.isfinite(numpy(binary(tags, LOGITS)))


@pytest.mark.parametrize("arguments", [{}, {"label_smoothing": 0.1}])
@pytest.mark.parametrize("ignored", [-1, 255, 1])
def test_rows_of_zeros_are_ignored_where_a_class_is(ignored, arguments):
    labels = np.where(ignored == LABELS, 0, LABELS)
    labels[[0, 3]] = 255  # `one_hot` makes zeros of it
    ignoring = loss(ignore_class=ignored, **arguments)
    losses = numpy(ignoring(one_hot(labels), LOGITS))
    kept = labels != 255
    assert (losses[~kept] == 0).all()
    plain = loss(**arguments)(one_hot(labels[kept]), LOGITS[kept])
    np.testing.assert_allclose(losses[kept], numpy(plain), rtol=1e-5)
    if not arguments:
        expected = oracle(one_hot(labels))
        np.testing.assert_allclose(losses, expected, rtol=1e-5)
    mean = loss(ignore_class=ignored, reduction="sum_over_batch_size", **arguments)
    expected = numpy(plain).mean()
    np.testing.assert_allclose(
        numpy(mean(one_hot(labels), LOGITS)), expected, rtol=1e-5
    )


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("normalize", [False, True])
def test_row_with_its_mass_on_the_ignored_class(mode, normalize):
    arguments = {"normalize": normalize, "reduction": "sum_over_batch_size"}
    soft = np.roll(one_hot(), 1, -1) * 0.3 + one_hot() * 0.7
    soft[(one_hot() * [0, 1, 0, 0]).any(-1) | (soft[:, 1] > 0)] = [0, 1, 0, 0]
    kept = soft[:, 1] == 0
    assert 0 < kept.sum() < 6
    ignoring = loss(ignore_class=1, **arguments)
    actual, gradient = value_and_gradient(lambda z: ignoring(soft, z), LOGITS, mode)
    expected, direction = value_and_gradient(
        lambda z: loss(**arguments)(soft[kept], z), LOGITS[kept], mode
    )
    np.testing.assert_allclose(actual, expected, rtol=1e-5)
    np.testing.assert_allclose(gradient[kept], direction, rtol=1e-4, atol=1e-6)
    assert (gradient[~kept] == 0).all()


@pytest.mark.parametrize("part", [0.3, 0.004])
def test_part_of_the_mass_on_the_ignored_class(part):
    rows = with_row([0, part, 1 - part, 0])
    message = "all of their mass or none on the `ignore_class` 1.*`sample_weight`"
    with pytest.raises(ValueError, match=message):
        loss(ignore_class=1)(rows, LOGITS)
    for mode in COMPILED:
        losses, _ = value_and_gradient(
            lambda y: loss(ignore_class=1)(y, LOGITS), rows, mode
        )
        assert np.isnan(losses).tolist() == [i == 2 for i in range(6)]
    # As the message says.
    weights = np.array([1, 1, 0, 1, 1, 1])
    assert np.isfinite(numpy(loss(ignore_class=1)(rows, LOGITS, weights))).all()
    rows[2] = [0, 0, 1, 0]
    assert np.isfinite(numpy(loss(ignore_class=1)(rows, LOGITS))).all()


@pytest.mark.parametrize("mode", [MODES[0], MODES[-1]])
@pytest.mark.parametrize("case", ["several ones", "zeros", "NaN"])
@pytest.mark.parametrize("how", ["weight", "mask"])
@pytest.mark.parametrize("arguments", [{}, {"label_smoothing": 0.1, "normalize": True}])
def test_rows_that_are_left_out_may_be_anything(mode, case, how, arguments):
    from keras.src.backend import set_keras_mask

    rows = with_row(WRONG[case][0])
    kept = np.array([1, 1, 0, 1, 1, 1])

    def left_out(z):
        if how == "weight":
            return loss(reduction="sum", **arguments)(rows, z, kept)
        z = ops.copy(z)
        set_keras_mask(z, ops.convert_to_tensor(kept.astype(bool)))
        return loss(reduction="sum", **arguments)(rows, z)

    value, gradient = value_and_gradient(left_out, LOGITS, mode)
    expected, direction = value_and_gradient(
        lambda z: loss(reduction="sum", **arguments)(rows[kept == 1], z),
        LOGITS[kept == 1],
        mode,
    )
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    np.testing.assert_allclose(gradient[kept == 1], direction, rtol=1e-4, atol=1e-6)
    assert (gradient[2] == 0).all()


def test_weights_of_whole_samples_leave_out_all_of_their_pixels():
    labels = RNG.integers(0, K, (3, 2))
    logits = RNG.normal(size=(3, 2, K)).astype("float32")
    rows = one_hot(labels)
    rows[1] = np.nan
    weights = np.array([2.0, 0, 1])
    actual = numpy(loss(reduction="sum")(rows, logits, weights))
    expected = (oracle(one_hot(labels), logits) * weights[:, None]).sum()
    np.testing.assert_allclose(actual, expected, rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("num_classes", [3, 300])
def test_rounding_of_mixed_and_smoothed_rows_is_accepted(dtype, num_classes):
    labels = RNG.integers(0, num_classes, 50)
    rows = np.eye(num_classes)[labels]
    share = RNG.uniform(size=(50, 1))
    mixed = share * rows + (1 - share) * rows[::-1]
    smoothed = 0.9 * mixed + 0.1 / num_classes
    logits = RNG.normal(size=(50, num_classes)).astype("float32")
    plain = keras_ccar.LongTailedCrossentropy(
        np.ones(num_classes), from_logits=True, reduction=None
    )
    for exact in (mixed, smoothed):
        rounded = ops.cast(exact, dtype)
        for values in (rounded, numpy(ops.cast(rounded, "float32"))):
            actual = numpy(plain(values, logits))
            expected = plain(numpy(ops.cast(rounded, "float32")), logits)
            np.testing.assert_allclose(actual, numpy(expected), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "int64", "float64"])
def test_one_hot_of_any_dtype(dtype):
    losses = numpy(loss(ignore_class=2)(one_hot().astype(dtype), LOGITS))
    expected = oracle(one_hot() * [1, 1, 0, 1])
    np.testing.assert_allclose(losses, expected, rtol=1e-5)


@pytest.mark.parametrize("axis", [1, -2])
def test_rows_along_another_axis(axis):
    labels = RNG.integers(0, K, (2, K))  # as many steps as classes
    labels[0, 1] = 255
    logits = RNG.normal(size=(2, K, K)).astype("float32")
    rows = one_hot(labels)
    ignoring = loss(ignore_class=255, axis=axis)
    actual = ignoring(np.swapaxes(rows, 1, 2), np.swapaxes(logits, 1, 2))
    np.testing.assert_allclose(numpy(actual), oracle(rows, logits), rtol=1e-5)
    # Not moved, the columns of a row of one class have several ones.
    rows = one_hot(np.zeros((2, K), int))
    with pytest.raises(ValueError, match="`y_true` must hold label distributions"):
        ignoring(rows, np.swapaxes(logits, 1, 2))


def test_fit_with_rows_of_zeros_is_fit_with_the_ignored_label():
    x = RNG.normal(size=(40, 5)).astype("float32")
    labels = RNG.integers(0, K, 40)
    labels[::4] = 255
    histories, counts = [], []
    for y in (labels, one_hot(labels)):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(K)])
        model.compile(
            "sgd", keras_ccar.CCARLoss(COUNTS, from_logits=True, ignore_class=255)
        )
        callback = keras_ccar.CCARCallback()
        fitted = model.fit(
            x, y, epochs=2, batch_size=10, verbose=0, callbacks=[callback]
        )
        histories.append(fitted.history["loss"])
        counts.append(callback.statistics()["count"])
    np.testing.assert_allclose(histories[1], histories[0], rtol=1e-5)
    np.testing.assert_allclose(counts[1], np.bincount(labels[labels < K], minlength=K))
    np.testing.assert_allclose(counts[1], counts[0])


def test_multi_hot_labels_in_fit_make_the_loss_nan():
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(K)])
    model.compile("sgd", keras_ccar.CCARLoss(COUNTS, from_logits=True))
    arguments = {"x": np.ones((6, 5)), "y": with_row([1, 0, 1, 0]), "verbose": 0}
    if keras.backend.backend() == "torch":
        with pytest.raises(ValueError, match="For tags"):
            model.fit(**arguments)
        return
    assert np.isnan(model.fit(**arguments).history["loss"]).all()


@pytest.mark.tensorflow_only
def test_a_column_of_unknown_width_does_not_broadcast():
    import tensorflow as tf

    signature = [tf.TensorSpec([None, None]), tf.TensorSpec([None, K])]
    traced = tf.function(loss(), input_signature=signature)
    np.testing.assert_allclose(
        numpy(traced(one_hot(), LOGITS)), oracle(one_hot()), rtol=1e-5
    )
    with pytest.raises(tf.errors.InvalidArgumentError):
        traced(np.ones((6, 1), "float32"), LOGITS)
