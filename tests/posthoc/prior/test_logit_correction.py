"""The choice of τ against a naive search."""

import keras
import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

import keras_ccar
from keras_ccar.posthoc import chain, tune_logit_correction

COUNTS = np.array([1000, 300, 100, 30])
K = len(COUNTS)


def sample(examples, seed, scale=1.6):
    """Logits of a model that has learned the prior, and labels."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(K), examples)
    logits = rng.normal(size=(len(labels), K)) + scale * np.eye(K)[labels]
    # Of classes at unit distance, the log-likelihood ratio is linear in the features.
    return scale * logits + np.log(COUNTS / COUNTS.sum()), labels


LOGITS, LABELS = sample([400, 120, 60, 40], seed=0)
MODEL_LOSS = {"ce": "sparse_categorical_crossentropy"}


def naive_scores(logits, labels, taus, score):
    log_prior = np.log(COUNTS / COUNTS.sum())
    return [score(labels, (logits - tau * log_prior).argmax(axis=1)) for tau in taus]


def macro_f1(labels, answers):
    return f1_score(labels, answers, average="macro")


def geometric_mean(labels, answers):
    recalls = [(answers[labels == k] == k).mean() for k in range(K)]
    return np.prod(recalls) ** (1 / K)


@pytest.mark.parametrize(
    ("objective", "score"),
    [
        ("balanced_accuracy", balanced_accuracy_score),
        ("macro_f1", macro_f1),
        ("geometric_mean", geometric_mean),
    ],
)
def test_scores_of_the_grid(objective, score):
    taus = np.round(np.arange(0, 2.01, 0.25), 2)
    tuned = tune_logit_correction(LOGITS, LABELS, COUNTS, objective, taus, resamples=9)
    expected = naive_scores(LOGITS, LABELS, taus, score)
    assert tuned.curve["tau"].tolist() == taus.tolist()
    np.testing.assert_allclose(tuned.curve["score"], expected, atol=1e-9)
    assert tuned.best_tau == taus[int(np.argmax(expected))]


def test_a_function_as_objective():
    def of_probabilities(labels, probabilities):
        np.testing.assert_allclose(probabilities.sum(axis=1), 1)
        return balanced_accuracy_score(labels, probabilities.argmax(axis=1))

    taus = [0, 0.5, 1]
    own = tune_logit_correction(LOGITS, LABELS, COUNTS, of_probabilities, taus)
    named = tune_logit_correction(LOGITS, LABELS, COUNTS, taus=taus)
    assert own.tau == named.tau
    np.testing.assert_allclose(own.curve, named.curve, atol=1e-9)


def test_the_smallest_tau_within_one_standard_error():
    tuned = tune_logit_correction(LOGITS, LABELS, COUNTS)
    curve = tuned.curve
    best = curve["score"].max()
    near = curve[curve["score"] >= best - curve["standard_error"]]
    assert tuned.tau == near["tau"].min()
    assert 0 < tuned.tau <= tuned.best_tau
    # The standard error of the difference on the same examples, by the formula for a
    # mean over classes.
    log_prior = np.log(COUNTS / COUNTS.sum())
    hits = [
        (LOGITS - tau * log_prior).argmax(axis=1) == LABELS
        for tau in (0.0, tuned.best_tau)
    ]
    difference = hits[0].astype(float) - hits[1]
    variances = [difference[k == LABELS].var() / (k == LABELS).sum() for k in range(K)]
    expected = np.sqrt(np.sum(variances)) / K
    np.testing.assert_allclose(curve["standard_error"][0], expected, rtol=0.2)


def test_tau_is_near_the_best_of_other_data():
    logits, labels = sample([2000] * K, seed=1)
    tuned = tune_logit_correction(LOGITS, LABELS, COUNTS)
    taus = tuned.curve["tau"].tolist()
    scores = naive_scores(logits, labels, taus, balanced_accuracy_score)
    assert max(scores) - scores[taus.index(tuned.tau)] < 0.01
    assert scores[taus.index(tuned.tau)] - scores[0] > 0.05


def test_nothing_to_correct():
    rng = np.random.default_rng(2)
    labels = np.repeat(np.arange(K), 50)
    logits = 20.0 * np.eye(K)[labels] + rng.normal(size=(200, K))
    assert tune_logit_correction(logits, labels, COUNTS).tau == 0.0


@pytest.mark.parametrize("from_logits", [True, False])
def test_the_layer_gives_the_score(from_logits):
    inputs = keras.Input((K,))
    outputs = inputs if from_logits else keras.layers.Softmax()(inputs)
    outputs = keras.layers.Activation("linear")(outputs) if from_logits else outputs
    model = keras.Model(inputs, outputs)
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits))
    x = LOGITS.astype("float32")
    tuned = tune_logit_correction(model, (x, LABELS), COUNTS)
    corrected = keras.Sequential([model, tuned.layer]).predict(x, verbose=0)
    score = balanced_accuracy_score(LABELS, corrected.argmax(axis=1))
    found = tuned.curve.set_index("tau")["score"][tuned.tau]
    np.testing.assert_allclose(score, found, atol=2e-3)


def test_one_sigmoid_and_several():
    rng = np.random.default_rng(3)
    answers = (rng.uniform(size=(500, 2)) < [0.1, 0.3]).astype(int)
    log_odds = np.log([0.1 / 0.9, 0.3 / 0.7])
    logits = 2.0 * (rng.normal(size=(500, 2)) + 2.0 * answers - 1.0) + log_odds
    counts = [[900, 100], [700, 300]]
    tuned = tune_logit_correction(logits, answers, counts, taus=[0, 0.5, 1])
    for tau, score in tuned.curve[["tau", "score"]].to_numpy():
        said = logits - tau * log_odds > 0
        expected = [
            balanced_accuracy_score(answers[:, k], said[:, k]) for k in range(2)
        ]
        np.testing.assert_allclose(score, np.mean(expected))
    assert tuned.tau > 0
    one = tune_logit_correction(logits[:, :1], answers[:, 0], counts[0], taus=[0, 1])
    said = logits[:, 0] - log_odds[0] > 0
    expected = balanced_accuracy_score(answers[:, 0], said)
    np.testing.assert_allclose(one.curve["score"][1], expected)
    positives = tune_logit_correction(
        logits, answers, [100, 300], num_examples=1000, taus=[0, 0.5, 1]
    )
    assert positives.tau == tuned.tau


@pytest.mark.parametrize(
    "loss",
    [
        keras_ccar.BalancedSoftmaxLoss(COUNTS, from_logits=True),
        keras_ccar.InverseFrequencyLoss(COUNTS, from_logits=True),
    ],
    ids=lambda loss: type(loss).__name__,
)
def test_adjusted_models(loss):
    model = keras.Sequential(
        [keras.Input((K,)), keras.layers.Dense(K, kernel_initializer="identity")]
    )
    model.compile(loss=loss)
    x = LOGITS.astype("float32")
    with pytest.raises(ValueError, match=r"Pass `adjusted=True`") as raised:
        tune_logit_correction(model, (x, LABELS), COUNTS)
    assert type(loss).__name__ in str(raised.value)
    # As where the classes of a segmentation are moved to the last axis.
    moved = chain(model, keras.layers.Reshape((1, K)), keras.layers.Permute((1, 2)))
    with pytest.raises(ValueError, match=r"Pass `adjusted=True`"):
        tune_logit_correction(moved, (x, LABELS[:, None]), COUNTS)
    log_prior = np.log(COUNTS / COUNTS.sum())
    for true_tau in (0.5, -0.5):
        # What is left of the prior, or too much of it.
        shifted = (LOGITS - (1 - true_tau) * log_prior).astype("float32")
        tuned = tune_logit_correction(model, (shifted, LABELS), COUNTS, adjusted=True)
        assert tuned.tau * true_tau > 0
        corrected = keras.Sequential([model, tuned.layer]).predict(shifted, verbose=0)
        score = balanced_accuracy_score(LABELS, corrected.argmax(axis=1))
        found = tuned.curve.set_index("tau")["score"][tuned.tau]
        np.testing.assert_allclose(score, found, atol=2e-3)


def test_a_corrected_model_is_refused():
    model = keras.Sequential(
        [keras.Input((K,)), keras.layers.Dense(K), keras_ccar.LogitCorrection(COUNTS)]
    )
    with pytest.raises(ValueError, match="corrected already"):
        tune_logit_correction(model, (LOGITS, LABELS), COUNTS)


def test_few_and_no_examples():
    few = np.r_[:400, 400:520, 520:580, 580:583]
    with pytest.warns(UserWarning, match="under 5 examples of class 3"):
        tune_logit_correction(LOGITS[few], LABELS[few], COUNTS)
    kept = LABELS != 3
    with pytest.raises(ValueError, match=r"Received: none for class 3.*stratify"):
        tune_logit_correction(LOGITS[kept], LABELS[kept], COUNTS)


def test_validation_that_training_has_seen():
    model = keras.Sequential([keras.Input((K,)), keras.layers.Dense(K)])
    validation = (LOGITS, LABELS)
    train = (np.concatenate([LOGITS[:3], LOGITS + 9]), np.zeros(len(LOGITS) + 3))
    message = r"Received: 3 examples that `train` has too.*only look alike"
    with pytest.raises(ValueError, match=message):
        tune_logit_correction(model, validation, COUNTS, train=train)
    tune_logit_correction(model, validation, COUNTS, train=(LOGITS + 9, LABELS))


def test_picture_and_text():
    tuned = tune_logit_correction(LOGITS, LABELS, COUNTS)
    assert f"tau = {tuned.tau:g}" in repr(tuned)
    assert "data:image/png" in tuned._repr_html_()


def test_a_loss_without_an_adjustment_is_none():
    model = keras.Sequential(
        [keras.Input((K,)), keras.layers.Dense(K, kernel_initializer="identity")]
    )
    x = LOGITS.astype("float32")
    expected = tune_logit_correction(model, (x, LABELS), COUNTS, taus=[0, 1]).tau
    model.compile(loss=keras_ccar.LogitAdjustedLoss(COUNTS, tau=0, from_logits=True))
    tuned = tune_logit_correction(model, (x, LABELS), COUNTS, taus=[0, 1])
    assert tuned.tau == expected
    model.compile(loss=keras_ccar.LogitAdjustedLoss(COUNTS, tau=0.1, from_logits=True))
    with pytest.raises(ValueError, match=r"Pass `adjusted=True`"):
        tune_logit_correction(model, (x, LABELS), COUNTS)
