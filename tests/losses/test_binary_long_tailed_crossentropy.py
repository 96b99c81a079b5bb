"""The engine of the sigmoid losses, and each named loss, against formulas in numpy."""

import keras
import numpy as np
import oracles
import pandas
import pytest
from compiled import MODES, value_and_gradient
from keras import ops

import keras_ccar
from keras_ccar.adjustments import LDAMMargin, LogitAdjustment
from keras_ccar.weightings import (
    AsymmetricFocal,
    CCARWeighting,
    EffectiveNumber,
    Focal,
    InverseFrequency,
)

POSITIVES = np.array([400, 30, 2])
NUM_EXAMPLES = 1000
F = np.stack([POSITIVES, NUM_EXAMPLES - POSITIVES]) / NUM_EXAMPLES
RNG = np.random.default_rng(0)
LOGITS = RNG.normal(scale=3, size=(50, 3)).astype("float32")
TARGETS = (RNG.uniform(size=LOGITS.shape) < 0.3).astype("float32")
SOFT = RNG.uniform(size=LOGITS.shape).astype("float32")


def crossentropy(y, z, weigh=lambda p, f: 1.0):
    """The loss and its gradient by z, with the weights as constants."""
    p = 1 / (1 + np.exp(-z))
    yes = y * weigh(p, F[0])
    no = (1 - y) * weigh(1 - p, F[1])
    loss = yes * np.log1p(np.exp(-z)) + no * np.log1p(np.exp(z))
    return loss, (yes + no) * p - yes


def log_odds():
    return np.log(F[0] / F[1])


def effective_number(beta=0.999):
    weights = (1 - beta) / (1 - beta ** (F * NUM_EXAMPLES))
    return weights / weights.sum(0) * 2


def ldam_margins():
    return 0.5 * (F.min(0) / F) ** 0.25


def of_side(values):
    """A weight that depends on the side alone, told by its frequency."""
    return lambda p, f: values[0] if np.array_equal(f, F[0]) else values[1]


def ldam(y, z):
    margins = ldam_margins()
    adjusted = 30 * (z - y * margins[0] + (1 - y) * margins[1])
    loss, gradient = crossentropy(y, adjusted)
    return loss, 30 * gradient


# A case: the loss, and the function of targets and logits that it must be.
CASES = {
    "plain": (
        {},
        lambda y, z: crossentropy(y, z),
    ),
    "logit adjustment": (
        {"adjustment": LogitAdjustment(1.5)},
        lambda y, z: crossentropy(y, z + 1.5 * log_odds()),
    ),
    "ldam": ({"adjustment": LDAMMargin()}, ldam),
    "inverse frequency": (
        {"weighting": InverseFrequency()},
        lambda y, z: crossentropy(y, z, lambda p, f: 1 / (2 * f)),
    ),
    "effective number": (
        {"weighting": EffectiveNumber(0.999)},
        lambda y, z: crossentropy(y, z, of_side(effective_number())),
    ),
    "focal": (
        {"weighting": Focal(1.5)},
        lambda y, z: crossentropy(y, z, lambda p, f: (1 - p) ** 1.5),
    ),
    "balanced focal": (
        {"weighting": Focal(1.5, alpha=0.3)},
        lambda y, z: crossentropy(
            y, z, lambda p, f: of_side([0.3, 0.7])(p, f) * (1 - p) ** 1.5
        ),
    ),
    "asymmetric focal": (
        {"weighting": AsymmetricFocal(0.5, 3.0)},
        lambda y, z: crossentropy(
            y, z, lambda p, f: (1 - p) ** of_side([0.5, 3.0])(p, f)
        ),
    ),
    "ccar and logit adjustment": (
        {"weighting": CCARWeighting(), "adjustment": LogitAdjustment()},
        lambda y, z: crossentropy(
            y,
            z + log_odds(),
            lambda p, f: oracles.ccar_weight(p, np.broadcast_to(f, p.shape)),
        ),
    ),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("targets", [TARGETS, SOFT], ids=["hard", "soft"])
@pytest.mark.parametrize("case", CASES)
def test_equals_oracle(case, targets, mode):
    arguments, expected = CASES[case]
    loss = keras_ccar.BinaryLongTailedCrossentropy(
        POSITIVES, NUM_EXAMPLES, from_logits=True, reduction=None, **arguments
    )
    actual = value_and_gradient(lambda z: loss(targets, z), LOGITS, mode)
    wanted = expected(targets.astype("float64"), LOGITS.astype("float64"))
    for a, e in zip(actual, wanted, strict=True):
        np.testing.assert_allclose(a, e, rtol=2e-5, atol=1e-6 * np.abs(e).max())


@pytest.mark.parametrize("case", CASES)
def test_of_probabilities(case):
    arguments, expected = CASES[case]
    loss = keras_ccar.BinaryLongTailedCrossentropy(
        POSITIVES, NUM_EXAMPLES, reduction=None, **arguments
    )
    z = LOGITS.astype("float64")
    p = (1 / (1 + np.exp(-z))).astype("float32")
    # The logits that these probabilities, rounded to float32, are of.
    rounded = np.log(p.astype("float64")) - np.log1p(-p.astype("float64"))
    actual = ops.convert_to_numpy(loss(TARGETS, p))
    np.testing.assert_allclose(
        actual, expected(TARGETS, rounded)[0], rtol=1e-4, atol=1e-4
    )


def both_sides(y, z, yes_term, no_term):
    p = 1 / (1 + np.exp(-z))
    return y * yes_term(p) + (1 - y) * no_term(p)


@pytest.mark.parametrize("clip", [0.0, 0.05, 0.4])
def test_asymmetric_loss_equals_oracle(clip):
    loss = keras_ccar.AsymmetricLoss(0.5, 3.0, clip, from_logits=True, reduction=None)
    z = LOGITS.astype("float64")
    actual = ops.convert_to_numpy(loss(TARGETS, LOGITS))
    expected = both_sides(
        TARGETS,
        z,
        lambda p: -((1 - p) ** 0.5) * np.log(p),
        lambda p: -(np.maximum(p - clip, 0) ** 3) * np.log1p(-np.maximum(p - clip, 0)),
    )
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("mode", MODES)
def test_gradient_of_asymmetric_loss(mode):
    """Finite differences of the formula, through the weight too."""
    loss = keras_ccar.AsymmetricLoss(1.0, 2.0, from_logits=True, reduction="sum")
    _, actual = value_and_gradient(lambda z: loss(TARGETS, z), LOGITS, mode)

    def formula(z):
        return both_sides(
            TARGETS,
            z,
            lambda p: -(1 - p) * np.log(p),
            lambda p: (
                -(np.maximum(p - 0.05, 0) ** 2) * np.log1p(-np.maximum(p - 0.05, 0))
            ),
        )

    z = LOGITS.astype("float64")
    expected = (formula(z + 1e-6) - formula(z - 1e-6)) / 2e-6
    np.testing.assert_allclose(actual, expected, rtol=1e-3, atol=1e-5)


def test_distribution_balanced_loss_equals_oracle():
    alpha, beta, mu, kappa, scale = 0.1, 10.0, 0.2, 0.5, 3.0
    loss = keras_ccar.DistributionBalancedLoss(
        *(POSITIVES, NUM_EXAMPLES, alpha, beta, mu, kappa, scale),
        from_logits=True,
        reduction=None,
    )
    targets = TARGETS.copy()
    targets[0] = 0  # an example without a label
    z = LOGITS.astype("float64") + kappa * log_odds()
    expected = np.empty(z.shape)
    for i, row in enumerate(targets):
        carried = sum(1 / n for n, y in zip(POSITIVES, row, strict=True) if y)
        for k, y in enumerate(row):
            ratio = (1 / POSITIVES[k]) / carried if carried else np.inf
            weight = alpha + 1 / (1 + np.exp(-beta * (ratio - mu)))
            u = z[i, k]
            yes, no = np.log1p(np.exp(-u)), np.log1p(np.exp(scale * u)) / scale
            expected[i, k] = weight * (yes if y else no)
    actual = ops.convert_to_numpy(loss(targets, LOGITS))
    np.testing.assert_allclose(actual, expected, rtol=1e-4)


@pytest.mark.parametrize("from_logits", [True, False])
def test_equals_keras(from_logits):
    y, predictions = TARGETS[:, :1], LOGITS[:, :1] / 3
    if not from_logits:
        predictions = 1 / (1 + np.exp(-predictions))
    count = int(y.sum())
    counts = [len(y) - count, count]
    balanced = np.where(
        y[:, 0] == 1, len(y) / (2 * counts[1]), len(y) / (2 * counts[0])
    )
    pairs = [
        (
            keras_ccar.BinaryLongTailedCrossentropy(counts, from_logits=from_logits),
            keras.losses.BinaryCrossentropy(from_logits=from_logits),
            None,
        ),
        (
            keras_ccar.BinaryInverseFrequencyLoss(counts, from_logits=from_logits),
            keras.losses.BinaryCrossentropy(from_logits=from_logits),
            balanced,
        ),
        (
            keras_ccar.BinaryFocalLoss(2.0, from_logits=from_logits),
            keras.losses.BinaryFocalCrossentropy(gamma=2.0, from_logits=from_logits),
            None,
        ),
        (
            keras_ccar.BinaryFocalLoss(2.0, alpha=0.25, from_logits=from_logits),
            keras.losses.BinaryFocalCrossentropy(
                apply_class_balancing=True, alpha=0.25, from_logits=from_logits
            ),
            None,
        ),
    ]
    for ours, theirs, weights in pairs:
        actual = float(ours(y, predictions))
        expected = float(theirs(y, predictions, sample_weight=weights))
        assert actual == pytest.approx(expected, abs=1e-6)


def test_fit_with_balanced_weights_equals_keras_class_weight():
    x = RNG.normal(size=(64, 4)).astype("float32")
    y = (x[:, 0] > 1).astype("float32")
    yes = int(y.sum())
    counts = [64 - yes, yes]
    kernels = []
    for loss, weight in (
        (keras_ccar.BinaryInverseFrequencyLoss(counts, from_logits=True), None),
        (
            keras.losses.BinaryCrossentropy(from_logits=True),
            {label: 64 / (2 * n) for label, n in enumerate(counts)},
        ),
    ):
        model = keras.Sequential(
            [keras.Input((4,)), keras.layers.Dense(1, kernel_initializer="zeros")]
        )
        model.compile(keras.optimizers.SGD(0.1), loss)
        model.fit(
            x, y, batch_size=16, epochs=2, class_weight=weight, verbose=0, shuffle=False
        )
        kernels.append(model.layers[-1].get_weights()[0])
    np.testing.assert_allclose(*kernels, atol=1e-6)


def test_gradient_at_logit_0():
    loss = keras_ccar.BinaryLongTailedCrossentropy(None, from_logits=True)
    for mode in MODES:
        _, gradient = value_and_gradient(
            lambda z: loss([[0.0, 1.0]], z), np.zeros((1, 2), "float32"), mode
        )
        np.testing.assert_allclose(gradient, [[0.25, -0.25]])


def test_counts_in_every_form():
    y, z = TARGETS[:, :1], LOGITS[:, :1]
    series = pandas.Series([0.0] * 970 + [1.0] * 30).value_counts()
    values = [
        float(keras_ccar.BinaryLogitAdjustedLoss(counts, n, from_logits=True)(y, z))
        for counts, n in (
            ([970, 30], None),
            ({0: 970, 1: 30}, None),
            ({False: 970, True: 30}, None),
            (series, None),
            ([[970, 30]], None),
            ([30], 1000),
            ({0: 30}, 1000),
            ([30], [1000]),
            ([0.03], 1),
        )
    ]
    np.testing.assert_allclose(values, values[0], rtol=1e-6)


def test_labels_known_for_different_numbers_of_examples():
    pairs = np.array([[500, 100], [80, 20]])
    ours = keras_ccar.BinaryLogitAdjustedLoss(pairs, from_logits=True)
    same = keras_ccar.BinaryLogitAdjustedLoss([100, 20], [600, 100], from_logits=True)
    alone = [
        keras_ccar.BinaryLogitAdjustedLoss(counts, from_logits=True) for counts in pairs
    ]
    y, z = TARGETS[:, :2], LOGITS[:, :2]
    expected = np.mean(
        [float(loss(y[:, [k]], z[:, [k]])) for k, loss in enumerate(alone)]
    )
    assert float(ours(y, z)) == pytest.approx(expected, rel=1e-5)
    assert float(same(y, z)) == pytest.approx(expected, rel=1e-5)


def test_normalized_weights_have_mean_1_over_the_training_data():
    pairs = np.array([[500, 100], [80, 20]])
    loss = keras_ccar.BinaryClassBalancedLoss(
        pairs, beta=0.99, normalize=True, from_logits=True
    )
    ones = [ops.ones((1, 2))] * 2
    weights = loss.side_weights(ones, loss.current_prior(), ones, ones)
    yes, no = (ops.convert_to_numpy(w) for w in weights)
    mean = (yes * pairs[:, 1] + no * pairs[:, 0]).sum() / pairs.sum()
    assert mean == pytest.approx(1, rel=1e-5)


def test_ten_thousand_labels():
    rng = np.random.default_rng(0)
    counts = rng.integers(1, 99, 10_000)
    loss = keras_ccar.BinaryLogitAdjustedLoss(counts, 100, from_logits=True)
    y = (rng.uniform(size=(4, 10_000)) < 0.01).astype("float32")
    z = rng.normal(size=y.shape).astype("float32")
    adjusted = z.astype("float64") + np.log(counts / (100 - counts))
    expected = (np.logaddexp(0, adjusted) - y * adjusted).mean()
    assert float(loss(y, z)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("unknown", [-1.0, np.nan])
def test_missing_labels_have_loss_0_and_do_not_count(unknown):
    is_known = RNG.uniform(size=TARGETS.shape) < 0.7
    targets = np.where(is_known, TARGETS, np.float32(unknown))
    loss = keras_ccar.BinaryFocalLoss(ignore_value=unknown, from_logits=True)
    plain = keras_ccar.BinaryFocalLoss(from_logits=True, reduction=None)
    expected = ops.convert_to_numpy(plain(TARGETS, LOGITS))[is_known].mean()
    assert float(loss(targets, LOGITS)) == pytest.approx(expected, rel=1e-5)


def test_an_adjusted_loss_says_what_to_do_about_an_empty_side():
    with pytest.raises(ValueError, match="label 1 without an example of yes") as error:
        keras_ccar.BinaryLogitAdjustedLoss([[90, 10], [100, 0]])
    assert "`smoothing=1` to `BinaryLogitAdjustedLoss`" in str(error.value)
    loss = keras_ccar.BinaryLogitAdjustedLoss([[90, 10], [100, 0]], smoothing=1)
    assert np.isfinite(float(loss([[0.0, 1.0]], [[0.2, 0.3]])))
    loss = keras_ccar.BinaryCCARLoss(
        [[90, 10], [100, 0]], adjustment=LogitAdjustment(smoothing=1)
    )
    assert np.isfinite(float(loss([[0.0, 1.0]], [[0.2, 0.3]])))


@pytest.mark.parametrize("weighting", [Focal(alpha=0.25), AsymmetricFocal()])
def test_a_softmax_loss_refuses_weights_of_yes_and_no(weighting):
    with pytest.raises(ValueError, match="`BinaryLongTailedCrossentropy`"):
        keras_ccar.LongTailedCrossentropy([5, 2], weighting=weighting)


def test_two_columns_for_one_label():
    loss = keras_ccar.BinaryInverseFrequencyLoss([90, 10], from_logits=True)
    with pytest.raises(ValueError, match=r"use `InverseFrequencyLoss`.*\(K, 2\)"):
        loss([[0.0, 1.0]], [[0.1, 0.2]])
    right = keras_ccar.BinaryInverseFrequencyLoss([[90, 10], [80, 20]])
    assert np.isfinite(float(right([[0.0, 1.0]], [[0.1, 0.2]])))


def test_a_softmax_loss_on_one_column_names_its_sibling():
    for softmax, sibling in (
        (keras_ccar.CCARLoss, "BinaryCCARLoss"),
        (keras_ccar.LogitAdjustedLoss, "BinaryLogitAdjustedLoss"),
        (keras_ccar.BalancedSoftmaxLoss, "BinaryLogitAdjustedLoss"),
    ):
        with pytest.raises(ValueError, match=f"use `{sibling}`"):
            softmax([90, 10])([[0.0]], [[0.1]])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: keras_ccar.AsymmetricLoss(clip=1.0), "`clip`"),
        (lambda: keras_ccar.AsymmetricLoss(gamma_negative=-1), "`gamma_negative`"),
        (lambda: keras_ccar.BinaryFocalLoss(alpha=1.5), "`alpha`"),
        (
            lambda: keras_ccar.DistributionBalancedLoss([9, 1], negative_scale=0),
            "`negative_scale`",
        ),
        (
            lambda: keras_ccar.BinaryLongTailedCrossentropy(None, 100),
            "`class_counts` must be given with `num_examples`",
        ),
        (
            lambda: keras_ccar.BinaryLongTailedCrossentropy(
                None, weighting=InverseFrequency()
            ),
            "`class_counts` must be given",
        ),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_callable_as_weighting():
    loss = keras_ccar.BinaryLongTailedCrossentropy(
        [90, 10], weighting=CCARWeighting(form="inverse"), from_logits=True
    )
    assert np.isfinite(float(loss([[1.0]], [[0.3]])))
