"""Thresholds of yes-or-no labels, chosen on validation data."""

import re
import warnings

import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats
from sklearn.metrics import (
    balanced_accuracy_score,
    f1_score,
    precision_recall_curve,
    precision_score,
    recall_score,
)

from keras_ccar.layers import (
    CostSensitiveDecision,
    LogitCorrection,
    TemperatureScaling,
    Thresholds,
)
from keras_ccar.posthoc.calibration.temperatures import calibrate
from keras_ccar.posthoc.composition import chain
from keras_ccar.posthoc.conformal.prediction_sets import prediction_sets
from keras_ccar.posthoc.decisions.alarm_rate import alarm_rate_at_most
from keras_ccar.posthoc.decisions.least_recall import recall_at_least
from keras_ccar.posthoc.decisions.objectives import precision_at_least
from keras_ccar.posthoc.decisions.thresholds import tune_thresholds
from keras_ccar.posthoc.prior.logit_correction import tune_logit_correction
from keras_ccar.posthoc.prior.prior_estimation import estimate_prior

NAN = float("nan")
RNG = np.random.default_rng(0)
Y = (RNG.random((300, 3)) < [0.1, 0.3, 0.6]).astype("float32")
LOGITS = (RNG.normal(size=(300, 3)) + 1.5 * Y - [2.5, 1, 0]).astype("float32")


def sigmoid(logits):
    return 1 / (1 + np.exp(-np.asarray(logits, "float64")))


P = sigmoid(LOGITS)


def by_hand(p, y, score):
    """The best score over thresholds between all neighbours, and below and above."""
    values = np.unique(p)
    cuts = [0, *(values[1:] + values[:-1]) / 2, (1 + values[-1]) / 2]
    scores = np.array([score(y, (p >= cut).astype(int)) for cut in cuts])
    return scores.max(), cuts[np.flatnonzero(scores >= scores.max() - 1e-12)[-1]]


def mean_cost(costs):
    return lambda y, d: -np.mean([costs[int(a)][b] for a, b in zip(y, d, strict=True)])


@pytest.mark.parametrize(
    ("objective", "score"),
    [
        ("f1", lambda y, d: f1_score(y, d, zero_division=0)),
        ("balanced_accuracy", balanced_accuracy_score),
        ([[0, 1], [7, 0]], mean_cost([[0, 1], [7, 0]])),
        ([[-0.1, 2], [0, -3]], mean_cost([[-0.1, 2], [0, -3]])),
    ],
)
def test_the_best_threshold_of_each_label(objective, score):
    tuned = tune_thresholds(LOGITS, Y, objective=objective)
    assert tuned.thresholds.dtype == np.float64
    for label in range(3):
        best, threshold = by_hand(P[:, label], Y[:, label], score)
        decided = (P[:, label] >= tuned.thresholds[label]).astype(int)
        np.testing.assert_allclose(score(Y[:, label], decided), best)
        np.testing.assert_allclose(tuned.thresholds[label], threshold, rtol=1e-9)
    # The layer decides in float32 as was counted in float64.
    decisions = ops.convert_to_numpy(tuned.layer(LOGITS))
    np.testing.assert_array_equal(decisions, tuned.thresholds <= P)
    layer = Thresholds(tuned.thresholds, from_logits=False)
    decisions = ops.convert_to_numpy(layer(P.astype("float32")))
    np.testing.assert_array_equal(decisions, tuned.thresholds <= P)


def test_each_label_has_its_own_costs():
    costs = np.array([[[0, 1], [k, 0]] for k in (1, 5, 20)])
    tuned = tune_thresholds(LOGITS, Y, objective=costs)
    for label in range(3):
        alone = tune_thresholds(LOGITS[:, [label]], Y[:, label], objective=costs[label])
        assert alone.thresholds[0] == tuned.thresholds[label]
    with pytest.raises(ValueError, match=r"`objective` must have costs of shape.*3 l"):
        tune_thresholds(LOGITS, Y, objective=costs[:2])


def test_each_label_has_its_own_objective():
    costs = [[0, 1], [7, 0]]
    objectives = ["f1", recall_at_least(0.8), costs]
    tuned = tune_thresholds(LOGITS, Y, objective=objectives)
    for label, objective in enumerate(objectives):
        alone = tune_thresholds(LOGITS[:, [label]], Y[:, label], objective=objective)
        assert alone.thresholds[0] == tuned.thresholds[label]
    assert tuned.chosen["cost"].isna().tolist() == [True, True, False]
    text = tuned.describe()
    assert "thresholds for f1, recall_at_least(0.8), costs [[0.0, 1.0], [7.0, " in text
    assert text.count("f1 ") == text.count("cost ") == 1
    assert tuned.figure().axes[0].get_ylabel() == "f1, precision, cost"
    message = r"`objective` must be one .* model's 3 labels. Received: a list of 2"
    with pytest.raises(ValueError, match=message):
        tune_thresholds(LOGITS, Y, objective=("f1", "f1"))
    with pytest.raises(
        ValueError, match=r"`objective\[1\]` must be \"f1\".*'accuracy'"
    ):
        tune_thresholds(LOGITS, Y, objective=["f1", "accuracy", "f1"])


@pytest.mark.parametrize("least", [0.3, 0.5, 0.75])
def test_precision_at_least(least):
    tuned = tune_thresholds(
        LOGITS[:, 1:], Y[:, 1:], objective=precision_at_least(least)
    )
    for label in (0, 1):
        y, p = Y[:, label + 1], P[:, label + 1]
        precision, recall, _ = precision_recall_curve(y, p)
        decided = p >= tuned.thresholds[label]
        assert precision_score(y, decided) >= least
        # The last of scikit-learn's points answers no yes.
        reached = recall[:-1][precision[:-1] >= least]
        np.testing.assert_allclose(recall_score(y, decided), reached.max())


@pytest.mark.parametrize("least", [0.2, 0.8, 1])
def test_recall_at_least(least):
    tuned = tune_thresholds(LOGITS, Y, objective=recall_at_least(least))
    for label in range(3):
        y, p = Y[:, label], P[:, label]
        precision, recall, _ = precision_recall_curve(y, p)
        decided = p >= tuned.thresholds[label]
        assert recall_score(y, decided) >= least
        np.testing.assert_allclose(
            precision_score(y, decided), precision[:-1][recall[:-1] >= least].max()
        )


@pytest.mark.parametrize(("least", "confidence"), [(0.6, 0.95), (0.75, 0.8)])
def test_recall_at_least_with_a_confidence(least, confidence):
    goal = recall_at_least(least, confidence=confidence)
    tuned = tune_thresholds(LOGITS[:, :1], Y[:, :1], objective=goal)
    y, p = Y[:, 0], P[:, 0]
    found, precisions = [], []
    for threshold in np.append(0, np.unique(p)):
        hits = int((p[y == 1] >= threshold).sum())
        sure = stats.binomtest(hits, int(y.sum()), alternative="greater")
        if sure.proportion_ci(confidence, method="exact").low >= least:
            found.append(hits / y.sum())
            precisions.append(precision_score(y, p >= threshold))
    assert tuned.chosen["recall"][0] == pytest.approx(found[np.argmax(precisions)])
    assert tuned.chosen["recall"][0] > least
    assert repr(goal) == f"recall_at_least({least}, confidence={confidence})"


def test_a_confidence_holds_on_new_data():
    rng = np.random.default_rng(0)
    goal, held = recall_at_least(0.8, confidence=0.9), []
    for _ in range(200):
        labels = np.repeat([0, 1], [60, 25])
        scores = rng.normal(size=(85, 1)) + 1.5 * labels[:, None]
        threshold = tune_thresholds(scores, labels, objective=goal).thresholds[0]
        # The true recall of scores with this mean.
        held.append(stats.norm.sf(np.log(threshold / (1 - threshold)) - 1.5) >= 0.8)
    assert np.mean(held) > 0.87


def test_a_confidence_that_needs_more_examples_says_how_many():
    labels = np.repeat([0, 1], [30, 10])
    scores = np.linspace(-2, 2, 40)[:, None]
    goal = recall_at_least(0.8, confidence=0.95)
    message = r"at least 0\.7411\. Ask for less, or hold out at least 14 examples"
    with pytest.raises(ValueError, match=message):
        tune_thresholds(scores, labels, objective=goal)
    enough = np.repeat([0, 1], [30, 14])
    scores = np.linspace(-2, 2, 44)[:, None]
    tuned = tune_thresholds(scores, enough, objective=goal)
    assert tuned.chosen["recall"][0] == 1
    with pytest.raises(ValueError, match="`recall` must be a number below 1 with a"):
        recall_at_least(1, confidence=0.95)


def test_a_precision_that_is_out_of_reach():
    with pytest.raises(
        ValueError, match=r"`precision` must be .*1 for label frog, who"
    ):
        tune_thresholds(
            np.array([[3.0], [2], [1], [0]] * 5),
            np.array([0, 1, 1, 0] * 5),
            objective=precision_at_least(1),
            class_names=["frog"],
        )


def test_the_curve():
    tuned = tune_thresholds(LOGITS, Y, objective=[[0, 1], [7, 0]])
    names = [
        "label",
        "threshold",
        "precision",
        "recall",
        "alarm_rate",
        "f1",
        "balanced_accuracy",
        "cost",
    ]
    assert list(tuned.curve) == names
    assert list(tuned.chosen) == names
    row = tuned.curve[tuned.curve["label"] == 1].iloc[40]
    decided = (P[:, 1] >= row["threshold"]).astype(int)
    y = Y[:, 1]
    np.testing.assert_allclose(
        row.to_numpy(dtype=float)[2:],
        [
            precision_score(y, decided),
            recall_score(y, decided),
            decided.mean(),
            f1_score(y, decided),
            balanced_accuracy_score(y, decided),
            -mean_cost([[0, 1], [7, 0]])(y, decided),
        ],
    )
    first, last = tuned.curve[tuned.curve["label"] == 0].iloc[[0, -1]].to_numpy()
    assert first[1] == 0
    assert first[3] == 1
    assert np.isnan(last[2])
    assert last[3] == 0


def test_a_long_curve_is_thinned():
    p = RNG.random((5000, 1))
    y = (RNG.random((5000, 1)) < p).astype(int)
    tuned = tune_thresholds(p, y, from_logits=False)
    assert 900 < len(tuned.curve) <= 1000
    assert tuned.thresholds[0] in tuned.curve["threshold"].to_numpy()


def test_probabilities_that_float32_cannot_tell_apart():
    """No threshold lies between them, although float64 would separate them."""
    p = np.array([0.5, 0.5 + 1e-9] * 10 + [0.1] * 5 + [0.9] * 5)[:, None]
    y = np.array([0, 1] * 10 + [0] * 5 + [1] * 5)
    tuned = tune_thresholds(p, y, from_logits=False)
    np.testing.assert_allclose(tuned.curve["threshold"], [0, 0.3, 0.7, 0.95])
    certain = np.array([[0.0], [1.0]] * 5)
    tuned = tune_thresholds(certain, np.array([0, 1] * 5), from_logits=False)
    np.testing.assert_allclose(tuned.thresholds, [0.5])


def test_of_equal_thresholds_the_largest():
    p = np.array([0.1, 0.4, 0.6, 0.8] * 5)[:, None]
    y = np.array([0, 1, 0, 1] * 5)
    # Balanced accuracy is 0.75 from 0.1 on and from 0.6 on.
    tuned = tune_thresholds(p, y, objective="balanced_accuracy", from_logits=False)
    np.testing.assert_allclose(tuned.thresholds, [0.7])


@pytest.mark.parametrize("missing", [NAN, -1.0])
def test_missing_answers_do_not_count(missing):
    y = Y.copy()
    y[:100, 1] = missing
    tuned = tune_thresholds(LOGITS, y, ignore_value=missing)
    alone = tune_thresholds(LOGITS[100:, [1]], Y[100:, [1]])
    full = tune_thresholds(LOGITS, Y)
    assert tuned.thresholds[1] == alone.thresholds[0]
    assert tuned.thresholds[[0, 2]].tolist() == full.thresholds[[0, 2]].tolist()


@pytest.mark.parametrize("activation", [None, "sigmoid"])
def test_a_model(activation):
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(3, activation=activation)]
    )
    model.layers[-1].kernel.assign(np.eye(3))
    tuned = tune_thresholds(model, (LOGITS, Y), class_counts=[[9, 1]] * 3)
    assert tuned.layer.from_logits is (activation is None)
    np.testing.assert_allclose(
        tuned.thresholds, tune_thresholds(LOGITS, Y).thresholds, rtol=1e-4
    )
    with pytest.raises(ValueError, match=r"`validation` must hold no example"):
        tune_thresholds(model, (LOGITS, Y), [[9, 1]] * 3, train=(LOGITS[:5], Y[:5]))


def test_is_described_and_drawn():
    tuned = tune_thresholds(LOGITS, Y, class_names=["a", "b", "c"])
    text = tuned.describe()
    assert "thresholds for f1" in text
    assert f"b: {tuned.thresholds[1]:.4g} (precision " in text
    assert "recall" in repr(tuned)
    assert "<img" in tuned._repr_html_()
    axes = tuned.figure().axes[0]
    assert [text.get_text() for text in axes.get_legend().texts] == ["a", "b", "c"]
    assert axes.get_ylabel() == "f1"
    many = tune_thresholds(np.tile(LOGITS, 4), np.tile(Y, 4))
    assert many.describe().endswith("and 7 more")
    assert many.figure().axes[0].get_legend() is None


def test_labels_without_an_answer():
    y = Y.copy()
    y[:, 2] = 0
    with pytest.raises(ValueError, match=r"`validation` must have examples of yes"):
        tune_thresholds(LOGITS[:, 2:], y[:, 2:])
    y[:3, 2] = 1
    with pytest.warns(UserWarning, match=r"`validation` has under 5 examples"):
        tune_thresholds(LOGITS, y)


@pytest.mark.parametrize(
    "objective", [None, "accuracy", 3, [1, 2], [[0, NAN], [1, 0]], np.zeros((0, 2, 2))]
)
def test_wrong_objectives(objective):
    with pytest.raises(ValueError, match=r'`objective` must be "f1", "balanced_acc'):
        tune_thresholds(LOGITS, Y, objective=objective)


def test_wrong_arguments():
    with pytest.raises(ValueError, match=r"`objective` must be costs that differ"):
        tune_thresholds(LOGITS, Y, objective=[[1, 1], [2, 2]])
    gains = [[[0, 1], [1, 0]], [[0, -5], [-120, 80]], [[0, 1], [1, 0]]]
    with pytest.raises(ValueError, match=r"`objective` must be higher for.*lost: of g"):
        tune_thresholds(LOGITS, Y, objective=gains)
    with pytest.raises(ValueError, match=r"classes .* for `keras_ccar.layers.CostSens"):
        tune_thresholds(LOGITS, Y, objective=1 - np.eye(3))
    for shape in ((len(Y), 2), (len(Y), 2, 2)):
        of_examples = np.broadcast_to([0.0, 5.0], shape)
        with pytest.raises(ValueError, match="no single threshold is best: say yes wh"):
            tune_thresholds(LOGITS, Y, objective=of_examples)
    for wrong in (-0.1, 1.5, NAN, "no", None, True):
        with pytest.raises(ValueError, match=r"`precision` must be a finite number"):
            precision_at_least(wrong)
        with pytest.raises(ValueError, match=r"`recall` must be a finite number"):
            recall_at_least(wrong)
    for names in (["fraud"], ["genuine", "fraud"]):
        tuned = tune_thresholds(LOGITS[:, :1], Y[:, :1], class_names=names)
        assert tuned.chosen["label"].tolist() == ["fraud"]
    with pytest.raises(ValueError, match=r"or two for a single one.*3 names for 1"):
        tune_thresholds(LOGITS[:, :1], Y[:, :1], class_names=["a", "b", "c"])
    with pytest.raises(ValueError, match=r"`class_names` must have one name.*2 names"):
        tune_thresholds(LOGITS, Y, class_names=["a", "b"])
    with pytest.raises(ValueError, match=r"`class_counts` must have one entry"):
        tune_thresholds(LOGITS, Y, class_counts=[[9, 1]] * 2)
    with pytest.raises(ValueError, match=r"`class_counts`"):
        tune_thresholds(LOGITS, Y, num_examples=10)
    with pytest.raises(ValueError, match=r"`from_logits` must be given"):
        tune_thresholds(P, Y)


def test_classes_that_exclude_each_other():
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(3, activation="softmax")]
    )
    with pytest.raises(ValueError, match=r"`model` must have yes-or-no.*CostSensitive"):
        tune_thresholds(model, (LOGITS, Y.argmax(1)))


def one_label_model():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.set_weights([np.array([[3.0]]), np.array([-4.5 - np.log(19)])])
    model.compile("sgd", keras.losses.BinaryCrossentropy(from_logits=True))
    return model


def bell_curves(share, num, seed):
    rng = np.random.default_rng(seed)
    y = (rng.random(num) < share).astype(int)
    return (rng.normal(size=num) + 3 * y)[:, None].astype("float32"), y


OLD, NEW = bell_curves(0.05, 4000, 0), bell_curves(0.3, 4000, 1)
COUNTS = [9500, 500]
OTHER = r"other shares of yes than the `target_prior`.*0\.0\d+ instead of 0\.[23]"


@pytest.mark.slow
def test_warns_of_validation_data_with_the_old_prior():
    model, costs = one_label_model(), [[0, 1], [50, 0]]
    estimated = estimate_prior(model, NEW[0], COUNTS)
    adapted = chain(model, estimated)
    with pytest.warns(UserWarning, match=f"{OTHER}.*CostSensitiveDecision") as caught:
        wrong = tune_thresholds(adapted, OLD, objective=costs)
    ours = [warning for warning in caught if warning.category is UserWarning]
    assert [warning.filename for warning in ours] == [__file__]

    def cost(whole):
        says_yes = whole.predict(NEW[0], verbose=0)[:, 0]
        return np.mean(np.where(NEW[1], 50 * (1 - says_yes), says_yes))

    # What the message says helps.
    assert cost(chain(adapted, CostSensitiveDecision(costs))) < cost(
        chain(adapted, wrong)
    )
    rows = np.r_[np.flatnonzero(OLD[1])[:80], np.flatnonzero(OLD[1] == 0)[:190]]
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        tune_thresholds(adapted, (OLD[0][rows], OLD[1][rows]), objective=costs)
        tune_thresholds(adapted, NEW)
        # Neither a balanced target nor the prior of the data is another one.
        for correction in (
            LogitCorrection(COUNTS),
            LogitCorrection(COUNTS, target_prior=0.5),
            LogitCorrection(COUNTS, target_prior=0.05),
            LogitCorrection(COUNTS, trained_prior="balanced"),
            LogitCorrection(COUNTS, 0.0, target_prior=0.3),
        ):
            tune_thresholds(chain(model, correction), OLD)
        # The correction is followed by another one, which decides.
        balanced = LogitCorrection(COUNTS, trained_prior=0.3, target_prior=0.05)
        tune_thresholds(keras.Sequential([*adapted.layers, balanced]), OLD)


@pytest.mark.parametrize("target", [0.3, [0.7, 0.3]])
def test_warns_of_the_old_prior_in_every_form(target):
    model = one_label_model()
    for counts in (COUNTS, [COUNTS]):
        if counts != COUNTS and target != 0.3:
            continue
        adapted = chain(model, LogitCorrection(counts, target_prior=target))
        adapted = chain(adapted, TemperatureScaling(1.2))
        with pytest.warns(UserWarning, match=OTHER):
            tune_thresholds(adapted, OLD)
        with pytest.warns(UserWarning, match=f"{OTHER}.*Calibrate the model that"):
            calibrate(adapted, OLD)
        with pytest.warns(UserWarning, match=f"{OTHER}.*Tune the model that"):
            tune_logit_correction(adapted, OLD, COUNTS, taus=[0, 1], adjusted=True)


@pytest.mark.parametrize("form", [COUNTS, [COUNTS], {0: 9500, 1: 500}])
def test_a_target_is_meant_however_near_it_is(form):
    """One validation set of the old prior, and one of the new, 1.4 times as often yes.

    Neither is far enough from the target for chance to be ruled out.
    """
    model = one_label_model()
    adapted = chain(model, LogitCorrection(form, target_prior=0.07))
    old, new = bell_curves(0.05, 500, 2), bell_curves(0.07, 500, 3)
    with pytest.warns(UserWarning, match="other shares of yes.*0.0.* instead of 0.07"):
        tune_thresholds(adapted, old)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        tune_thresholds(adapted, new)
        # Counts of 10000 do not tell this from the prior that they have.
        same = chain(model, LogitCorrection(form, target_prior=0.052))
        tune_thresholds(same, old)


def test_warns_of_the_old_class_frequencies():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2)])
    model.set_weights([np.array([[0.0, 3.0]]), np.array([0.0, -4.5 - np.log(19)])])
    adapted = chain(model, LogitCorrection(COUNTS, target_prior=[0.7, 0.3]))
    message = r"`calibration` has other class frequencies.*Find the sets of the model"
    with pytest.warns(UserWarning, match=message):
        prediction_sets(adapted, OLD)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        prediction_sets(adapted, NEW)


def tags(num=400):
    rng = np.random.default_rng(5)
    y = (rng.random((num, 4)) < [0.3, 0.2, 0.1, 0.05]).astype("float64")
    return rng.normal(size=y.shape) + 2 * y, y


@pytest.mark.parametrize("lacking", [0, 3])
@pytest.mark.parametrize("answer", [0, 1])
def test_a_label_without_an_answer_stays_and_others_are_tuned(lacking, answer):
    z, y = tags()
    expected = tune_thresholds(z, y)
    y[:, lacking] = answer
    names = ["a", "b", "c", "d"]
    with pytest.warns(UserWarning, match=f"of 1 of 4.*none of no: {names[lacking]}"):
        tuned = tune_thresholds(z, y, class_names=names)
    others = np.arange(4) != lacking
    assert tuned.thresholds[lacking] == 0.5
    np.testing.assert_array_equal(tuned.thresholds[others], expected.thresholds[others])
    figures = tuned.chosen.drop(columns=["label", "threshold"]).to_numpy()
    np.testing.assert_array_equal(np.isnan(figures).all(axis=1), ~others)
    assert tuned.chosen["label"].tolist() == names
    assert f"{names[lacking]}: 0.5 (not tuned)" in tuned.describe()
    assert len(tuned.figure().axes[0].lines) == 6  # a line and a dot of each
    assert tuned.layer.thresholds == tuned.thresholds.tolist()


def test_a_label_that_cannot_reach_its_precision_stays():
    z, y = tags()
    z[:, 1] = -z[:, 1]
    goal = precision_at_least(0.6)
    with pytest.warns(UserWarning, match="of 1 of 4.*label 1, whose largest is"):
        tuned = tune_thresholds(z, y, objective=goal)
    assert tuned.thresholds[1] == 0.5
    assert (tuned.chosen["precision"].drop(1) >= 0.6).all()
    with pytest.raises(ValueError, match="`precision` must be one that a threshold"):
        tune_thresholds(z[:, 1:2], y[:, 1:2], objective=goal)
    with pytest.raises(ValueError, match="examples of yes and of no of every label"):
        tune_thresholds(z, y * 0)


def test_the_advice_for_tags_holds_them_out():
    from sklearn.model_selection import train_test_split

    z, y = tags(200)
    y[:, 3] = 0
    y[:30, 3] = 1
    y[40:50, :2] = np.nan
    with pytest.warns(UserWarning, match="stays 0.5") as told:
        tune_thresholds(z[30:], y[30:], ignore_value=np.nan)
    advice = re.search(r"stratify=(.*?)\)` does", str(told[-1].message))[1]
    by = eval(advice, {"numpy": np, "y": y})
    _, held_z, _, held_y = train_test_split(z, y, stratify=by, random_state=0)
    found = tune_thresholds(held_z, held_y, ignore_value=np.nan)
    assert not found.chosen["recall"].isna().any()


@pytest.mark.parametrize("share", [0.0026, 0.01, 0.05, 0.3, 1.0])
def test_at_most_so_many_alarms(share):
    z, y = tags()
    tuned = tune_thresholds(z, y, objective=alarm_rate_at_most(share))
    says_yes = np.asarray(tuned.layer(z.astype("float32"))) == 1
    assert (says_yes.mean(axis=0) <= share).all()
    np.testing.assert_allclose(tuned.chosen["alarm_rate"], says_yes.mean(axis=0))
    most = int(share * len(z))
    for label in range(4):
        best = np.argsort(-z[:, label])[:most]
        recall = y[best, label].sum() / y[:, label].sum()
        assert tuned.chosen["recall"][label] == pytest.approx(recall)
    assert "alarm rate" in tuned.describe()


def test_too_many_certain_alarms():
    p, y = np.array([[1.0]] * 9 + [[0.1]] * 9), np.array([1] * 8 + [0] * 10)
    kept = tune_thresholds(p, y, objective=alarm_rate_at_most(0.5), from_logits=False)
    assert kept.chosen["alarm_rate"][0] == 0.5
    with pytest.raises(ValueError, match=r"`share` must be one that.*alarms is 0\.5"):
        tune_thresholds(p, y, objective=alarm_rate_at_most(0.2), from_logits=False)
    for wrong in (0, -0.1, 1.5, NAN, "no", None, True):
        with pytest.raises(ValueError, match="`share` must be a finite number"):
            alarm_rate_at_most(wrong)
    with pytest.raises(ValueError, match="100 a day of N cases a day, pass 100 / N"):
        alarm_rate_at_most(100)
