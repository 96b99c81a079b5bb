import json

import keras
import numpy as np
import oracles
import pytest
from compiled import MODES, value_and_gradient
from keras import ops

import keras_ccar
from keras_ccar.adjustments import LogitAdjustment

COUNTS = [500, 100, 50, 20, 5]
FORMS = ("exponential", "power", "information", "inverse")


def batch(rank, soft=False, seed=0):
    rng = np.random.default_rng(seed)
    shape = (6, 3, 4)[: rank - 1]
    logits = rng.normal(scale=3, size=(*shape, 5)).astype("float32")
    labels = rng.integers(0, 5, shape)
    if soft:
        other = rng.integers(0, 5, shape)
        share = rng.uniform(size=(*shape, 1))
        labels = share * np.eye(5)[labels] + (1 - share) * np.eye(5)[other]
    return labels, logits


def weigh(form):
    return lambda p, f: oracles.ccar_weight(p, f, form=form, counts=COUNTS)


def assert_close(actual, expected, case):
    """Within 1e-5 relative, of the largest where terms cancel."""
    scale = np.abs(expected).max()
    np.testing.assert_allclose(
        actual, expected, rtol=1e-5, atol=1e-6 * scale, err_msg=str(case)
    )


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("rank", [2, 3, 4])
@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("tau", [0.0, 1.0])
def test_loss_and_gradient_equal_oracle(mode, form, rank, soft, tau):
    labels, logits = batch(rank, soft)
    adjustment = LogitAdjustment(tau) if tau else None
    loss = keras_ccar.CCARLoss(
        COUNTS, form=form, adjustment=adjustment, from_logits=True, reduction=None
    )
    actual = value_and_gradient(lambda z: loss(labels, z), logits, mode)
    expected = oracles.loss_and_gradient(labels, logits, COUNTS, weigh(form), tau)
    assert actual[0].shape == labels.shape[: rank - 1]
    assert_close(actual[0], expected[0], "loss")
    assert_close(actual[1], expected[1], "gradient")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("soft", [False, True])
def test_frequency_relative_to_the_largest_class_equals_oracle(mode, form, soft):
    labels, logits = batch(3, soft)
    loss = keras_ccar.CCARLoss(
        COUNTS,
        form=form,
        frequency_scale="largest",
        from_logits=True,
        reduction=None,
    )
    actual = value_and_gradient(lambda z: loss(labels, z), logits, mode)
    largest = max(COUNTS) / sum(COUNTS)
    expected = oracles.loss_and_gradient(
        labels, logits, COUNTS, lambda p, f: weigh(form)(p, f / largest)
    )
    assert_close(actual[0], expected[0], "loss")
    assert_close(actual[1], expected[1], "gradient")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("soft", [False, True])
def test_probabilities_equal_oracle(mode, soft):
    labels, logits = batch(3, soft)
    probabilities = oracles.softmax(logits.astype("float64")).astype("float32")
    loss = keras_ccar.CCARLoss(COUNTS, reduction=None)
    value, gradient = value_and_gradient(lambda p: loss(labels, p), probabilities, mode)
    z = np.log(probabilities.astype("float64"))
    expected = oracles.loss_and_gradient(labels, z, COUNTS, weigh("exponential"))
    assert_close(value, expected[0], "loss")
    if not soft:
        assert_close(gradient, expected[1] / probabilities, "gradient")


@pytest.mark.parametrize("from_logits", [True, False])
def test_strength_0_is_keras_crossentropy(from_logits):
    labels, predictions = batch(3)
    if not from_logits:
        predictions = oracles.softmax(predictions)
    ours = keras_ccar.CCARLoss(COUNTS, strength=0, from_logits=from_logits)
    theirs = keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits)
    np.testing.assert_allclose(
        ops.convert_to_numpy(ours(labels, predictions)),
        ops.convert_to_numpy(theirs(labels, predictions)),
        rtol=5e-7,
    )


def test_one_hot_equals_sparse():
    labels, logits = batch(4)
    loss = keras_ccar.CCARLoss(COUNTS, from_logits=True, reduction=None)
    np.testing.assert_allclose(
        ops.convert_to_numpy(loss(np.eye(5)[labels], logits)),
        ops.convert_to_numpy(loss(labels, logits)),
        rtol=2e-6,
        # Only one of the two paths rounds the total of the softmax, which is above 1.
        atol=2 * np.finfo("float32").eps,
    )


@pytest.mark.parametrize("mode", MODES)
def test_differentiated_weight(mode):
    labels, logits = batch(2)

    def total(z):
        rows = np.arange(len(labels))
        p = oracles.softmax(z)[rows, labels]
        f = np.asarray(COUNTS)[labels] / np.sum(COUNTS)
        return (oracles.ccar_weight(p, f) * -np.log(p)).sum()

    z = logits.astype("float64")
    expected = np.zeros_like(z)
    for index in np.ndindex(z.shape):
        step = np.zeros_like(z)
        step[index] = 1e-6
        expected[index] = (total(z + step) - total(z - step)) / 2e-6
    loss = keras_ccar.CCARLoss(
        COUNTS, from_logits=True, differentiate_weight=True, reduction="sum"
    )
    _, gradient = value_and_gradient(lambda z: loss(labels, z), logits, mode)
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_normalize_divides_by_mean_weight_of_batch(soft, smoothing):
    labels, logits = batch(2, soft)
    plain, normalized = (
        keras_ccar.CCARLoss(
            COUNTS,
            from_logits=True,
            reduction=None,
            normalize=normalize,
            label_smoothing=smoothing,
        )
        for normalize in (False, True)
    )
    y = labels if soft else np.eye(5)[labels]
    y = (1 - smoothing) * y + smoothing / 5
    f = np.broadcast_to(np.array(COUNTS) / np.sum(COUNTS), y.shape)
    weight = oracles.ccar_weight(oracles.softmax(logits.astype("float64")), f)
    mean = (y * weight).sum() / len(y)
    np.testing.assert_allclose(
        ops.convert_to_numpy(normalized(labels, logits)),
        ops.convert_to_numpy(plain(labels, logits)) / mean,
        rtol=1e-5,
    )


def test_normalize_leaves_out_ignored_samples():
    labels, logits = batch(2)
    loss = keras_ccar.CCARLoss(
        COUNTS, from_logits=True, reduction="sum", normalize=True, ignore_class=255
    )
    expected = ops.convert_to_numpy(loss(labels[:3], logits[:3]))
    by_weight = loss(labels, logits, sample_weight=[1, 1, 1, 0, 0, 0])
    by_class = loss([*labels[:3], 255, 255, 255], logits)
    np.testing.assert_allclose(ops.convert_to_numpy(by_weight), expected, rtol=1e-6)
    np.testing.assert_allclose(ops.convert_to_numpy(by_class), expected, rtol=1e-6)


def test_config_round_trip_of_every_argument():
    arguments = {
        "class_counts": [500, 100, 20],
        "pivot": 0.5,
        "strength": 2.0,
        "form": "power",
        "adjustment": LogitAdjustment(0.5, smoothing=1.0),
        "normalize": True,
        "differentiate_weight": True,
        "from_logits": True,
        "label_smoothing": 0.1,
        "ignore_class": 255,
        "axis": 1,
        "reduction": "sum",
        "name": "mine",
        "dtype": "bfloat16",
        "frequency_scale": "largest",
    }
    config = json.loads(json.dumps(keras_ccar.CCARLoss(**arguments).get_config()))
    copy = keras_ccar.CCARLoss.from_config(config)
    assert copy.get_config() == config
    assert set(config) == set(arguments)
    assert copy.adjustment.get_config() == arguments.pop("adjustment").get_config()
    for name in arguments:
        assert config[name] == arguments[name], name


def test_serialises_under_the_package_name():
    loss = keras_ccar.CCARLoss([3, 1])
    serialised = keras.saving.serialize_keras_object(loss)
    assert serialised["registered_name"] == "keras_ccar>CCARLoss"
    copy = keras.losses.get(serialised)
    assert copy.get_config() == loss.get_config()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pivot": 0}, "`pivot`"),
        ({"pivot": 1.1}, "`pivot`"),
        ({"form": "cubic"}, "`form` .*'cubic'"),
        ({"strength": -0.5}, "`strength`"),
        ({"label_smoothing": 2}, "`label_smoothing`"),
        ({"class_counts": [3, -1]}, "`class_counts`"),
        ({"class_counts": [0, 0]}, "`class_counts`"),
        ({"class_counts": [[1, 2]]}, "`class_counts`"),
        ({"class_counts": [1, float("nan")]}, "`class_counts`"),
        ({"class_counts": [3, 0], "adjustment": LogitAdjustment()}, "smoothing=1"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        keras_ccar.CCARLoss(**{"class_counts": [3, 1], **arguments})


def test_a_label_beyond_float32():
    with pytest.raises(ValueError, match="`y_true`"):
        keras_ccar.CCARLoss([5, 5])(np.array([1e300, 0.0]), [[0.5, 0.5], [0.5, 0.5]])
