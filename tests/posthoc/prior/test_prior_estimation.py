import ast
import contextlib
import re
import warnings

import keras
import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

import keras_ccar
from keras_ccar import datasets
from keras_ccar.layers import LogitCorrection, TemperatureScaling
from keras_ccar.posthoc.composition import chain
from keras_ccar.posthoc.prior.prior_estimation import estimate_prior


def softmax(z):
    powers = np.exp(z - z.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def naive_em(p, source, iterations):
    """Saerens et al. 2002, Eq. 2.9, one example and one class after the other."""
    q = list(source)
    for _ in range(iterations):
        total = [0.0] * len(q)
        for row in p:
            corrected = [row[k] * q[k] / source[k] for k in range(len(q))]
            for k in range(len(q)):
                total[k] += corrected[k] / sum(corrected)
        q = [value / len(p) for value in total]
    return np.array(q)


def gaussians(prior, num, seed, means=(0.0, 1.5, 3.0)):
    """Draws x of classes with normal densities around their means."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(len(means), size=num, p=prior)
    return rng.normal(size=num) + np.array(means)[labels], labels


def posterior(x, prior, means=(0.0, 1.5, 3.0)):
    density = np.exp(-((x[:, None] - np.array(means)) ** 2) / 2) * np.array(prior)
    return density / density.sum(-1, keepdims=True)


COUNTS = [600, 300, 100]
SOURCE = np.array(COUNTS) / 1000
SHIFTED = np.array([0.1, 0.2, 0.7])


@pytest.mark.parametrize("iterations", [1, 7])
@pytest.mark.parametrize("from_logits", [True, False])
def test_em_of_classes(iterations, from_logits):
    x, _ = gaussians(SHIFTED, 200, 0)
    p = posterior(x, SOURCE)
    given = np.log(p) + 3 if from_logits else p
    arguments = {"from_logits": from_logits, "max_iterations": iterations}
    with pytest.warns(UserWarning, match=r"still changes by .* raise `max_iterations`"):
        found = estimate_prior(given, None, COUNTS, **arguments)
    np.testing.assert_allclose(found.prior, naive_em(p, SOURCE, iterations), rtol=1e-9)
    assert list(found.curve["iteration"]) == list(range(1, iterations + 1))
    np.testing.assert_allclose(found.source_prior, SOURCE)


@pytest.mark.parametrize("iterations", [1, 7])
@pytest.mark.parametrize("num_columns", [1, 2])
def test_em_of_labels(iterations, num_columns):
    rng = np.random.default_rng(0)
    p = sigmoid(rng.normal(size=(200, num_columns)))
    counts = [[70, 30], [90, 10]] if num_columns == 2 else [70, 30]
    with pytest.warns(UserWarning, match="still changes by"):
        found = estimate_prior(
            p, None, counts, from_logits=False, max_iterations=iterations
        )
    for k, yes in enumerate([0.3, 0.1][:num_columns]):
        both = np.stack([1 - p[:, k], p[:, k]], -1)
        expected = naive_em(both, [1 - yes, yes], iterations)[1]
        np.testing.assert_allclose(found.prior[k], expected, rtol=1e-9)


def test_the_likelihood_is_at_its_maximum():
    x, _ = gaussians(SHIFTED, 2000, 0)
    p = posterior(x, SOURCE)
    found = estimate_prior(p, None, COUNTS, from_logits=False)

    def loss(free):
        return -np.log(p @ (softmax(np.append(free, 0)) / SOURCE)).mean()

    best = minimize(loss, np.zeros(2), tol=1e-12)
    np.testing.assert_allclose(found.prior, softmax(np.append(best.x, 0)), atol=1e-4)
    np.testing.assert_allclose(found.prior, SHIFTED, atol=0.05)
    likelihood = found.curve["log_likelihood"]
    assert likelihood.iloc[0] == pytest.approx(0, abs=1e-12)
    assert np.diff(likelihood).min() > -1e-12
    assert likelihood.iloc[-1] == pytest.approx(-best.fun)
    assert found.curve["change"].iloc[-1] <= 1e-8


@pytest.mark.parametrize(
    ("trained", "prior"),
    [("balanced", np.ones(3) / 3), ([0.2, 0.3, 0.5], np.array([0.2, 0.3, 0.5]))],
)
def test_the_prior_that_training_saw(trained, prior):
    x, _ = gaussians(SHIFTED, 300, 0)
    p = posterior(x, prior)
    found = estimate_prior(p, None, COUNTS, from_logits=False, trained_prior=trained)
    np.testing.assert_allclose(found.source_prior, prior)
    iterations = len(found.curve)
    np.testing.assert_allclose(found.prior, naive_em(p, prior, iterations), rtol=1e-9)
    corrected = keras.ops.convert_to_numpy(found.layer(p))
    np.testing.assert_allclose(corrected, posterior(x, found.prior), rtol=1e-3)


def test_the_layer_puts_the_prior_in():
    x, _ = gaussians(SHIFTED, 300, 0)
    p = posterior(x, SOURCE)
    found = estimate_prior(p, None, COUNTS, from_logits=False)
    assert found.calibration is None
    corrected = keras.ops.convert_to_numpy(found.layer(p))
    np.testing.assert_allclose(corrected, posterior(x, found.prior), rtol=1e-3)
    # The maximum of the likelihood is where the mean prediction is the prior.
    np.testing.assert_allclose(corrected.mean(0), found.prior, atol=1e-5)


def naive_bcts(z, y):
    """Temperature and biases with the smallest log loss, found without gradients."""

    def loss(free):
        p = softmax(z / np.exp(free[0]) + np.append(free[1:], 0))
        return -np.log(p[np.arange(len(y)), y]).mean()

    options = {"maxiter": 20_000, "maxfev": 20_000, "xatol": 1e-9, "fatol": 1e-14}
    start = np.zeros(z.shape[1])
    best = minimize(loss, start, method="Nelder-Mead", options=options).x
    return np.exp(best[0]), np.append(best[1:], 0)


@pytest.mark.parametrize("from_logits", [True, False])
def test_calibration_of_classes(from_logits):
    """Logits that are wrong by a temperature and a bias of each class."""
    (x, y), (new, _) = gaussians(SOURCE, 800, 0), gaussians(SHIFTED, 800, 1)
    logits = [
        3 * np.log(posterior(part, SOURCE)) + np.array([0.5, -1, 2])
        for part in (x, new)
    ]
    if not from_logits:
        logits = [np.log(softmax(part)) for part in logits]
    given = logits if from_logits else [np.exp(part) for part in logits]
    found = estimate_prior(
        given[1], None, COUNTS, (given[0], y), from_logits=from_logits
    )
    temperature, bias = naive_bcts(logits[0], y)
    assert found.calibration.temperature == pytest.approx(temperature, rel=1e-3)
    np.testing.assert_allclose(found.calibration.bias, bias - bias.mean(), atol=2e-3)
    calibrated = softmax(logits[1] / temperature + bias)
    source = softmax(logits[0] / temperature + bias).mean(0)
    np.testing.assert_allclose(found.source_prior, source, rtol=1e-4)
    # At the best biases the mean prediction is the share of the class.
    np.testing.assert_allclose(source, np.bincount(y) / 800, rtol=1e-3)
    expected = naive_em(calibrated, source, len(found.curve))
    np.testing.assert_allclose(found.prior, expected, rtol=1e-2)
    np.testing.assert_allclose(found.prior, SHIFTED, atol=0.06)
    with pytest.warns(UserWarning, match=r"has run to 0 for class"):
        without = estimate_prior(given[1], None, COUNTS, from_logits=from_logits)
    assert abs(found.prior - SHIFTED).sum() < abs(without.prior - SHIFTED).sum()
    # Calibration first, then correction.
    result = keras.ops.convert_to_numpy(found.layer(found.calibration(given[1])))
    expected = calibrated * found.prior / source
    expected /= expected.sum(-1, keepdims=True)
    result = softmax(result.astype("float64")) if from_logits else result
    np.testing.assert_allclose(result, expected, atol=2e-3)


@pytest.mark.parametrize("from_logits", [True, False])
def test_calibration_of_labels(from_logits):
    """Each label by itself, by the logistic regression of its logits."""
    rng = np.random.default_rng(0)
    shares, shifted = np.array([0.3, 0.1]), np.array([0.6, 0.4])
    y, new = (rng.random((1500, 2)) < share for share in (shares, shifted))
    z = [rng.normal(size=(1500, 2)) + 2 * labels for labels in (y, new)]
    y = y.astype("float64")
    y[:20, 0] = -1
    given = z if from_logits else [sigmoid(part) for part in z]
    found = estimate_prior(
        given[1],
        None,
        [300, 100],
        (given[0], y),
        num_examples=1000,
        from_logits=from_logits,
        ignore_value=-1,
    )
    for k in range(2):
        kept = y[:, k] >= 0
        best = LogisticRegression(C=1e9, tol=1e-10).fit(
            z[0][kept, k : k + 1], y[kept, k]
        )
        slope, bias = best.coef_[0, 0], best.intercept_[0]
        assert found.calibration.temperature[k] == pytest.approx(1 / slope, rel=1e-3)
        assert found.calibration.bias[k] == pytest.approx(bias, rel=1e-3)
        source = sigmoid(z[0][:, k] * slope + bias).mean()
        assert found.source_prior[k] == pytest.approx(source, rel=1e-3)
        p = sigmoid(z[1][:, k] * slope + bias)
        both = np.stack([1 - p, p], -1)
        expected = naive_em(both, [1 - source, source], len(found.curve))[1]
        assert found.prior[k] == pytest.approx(expected, rel=1e-2)
    np.testing.assert_allclose(found.prior, shifted, atol=0.06)
    assert found.layer.corrects_labels(2)


def test_a_prior_that_has_run_to_0_is_stated_with_the_number_of_examples():
    rng = np.random.default_rng(0)
    y = (rng.random((1500, 2)) < [0.3, 0.1]).astype("float64")
    z = rng.normal(size=y.shape) + 4 * y - 2
    unseen = np.minimum(z, -3)  # no label that is yes
    told = r"LogitCorrection\(class_counts, target_prior=\.\.\., num_examples=num_exa"
    with pytest.warns(UserWarning, match=told):
        estimate_prior(unseen, None, [300, 100], (z, y), 1000, True)
    with pytest.warns(UserWarning, match=r"target_prior=\.\.\.\)"):
        estimate_prior(unseen, None, [[700, 300], [900, 100]], (z, y), None, True)


@pytest.mark.parametrize("calibrated", [True, False])
@pytest.mark.parametrize("activation", [None, "softmax"])
def test_digits_with_a_shifted_prior(tmp_path, calibrated, activation):
    data = load_digits()
    x, y = data.data / 16, data.target
    x = x + np.random.default_rng(0).normal(size=x.shape) * 0.3
    train, held_out, test = np.split(np.arange(len(y)), [700, 1100])
    fitted = LogisticRegression(C=0.3, max_iter=1000).fit(x[train], y[train])
    model = keras.Sequential(
        [keras.Input((64,)), keras.layers.Dense(10, activation=activation)]
    )
    model.set_weights([fitted.coef_.T, fitted.intercept_])
    share = np.linspace(1, 10, 10)[y[test]] ** 2
    drawn = np.random.default_rng(0).choice(test, size=800, p=share / share.sum())
    counts, truth = np.bincount(y[train]), np.bincount(y[drawn]) / 800
    validation = (x[held_out], y[held_out]) if calibrated else None
    # Few of the rarest digits were drawn, and the model is not calibrated.
    runs_to_0 = pytest.warns(UserWarning, match=r"has run to 0 for")
    expected = contextlib.nullcontext() if calibrated else runs_to_0
    with expected:
        found = estimate_prior(model, x[drawn], counts, validation)
    before = abs(counts / counts.sum() - truth).sum()
    # The model is not sure enough without calibration.
    assert abs(found.prior - truth).sum() < before * (0.25 if calibrated else 0.5)
    if calibrated:
        assert abs(found.prior - truth).max() < 0.05
    parts = (
        [model, found.calibration, found.layer] if calibrated else [model, found.layer]
    )
    whole = keras.Sequential(parts)
    result = whole.predict(x[drawn], verbose=0)
    hits = [
        (z.argmax(-1) == y[drawn]).mean()
        for z in (result, model.predict(x[drawn], verbose=0))
    ]
    assert hits[0] > hits[1]
    whole.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(x[drawn], verbose=0), result, rtol=1e-5)
    with expected:
        with_labels = estimate_prior(
            model, (x[drawn], y[drawn]), counts, validation, batch_size=100
        )
    np.testing.assert_allclose(with_labels.prior, found.prior, rtol=1e-4)


def test_a_class_that_is_not_there():
    p = np.array([[0.9, 0.1 - 1e-9, 1e-9]] * 50 + [[0.1, 0.9 - 1e-9, 1e-9]] * 50)
    with pytest.warns(
        UserWarning, match=r"0 for class 2: .* one example among the 100"
    ):
        found = estimate_prior(p, None, COUNTS, from_logits=False)
    assert 0 < found.prior[2] <= 2e-10
    assert found.prior.sum() == pytest.approx(1)
    assert np.isfinite(keras.ops.convert_to_numpy(found.layer(p))).all()
    for p, low, high in ((1e-6, 0, 2e-10), (1 - 1e-6, 1 - 2e-10, 1)):
        with pytest.warns(UserWarning, match=r"a share of yes of 0 or 1 for label 0"):
            found = estimate_prior(np.full((9, 1), p), None, [5, 5], from_logits=False)
        assert low <= found.prior[0] <= high
        assert 0 < found.prior[0] < 1


def test_says_what_helps_where_the_estimate_runs_to_0():
    """A model that was rebalanced in training, taken for one that was not."""
    x, y = gaussians([0.95, 0.05], 400, 0, (0.0, 2.0))
    new, _ = gaussians([0.8, 0.2], 400, 1, (0.0, 2.0))
    balanced = [posterior(part, [0.5, 0.5], (0.0, 2.0)) for part in (x, new)]
    with pytest.warns(UserWarning, match=r'`validation=`.*`trained_prior="balanced"`'):
        wrong = estimate_prior(balanced[1], None, [20, 380], from_logits=False)
    assert wrong.prior.min() < 1e-3
    for arguments in (
        {"trained_prior": "balanced"},
        {"validation": (balanced[0], y)},
    ):
        found = estimate_prior(
            balanced[1], None, [380, 20], from_logits=False, **arguments
        )
        assert found.prior[1] == pytest.approx(0.2, abs=0.06)


def test_a_model_that_is_corrected_already():
    means = np.array([0.0, 1.5, 3.0])
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(3)])
    model.set_weights([means[None], np.log(SOURCE) - means**2 / 2])
    corrected = chain(model, LogitCorrection(COUNTS))
    (x, y), (new, _) = gaussians(SOURCE, 800, 0), gaussians(SHIFTED, 800, 1)
    x, new = x[:, None], new[:, None]
    expected = estimate_prior(model, new, COUNTS).prior
    told = r'corrected to another prior already.*`trained_prior="balanced"`'
    with pytest.raises(ValueError, match=told):
        estimate_prior(corrected, new, COUNTS)
    # What the message says works.
    found = estimate_prior(corrected, new, COUNTS, trained_prior="balanced")
    np.testing.assert_allclose(found.prior, expected, atol=1e-4)
    with_validation = estimate_prior(corrected, new, COUNTS, (x, y))
    np.testing.assert_allclose(with_validation.prior, expected, atol=0.06)
    # No correction.
    same = estimate_prior(chain(model, LogitCorrection(COUNTS, 0.0)), new, COUNTS)
    np.testing.assert_allclose(same.prior, expected, atol=1e-6)
    # Put behind the model that it was estimated on, each is the last word.
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        whole = chain(corrected, found)
    z = np.log(posterior(new[:, 0], expected))
    assert (whole.predict(new, verbose=0).argmax(-1) == z.argmax(-1)).mean() > 0.99


def one_layer(weights, bias, activation=None):
    weights = np.array(weights, "float32")
    model = keras.Sequential(
        [
            keras.Input((len(weights),)),
            keras.layers.Dense(weights.shape[1], activation=activation),
        ]
    )
    model.set_weights([weights, np.array(bias, "float32")])
    return model


# Models of balanced data, and counts of the data that they are put back to.
BALANCED = {
    "classes": ([[0.0, 1.5, 3.0]], [0.0, -1.125, -4.5], COUNTS, {}, [0.6, 0.3, 0.1]),
    "one label": ([[2.0]], [-2.0], [900, 100], {}, [0.1]),
    "labels": ([[2.0, 2.0]], [-2.0, -2.0], [[900, 100], [800, 200]], {}, [0.1, 0.2]),
    "carriers": (
        [[2.0, 2.0]],
        [-2.0, -2.0],
        [100, 200],
        {"num_examples": 1000},
        [0.1, 0.2],
    ),
}


@pytest.mark.parametrize("kind", list(BALANCED))
@pytest.mark.parametrize("is_known", [True, False])
def test_a_model_that_is_put_back_to_another_prior(kind, is_known):
    weights, bias, counts, more, prior = BALANCED[kind]
    activation = "softmax" if kind == "classes" else "sigmoid"
    model = one_layer(weights, bias, activation)
    back = chain(model, LogitCorrection(counts, trained_prior="balanced", **more))
    new = gaussians([0.5, 0.5], 400, 1, (0.0, 2.0))[0][:, None]
    right = estimate_prior(model, new, counts, trained_prior="balanced", **more)
    # It has the prior of the counts, and nothing need be said.
    found = estimate_prior(back, new, counts, **more)
    np.testing.assert_allclose(found.prior, right.prior, atol=1e-3)
    np.testing.assert_allclose(
        chain(back, found).predict(new, verbose=0),
        chain(model, right).predict(new, verbose=0),
        atol=2e-3,
    )
    given = prior
    if not is_known:
        # Of other counts, the error has the prior, and it works.
        others = np.asarray(counts) * np.array([2, 1]) if kind == "labels" else None
        if others is None:
            others = np.asarray(counts) * 2
            others[0] /= 2
        with pytest.raises(ValueError, match=r"`trained_prior=.*`\.$") as caught:
            estimate_prior(back, new, others, **more)
        given = ast.literal_eval(
            re.search(r"`trained_prior=([^`]*)`", str(caught.value))[1]
        )
        np.testing.assert_allclose(given, prior, rtol=1e-4)
    found = estimate_prior(back, new, counts, trained_prior=given, **more)
    np.testing.assert_allclose(found.prior, right.prior, atol=1e-3)


@pytest.mark.parametrize("kind", list(BALANCED))
def test_warns_of_a_trained_prior_that_is_not_that_of_the_model(kind):
    weights, bias, counts, more, prior = BALANCED[kind]
    back = chain(
        one_layer(weights, bias),
        LogitCorrection(counts, trained_prior="balanced", from_logits=True, **more),
    )
    new = gaussians([0.5, 0.5], 400, 1, (0.0, 2.0))[0][:, None]
    with pytest.warns(UserWarning, match="not the prior that `model` is corr") as seen:
        # One step is enough to hear it.
        estimate_prior(
            back, new, counts, trained_prior="balanced", tolerance=1.0, **more
        )
    # Keras warns of numpy 2 on torch.
    told = next(str(w.message) for w in seen if w.category is UserWarning)
    told = re.search(r"Pass `trained_prior=([^`]*)`", told)[1]
    names = {"class_counts": counts, "numpy": np, **more}
    given = eval(told, names)
    found = estimate_prior(back, new, counts, trained_prior=given, **more)
    expected = estimate_prior(back, new, counts, trained_prior=prior, **more)
    np.testing.assert_allclose(found.prior, expected.prior, atol=1e-4)


def test_a_correction_in_part_has_no_prior_to_tell():
    model = one_layer([[0.0, 1.5, 3.0]], [0.0, -1.125, -4.5])
    part = chain(model, LogitCorrection(COUNTS, 0.5))
    with pytest.raises(ValueError, match=r"the correction was added to\.$"):
        estimate_prior(part, np.zeros((3, 1)), COUNTS)


RARE = np.array([0.9, 0.095, 0.005])


def overlapping(num, seed=0, bias=0.0, distance=0.8):
    """Logits of three classes that overlap, with a bias of the last one."""
    rng = np.random.default_rng(seed)
    y = rng.choice(3, num, p=RARE)
    z = distance * np.eye(3)[y] + rng.normal(size=(num, 3)) + np.log(RARE)
    z[:, 2] += bias
    return z, y


@pytest.mark.slow
@pytest.mark.parametrize("num", [20_000, 100_000])
def test_finds_a_class_that_dies_slowly(num):
    z, _ = overlapping(num, bias=-0.15)
    with pytest.warns(UserWarning, match=rf"class 2: .* example among the {num}\."):
        found = estimate_prior(z, None, [9000, 950, 50], from_logits=True)
    assert found.prior[2] <= 2e-10
    # As expectation maximisation does that goes on for long.
    p, expected = softmax(z) / RARE, RARE
    for _ in range(3000):
        expected = expected * (p / (p @ expected)[:, None]).mean(0)
    np.testing.assert_allclose(found.prior, expected, atol=2e-6)


@pytest.mark.parametrize("tolerance", [1e-3, 1e-5])
def test_keeps_a_class_that_shrinks_and_is_there(tolerance):
    counts = [8000, 950, 1050]
    x = 1.5 * np.eye(3)[np.repeat([0, 1, 2], [45_000, 4750, 250])]
    x += np.random.default_rng(0).normal(size=x.shape)
    z = 1.5 * x + np.log(counts)  # exact for data with the prior of the counts
    given = {"from_logits": True, "max_iterations": 5000}
    found = estimate_prior(z, None, counts, tolerance=tolerance, **given)
    fine = estimate_prior(z, None, counts, tolerance=1e-10, **given)
    assert fine.prior[2] > 2e-3
    assert 2e-3 < found.prior[2] < 0.04


def test_labels_that_die_slowly():
    z, _ = overlapping(20_000)
    z = np.stack([z[:, 2] - z[:, 0] - 2, z[:, 0] - z[:, 2] + 2, z[:, 1] - z[:, 0]], -1)
    told = "a share of yes of 0 or 1 for labels 0, 1: .* one example among the 20000"
    with pytest.warns(UserWarning, match=told):
        found = estimate_prior(
            z, None, [50, 9950, 950], num_examples=10_000, from_logits=True
        )
    assert found.prior[0] <= 2e-10
    assert found.prior[1] >= 1 - 2e-10
    assert 0.01 < found.prior[2] < 0.99


def test_warns_of_a_class_that_dies_behind_a_calibration():
    z, y = overlapping(20_000, distance=1.5)
    new, labels = overlapping(20_000, 1, distance=1.5)
    new = new[labels != 2]
    with pytest.warns(UserWarning, match=r"class 2: .*look otherwise than in `valid"):
        found = estimate_prior(new, None, [9000, 950, 50], (z, y), from_logits=True)
    assert found.prior[2] <= 2e-10


def test_warns_of_a_rebalanced_model():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(3)])
    means = np.array([0.0, 1.5, 3.0])
    model.set_weights([means[None], -(means**2) / 2])  # of densities, without a prior
    model.compile("sgd", keras_ccar.BalancedSoftmaxLoss(COUNTS, from_logits=True))
    x, y = gaussians(SOURCE, 100, 0)
    x = x[:, None]
    with pytest.warns(UserWarning, match="compiled with BalancedSoftmaxLoss"):
        estimate_prior(model, x, COUNTS, tolerance=1.0)
    # Neither of these has anything to guess.
    estimate_prior(model, x, COUNTS, tolerance=1.0, trained_prior="balanced")
    found = estimate_prior(model, x, COUNTS, (x, y), tolerance=1.0)
    keras.Sequential([model, found.calibration, found.layer])


def test_warns_of_a_temperature_behind_which_the_prior_is_not_that_of_the_counts():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(3)])
    means = np.array([0.0, 1.5, 3.0])
    model.set_weights([means[None], -(means**2) / 2 + np.log(SOURCE)])
    cooled = chain(model, TemperatureScaling(1.5))
    x, y = gaussians(SOURCE, 4000, 0)
    x = x[:, None]
    with pytest.warns(UserWarning, match="ends in a TemperatureScaling.*`validation="):
        found = estimate_prior(cooled, x, COUNTS)
    assert np.abs(found.prior - SOURCE).max() > 0.05
    # What is advised finds the prior.
    found = estimate_prior(cooled, x, COUNTS, validation=(x, y))
    np.testing.assert_allclose(found.prior, SOURCE, atol=0.02)


def test_text_and_picture():
    p = posterior(gaussians(SHIFTED, 200, 0)[0], SOURCE)
    found = estimate_prior(p, None, COUNTS, from_logits=False)
    assert repr(found).startswith("<EstimatedPrior: class frequencies 0.")
    assert "estimated from 200 predictions in " in found.describe()
    (axes,) = found.figure().axes
    assert (axes.get_xlabel(), len(axes.patches)) == ("Class", 6)
    assert "<img" in found._repr_html_()
    found = estimate_prior(p[:, :1], None, [5, 5], from_logits=False)
    assert "shares of yes 0." in found.describe()
    assert found.figure().axes[0].get_ylabel() == "Shares of yes"


Z = np.random.default_rng(0).normal(size=(6, 3)) * 3
Y = np.array([0, 1, 2, 0, 1, 2])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_iterations": 0}, "`max_iterations` must be a whole number >= 1"),
        ({"tolerance": -1}, "`tolerance` must be a finite number >= 0"),
        ({"class_counts": [1, 0, 1]}, "`class_counts` must be above 0"),
        ({"class_counts": [1, 1]}, "`class_counts` must have one entry for each col"),
        ({"trained_prior": "uniform"}, "`trained_prior` must be"),
        (
            {"trained_prior": "balanced", "validation": (Z, Y)},
            "`trained_prior` must be None with `validation`",
        ),
        ({"unlabelled": Z}, "`unlabelled` must be None where `model` is an array"),
        ({"validation": Y}, "`validation` must be a pair"),
        ({"validation": (Z[:, :2], Y % 2)}, "`class_counts` must have one entry"),
        (
            {"validation": (Z, Y % 2)},
            "`validation` must have examples of every class.*none for class 2",
        ),
        ({"from_logits": "no"}, "`from_logits` must be True or False"),
        ({"model": np.full((4, 3), np.nan)}, "`model` must be finite"),
        ({"model": np.zeros((0, 3))}, "`unlabelled` must hold examples"),
    ],
)
def test_bad_arguments(arguments, message):
    given = {"model": Z, "unlabelled": None, "class_counts": COUNTS}
    with pytest.raises(ValueError, match=message):
        estimate_prior(**{**given, **arguments})


def test_labels_without_both_answers():
    y = np.array([[0, 1], [1, 1], [0, 1]])
    with pytest.raises(ValueError, match="examples of both yes and no of every label"):
        estimate_prior(Z[:3, :2], None, [[5, 5], [5, 5]], (Z[:3, :2], y))


@pytest.mark.slow
def test_cifar_with_a_shifted_prior():
    """Photographs of apples, wardrobes, the sea and lawn mowers, 8 x 8 pixels."""
    try:
        data = datasets.load("cifar100-lt", imbalance_factor=1)
    except FileNotFoundError as error:
        pytest.skip(str(error))
    kinds = np.array([0, 94, 71, 41])
    rng = np.random.default_rng(0)

    def draw(arrays, counts):
        images, labels = arrays
        chosen = [
            rng.permutation(np.flatnonzero(labels == kind))[:count]
            for kind, count in zip(kinds, counts, strict=True)
        ]
        small = images[np.concatenate(chosen)].astype("float64") / 255
        small = small.reshape(-1, 8, 4, 8, 4, 3).mean(axis=(2, 4)).reshape(-1, 192)
        return small, np.repeat(np.arange(4), counts)

    x, y = draw(data.train_arrays, [400, 200, 100, 50])
    held_out = np.arange(len(y)) % 4 == 0
    classifier = LogisticRegression(max_iter=300).fit(x[~held_out], y[~held_out])
    counts = np.bincount(y[~held_out])
    shifted = [10, 20, 60, 100]
    new_x, _ = draw(data.test_arrays, shifted)
    found = estimate_prior(
        classifier.decision_function(new_x),
        None,
        counts,
        validation=(classifier.decision_function(x[held_out]), y[held_out]),
        from_logits=True,
    )
    true = np.array(shifted) / sum(shifted)
    error = np.abs(found.prior - true).sum()
    assert error < np.abs(counts / counts.sum() - true).sum() / 4
