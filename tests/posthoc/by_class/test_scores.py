"""Bootstrap resamples, measured on groups of examples that are alike."""

import numpy as np
import pytest
from sklearn import metrics

from keras_ccar.posthoc import evaluate_classes, tune_logit_correction
from keras_ccar.posthoc.by_class import totals
from keras_ccar.posthoc.by_class.scores import Decisions, group_alike, resampled_weights
from keras_ccar.posthoc.prior import tau_curve

K = 3
COUNTS = [400, 90, 30]
RNG = np.random.default_rng(0)
LABELS = np.repeat(np.arange(K), [300, 80, 40])
LOGITS = RNG.normal(size=(len(LABELS), K)) + 1.5 * np.eye(K)[LABELS]
RESAMPLES = 30


def drawn_rows():
    """The examples of each resample, one by one."""
    for weights in resampled_weights(LABELS, RESAMPLES, seed=0):
        yield np.repeat(np.arange(len(LABELS)), weights.astype(int))


def geometric_mean(labels, answers):
    return np.prod([(answers[labels == k] == k).mean() for k in range(K)]) ** (1 / K)


def macro_f1(labels, answers):
    return metrics.f1_score(labels, answers, average="macro")


NAIVE = {
    "accuracy": metrics.accuracy_score,
    "balanced_accuracy": metrics.balanced_accuracy_score,
    "macro_f1": macro_f1,
    "geometric_mean": geometric_mean,
    "many": lambda y, a: (a[y == 0] == 0).mean(),
    "medium": lambda y, a: np.mean([(a[y == k] == k).mean() for k in (1, 2)]),
}


def test_examples_are_alike_where_all_numbers_are():
    labels = np.array([[1.0, 0.0], [1.0, np.nan], [1.0, 0.0], [1.0, np.nan]])
    answers = np.array([[300, 2], [300, 2], [300, 2], [300, 3]])
    first, group_of = group_alike(labels, answers)
    assert len(first) == 3
    assert group_of[0] == group_of[2]
    assert len(set(group_of[[0, 1, 3]])) == 3
    np.testing.assert_array_equal(labels[first][group_of], labels)
    np.testing.assert_array_equal(answers[first][group_of], answers)


def test_intervals_are_those_of_examples_drawn_one_by_one():
    found = evaluate_classes(LOGITS, LABELS, COUNTS, groups=(100, 5), resamples=30)
    answers = LOGITS.argmax(axis=1)
    powers = np.exp(LOGITS)
    losses = -np.log(powers[np.arange(len(LABELS)), LABELS] / powers.sum(axis=1))
    naive = {name: [] for name in (*NAIVE, "log_loss")}
    for rows in drawn_rows():
        for name, score in NAIVE.items():
            naive[name].append(score(LABELS[rows], answers[rows]))
        naive["log_loss"].append(losses[rows].mean())
    for name, values in naive.items():
        low, high = np.percentile(values, [2.5, 97.5])
        expected = pytest.approx([low, high], abs=1e-9)
        assert found.totals.loc[name, ["low", "high"]].tolist() == expected, name


@pytest.mark.parametrize("are_labels", [False, True])
def test_intervals_are_wider_for_classes_with_few_examples(are_labels, monkeypatch):
    """A class with one example has the same recall in every resample."""
    support, hits = [60, 30, 4, 2, 1, 1], [50, 20, 1, 2, 1, 0]
    y = np.repeat(np.arange(6), support)
    is_hit = np.concatenate(
        [np.arange(n) < h for n, h in zip(support, hits, strict=True)]
    )
    answers = np.where(is_hit, y, 0)
    answers[~is_hit & (y == 0)] = 1
    counts = [900, 500, 9, 8, 7, 6]
    given = {"groups": (100, 50), "resamples": 20, "from_logits": True}
    data = 9.0 * np.eye(6)[answers] - 4, y
    if are_labels:
        data = data[0], np.eye(6)[y]
        counts = [[1000, n] for n in counts]
    found = evaluate_classes(*data, counts, **given).totals
    monkeypatch.setattr(totals, "FEWEST_EXAMPLES", 0)
    drawn = evaluate_classes(*data, counts, **given).totals
    together = (sum(hits[2:]) + 1) / (sum(support[2:]) + 2)
    extra = 0.0
    for k in range(2, 6):
        own = hits[k] / support[k]
        extra += (together * (1 - together) - own * (1 - own)) / support[k]
    extra /= 4 if are_labels else 1  # half of a label's score is its specificity
    classes = {"balanced_accuracy": 6, "few": 4}
    if not are_labels:
        classes["macro_f1"] = 6
    for name, row in drawn.iterrows():
        value, low, high = row
        if name in classes:
            reach = 1.96 * np.sqrt(extra) / classes[name]
            low = max(0, value - np.hypot(value - low, reach))
            high = min(1, value + np.hypot(high - value, reach))
            assert high - low > row["high"] - row["low"]
        expected = pytest.approx([value, low, high], abs=1e-9)
        assert found.loc[name].tolist() == expected, name


@pytest.mark.parametrize(
    "objective", ["balanced_accuracy", "macro_f1", "geometric_mean"]
)
def test_standard_errors_are_those_of_examples_drawn_one_by_one(objective):
    taus = [0.0, 0.4, 0.8, 1.2]
    curve = tune_logit_correction(
        LOGITS, LABELS, COUNTS, objective, taus, resamples=RESAMPLES
    ).curve
    prior = np.log(np.array(COUNTS) / sum(COUNTS))
    answers = [(LOGITS - tau * prior).argmax(axis=1) for tau in taus]
    score = NAIVE[objective]
    drawn = np.array(
        [[score(LABELS[rows], a[rows]) for a in answers] for rows in drawn_rows()]
    )
    best = int(curve["score"].argmax())
    expected = np.std(drawn - drawn[:, [best]], axis=0, ddof=1)
    np.testing.assert_allclose(curve["standard_error"], expected, atol=1e-9)


def test_a_resample_counts_groups_not_examples(monkeypatch):
    sizes = []

    class Spy(Decisions):
        def __init__(self, labels, *arguments):
            sizes.append(len(labels))
            super().__init__(labels, *arguments)

    monkeypatch.setattr(totals, "Decisions", Spy)
    monkeypatch.setattr(tau_curve, "Decisions", Spy)
    logits, labels = np.tile(LOGITS, (9, 1)), np.tile(LABELS, 9)
    evaluate_classes(logits, labels, COUNTS, resamples=2)
    assert sizes.pop() <= K * K
    tune_logit_correction(logits, labels, COUNTS, taus=[0, 1], resamples=2)
    assert max(sizes) <= K**3


def test_a_resample_without_the_only_yes_takes_what_the_data_say_of_it():
    random = np.random.default_rng(1)
    labels = (random.random((40, 2)) < [0.3, 0]).astype(float)
    labels[7, 1] = 1
    labels[8:11, 0] = np.nan
    answers = random.random((40, 2)) < 0.2
    answers[7, 1] = False

    def sides(y, a):
        return [(a[y == 1] == 1).mean(), (a[y == 0] == 0).mean()]

    naive = []
    for weights in resampled_weights(labels, RESAMPLES, seed=0):
        rows = np.repeat(np.arange(40), weights.astype(int))
        known = rows[~np.isnan(labels[rows, 0])]
        common, rare = sides(labels[rows, 0], answers[rows, 0]), [0.0, 0.0]
        rare[1] = (~answers[rows, 1])[labels[rows, 1] == 0].mean()
        f1 = metrics.f1_score(labels[known, 0], answers[known, 0])
        naive.append([np.mean([common, rare]), np.sqrt(np.prod(common)) / 2, f1 / 2])
    options = {"from_logits": False, "ignore_value": np.nan, "resamples": RESAMPLES}
    probabilities = np.where(answers, 0.9, 0.1)
    counts = [[70, 30], [99, 1]]
    found = evaluate_classes(probabilities, labels, counts, **options).totals
    expected = np.percentile(naive, [2.5, 97.5], axis=0).T
    names = ["geometric_mean", "macro_f1"]
    np.testing.assert_allclose(
        found.loc[names, ["low", "high"]], expected[1:], atol=1e-9
    )
    # Widened for what no resample of one example shows.
    assert found.loc["balanced_accuracy", "low"] < expected[0, 0]
    assert found.loc["balanced_accuracy", "high"] > expected[0, 1]
