"""The report of each class against scikit-learn."""

import json
import math

import keras
import numpy as np
import pandas
import pytest
from sklearn import metrics

from keras_ccar.layers import LogitCorrection
from keras_ccar.posthoc import evaluate_classes

COUNTS = [500, 200, 80, 40, 15, 6]
K = len(COUNTS)
RNG = np.random.default_rng(0)
LABELS = np.repeat(np.arange(K), [60, 50, 40, 30, 20, 10])
LOGITS = RNG.normal(size=(len(LABELS), K)) + 1.5 * np.eye(K)[LABELS]
LOGITS[:, 5] -= 9.0  # never answered
TAGS = (RNG.uniform(size=(300, 4)) < [0.5, 0.3, 0.2, 0.1]).astype("float64")
TAG_LOGITS = RNG.normal(size=TAGS.shape) + 2.5 * TAGS - 1.8
TAG_COUNTS = [[500, 500], [700, 300], [800, 200], [900, 15]]


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits))


def naive_calibration_error(confidence, hits, bins=15):
    error = 0.0
    for b in range(bins):
        inside = (confidence > b / bins) & (confidence <= (b + 1) / bins)
        if inside.any():
            gap = abs(hits[inside].mean() - confidence[inside].mean())
            error += inside.mean() * gap
    return error


def evaluate(logits, labels, counts, **options):
    return evaluate_classes(logits, labels, counts, resamples=20, **options)


def test_columns_equal_those_of_scikit_learn():
    report = evaluate(LOGITS, LABELS, COUNTS)
    answers, p = LOGITS.argmax(axis=1), softmax(LOGITS)
    expected = metrics.precision_recall_fscore_support(LABELS, answers, zero_division=0)
    rows = report.to_frame()
    for name, values in zip(
        ("precision", "recall", "f1", "support"), expected, strict=True
    ):
        np.testing.assert_allclose(rows[name], values, atol=1e-6)
    areas = [metrics.average_precision_score(k == LABELS, p[:, k]) for k in range(K)]
    np.testing.assert_allclose(rows["average_precision"], areas, atol=1e-6)
    confidence = [p[k == LABELS, k].mean() for k in range(K)]
    np.testing.assert_allclose(rows["mean_confidence"], confidence, atol=1e-6)
    gaps = [
        p[answers == k, k].mean() - (LABELS[answers == k] == k).mean() for k in range(5)
    ]
    np.testing.assert_allclose(rows["calibration_gap"], [*gaps, np.nan], atol=1e-6)
    assert rows["training_examples"].tolist() == COUNTS
    groups = ["many", "many", "medium", "medium", "few", "few"]
    assert rows["shot_group"].tolist() == groups
    confusion = metrics.confusion_matrix(LABELS, answers)
    np.fill_diagonal(confusion, 0)
    expected = [str(k) for k in confusion.argmax(axis=1)]
    assert rows["most_frequent_wrong_answer"].tolist() == expected


def test_totals_equal_those_of_scikit_learn():
    value = evaluate(LOGITS, LABELS, COUNTS).totals["value"]
    answers, p = LOGITS.argmax(axis=1), softmax(LOGITS)
    recalls = metrics.recall_score(LABELS, answers, average=None)
    expected = {
        "accuracy": metrics.accuracy_score(LABELS, answers),
        "balanced_accuracy": metrics.balanced_accuracy_score(LABELS, answers),
        "macro_f1": metrics.f1_score(LABELS, answers, average="macro", zero_division=0),
        "geometric_mean": math.prod(recalls) ** (1 / K),
        "many": recalls[:2].mean(),
        "medium": recalls[2:4].mean(),
        "few": recalls[4:].mean(),
        "calibration_error": naive_calibration_error(p.max(axis=1), answers == LABELS),
        "log_loss": metrics.log_loss(LABELS, p, labels=range(K)),
    }
    assert value.index.tolist() == list(expected)
    np.testing.assert_allclose(value, list(expected.values()), atol=1e-6)


def test_totals_of_probabilities_of_0():
    p = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    report = evaluate(p, [0, 0, 1], [30, 5], from_logits=False)
    expected = metrics.log_loss([0, 0, 1], p)
    np.testing.assert_allclose(report.totals.loc["log_loss", "value"], expected)


def test_labels_equal_those_of_scikit_learn():
    tags = TAGS.copy()
    tags[:20, 1] = np.nan
    report = evaluate(TAG_LOGITS, tags, TAG_COUNTS, ignore_value=float("nan"))
    p = sigmoid(TAG_LOGITS)
    balanced, losses, f1 = [], [], []
    for k in range(4):
        known = ~np.isnan(tags[:, k])
        y, q = tags[known, k], p[known, k]
        row = report.classes.iloc[k]
        said = q > 0.5
        f1.append(metrics.f1_score(y, said))
        assert row["support"] == y.sum()
        np.testing.assert_allclose(row["precision"], metrics.precision_score(y, said))
        np.testing.assert_allclose(row["recall"], metrics.recall_score(y, said))
        np.testing.assert_allclose(row["f1"], f1[-1])
        np.testing.assert_allclose(
            row["average_precision"], metrics.average_precision_score(y, q)
        )
        balanced.append(metrics.balanced_accuracy_score(y, said))
        losses.append(metrics.log_loss(y, q))
    value = report.totals["value"]
    np.testing.assert_allclose(value["balanced_accuracy"], np.mean(balanced))
    np.testing.assert_allclose(value["macro_f1"], np.mean(f1))
    np.testing.assert_allclose(value["log_loss"], np.mean(losses))
    known = ~np.isnan(tags)
    error = naive_calibration_error(p[known], tags[known])
    np.testing.assert_allclose(value["calibration_error"], error)
    assert report.classes["training_examples"].tolist() == [500, 300, 200, 15]
    np.testing.assert_allclose(value["few"], balanced[3])


@pytest.mark.parametrize(
    ("names", "rows"),
    [
        (None, ["no", "yes"]),
        (["fraud"], ["not fraud", "fraud"]),
        (["a", "b"], ["a", "b"]),
    ],
)
def test_one_label_has_a_row_for_no_and_for_yes(names, rows):
    labels, logits = TAGS[:, 3], TAG_LOGITS[:, 3:]
    report = evaluate(logits, labels, [900, 15], class_names=names)
    said = logits[:, 0] > 0
    assert report.classes.index.tolist() == rows
    recalls = metrics.recall_score(labels, said, average=None)
    np.testing.assert_allclose(report.classes["recall"], recalls)
    assert report.classes["training_examples"].tolist() == [900, 15]
    error = naive_calibration_error(sigmoid(logits[:, 0]), labels)
    np.testing.assert_allclose(report.totals.loc["calibration_error", "value"], error)


def test_a_class_without_examples_is_left_out():
    kept = LABELS != 2
    report = evaluate(LOGITS[kept], LABELS[kept], COUNTS)
    assert report.classes["support"].iloc[2] == 0
    assert math.isnan(report.classes["recall"].iloc[2])
    answers = LOGITS[kept].argmax(axis=1)
    recalls = metrics.recall_score(
        LABELS[kept], answers, average=None, labels=[0, 1, 3, 4, 5]
    )
    value = report.totals["value"]
    np.testing.assert_allclose(value["balanced_accuracy"], recalls.mean())
    np.testing.assert_allclose(value["medium"], recalls[2])


def test_a_label_that_is_unknown_in_all_rows_is_left_out(tmp_path):
    p = RNG.random((200, 3))
    y = (RNG.random((200, 3)) < p).astype(float)
    counts, given = [[9, 9]] * 3, {"from_logits": False, "resamples": 50}
    rest = evaluate_classes(p[:, ::2], y[:, ::2], counts[::2], **given)
    y[:, 1] = -1
    report = evaluate_classes(p, y, counts, ignore_value=-1, **given)
    row = report.classes.loc["1"]
    assert row["support"] == 0
    assert row["most_frequent_wrong_answer"] == ""
    assert (
        row.drop(
            ["training_examples", "shot_group", "support", "most_frequent_wrong_answer"]
        )
        .isna()
        .all()
    )
    np.testing.assert_allclose(report.totals["value"], rest.totals["value"])
    report.to_html(tmp_path / "report.html")
    report.to_json(tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text())
    for columns in (slice(0, 3), slice(1, 2)):
        with pytest.raises(
            ValueError, match=r"answers of yes or no.*none that is known"
        ):
            evaluate_classes(
                p[:, columns], 0 * y[:, columns] - 1, ignore_value=-1, from_logits=False
            )


@pytest.mark.parametrize("with_counts", [True, False])
@pytest.mark.parametrize("ignore_class", [-1, 2, 255])
def test_rows_of_zeros_are_left_out_with_an_ignore_class(with_counts, ignore_class):
    """As the losses leave them out, also of pictures."""
    logits = RNG.normal(size=(4, 5, 6, 3))
    classes = RNG.integers(0, 3, (4, 5, 6))
    rows = np.eye(3)[classes]
    is_void = RNG.random((4, 5, 6)) < 0.3
    rows[is_void] = 0
    is_void |= classes == ignore_class
    counts = [50, 40, 30] if with_counts else None
    given = {"from_logits": True, "resamples": 20}
    expected = evaluate_classes(
        logits[~is_void][:, None], classes[~is_void][:, None], counts, **given
    )
    report = evaluate_classes(logits, rows, counts, ignore_class=ignore_class, **given)
    pandas.testing.assert_frame_equal(report.classes, expected.classes)
    pandas.testing.assert_frame_equal(report.totals, expected.totals)
    if with_counts:
        with pytest.raises(
            ValueError, match="zeros are left out with an `ignore_class`"
        ):
            evaluate_classes(logits, rows, counts, **given)


@pytest.mark.slow
@pytest.mark.parametrize("support", [[200, 100], [60, 40, 20, 4, 3, 2, *[1] * 6]])
def test_intervals_hold_the_truth_as_often_as_they_say(support):
    rng, accuracy, inside = np.random.default_rng(1), 0.7, 0
    labels = np.repeat(np.arange(len(support)), support)
    wrong = (labels + 1) % len(support)
    for seed in range(100):
        is_right = rng.uniform(size=len(labels)) < accuracy
        answers = np.where(is_right, labels, wrong)
        logits = 9.0 * np.eye(len(support))[answers]
        report = evaluate_classes(logits, labels, resamples=100, seed=seed)
        _, low, high = report.totals.loc["balanced_accuracy"]
        inside += low <= accuracy <= high
    assert 88 <= inside <= 99


@pytest.mark.slow
@pytest.mark.parametrize(("columns", "share"), [(4, 1.0), (4, 0.6), (1, 1.0), (1, 0.6)])
def test_the_interval_of_the_calibration_error(columns, share):
    """Chance makes the error larger: its interval holds the value and the truth."""
    counts = [[900, 100]] * columns if columns > 1 else [900, 100]

    def draw(seed, num):
        rng = np.random.default_rng(seed)
        p = rng.beta(0.3, 6, size=(num, columns))
        return p, (rng.random(p.shape) < share * p).astype(int)

    p, y = draw(0, 500_000)
    truth = naive_calibration_error(p.ravel(), y.ravel()) if share < 1 else 0
    inside = 0
    for seed in range(40):
        report = evaluate_classes(
            *draw(seed, 800), counts, from_logits=False, resamples=60
        )
        value, low, high = report.totals.loc["calibration_error"]
        assert 0 <= low <= value <= high
        inside += low <= truth <= high
    assert inside >= 34


def test_a_calibrated_model_may_have_no_calibration_error():
    """The case of which the interval was above the value, by seed 22."""
    rng = np.random.default_rng(22)
    p = rng.beta(0.3, 6, size=(3000, 4))
    y = (rng.random(p.shape) < p).astype(int)
    totals = evaluate_classes(
        p, y, [[900, 100]] * 4, from_logits=False, resamples=100
    ).totals
    value, low, high = totals.loc["calibration_error"]
    assert low == 0 < value < high < 0.0052


def test_terciles():
    report = evaluate(LOGITS, LABELS, [9, 8, 7, 6, 5, 4], groups="terciles")
    expected = ["many", "many", "medium", "medium", "few", "few"]
    assert report.classes["shot_group"].tolist() == expected


def test_a_model_and_its_predictions_give_the_same():
    inputs = keras.Input((K,))
    model = keras.Model(inputs, keras.layers.Softmax()(inputs))
    of_model = evaluate(model, (LOGITS.astype("float32"), LABELS), COUNTS)
    of_array = evaluate(LOGITS, LABELS, COUNTS)
    np.testing.assert_allclose(
        of_model.totals["value"], of_array.totals["value"], atol=1e-6
    )


def test_files(tmp_path):
    names = ["<b>cat</b>", "$x$", "c", "d", "e", "猫"]
    report = evaluate(LOGITS, LABELS, COUNTS, class_names=names)
    written = json.loads(report.to_json(tmp_path / "a" / "r.json").read_text("utf-8"))
    assert [row["class"] for row in written["classes"]] == names
    assert written["classes"][5]["calibration_gap"] is None
    total = written["totals"]["balanced_accuracy"]
    assert total["low"] < total["value"] < total["high"]
    page = report.to_html(tmp_path / "r.html", title="R & D").read_text("utf-8")
    assert "R &amp; D" in page
    assert "&lt;b&gt;cat&lt;/b&gt;" in page
    assert "<b>cat" not in page
    assert page.count("<img") == 3
    assert "http" not in page
    assert "balanced accuracy" in report._repr_html_()


def test_pages_of_labels(tmp_path):
    report = evaluate(TAG_LOGITS, TAGS, TAG_COUNTS, class_names=["a", "b", "$c$", "d"])
    assert report.to_html(tmp_path / "r.html").read_text("utf-8").count("<img") == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": LABELS + 1}, r"`data` must have labels from 0 to 5.*Received: \[6"),
        ({"logits": LOGITS * np.nan}, "must be finite. Received: nan for 210 of 210"),
        ({"counts": [3, 2]}, "`class_counts` must have one entry for each column"),
        ({"class_names": ["a"]}, "`class_names` must have one name for each class"),
        ({"groups": "halves"}, "`groups` must be"),
        ({"labels": LABELS[:5]}, "must have one label for each prediction"),
        ({"logits": softmax(LOGITS)}, "`from_logits` must be given"),
    ],
)
def test_bad_input(change, message):
    arguments = {"logits": LOGITS, "labels": LABELS, "counts": COUNTS, **change}
    with pytest.raises(ValueError, match=message):
        evaluate(**arguments)


def test_says_what_arrays_were_received():
    x = np.zeros((200, 3), "float32")
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)])
    shown = r"data=an array of shape \(200, 3\) and dtype float32$"
    with pytest.raises(ValueError, match=f"`data` must be data with labels.*{shown}"):
        evaluate_classes(model, x, [9, 8, 7])
    p = np.full(2000, 0.4)
    message = r"shape \(2000,\) and dtype float64\. Pass `p\[:, None\]`"
    with pytest.raises(ValueError, match=message):
        evaluate_classes(p, np.arange(2000) % 2, [9, 1], from_logits=False)
    # As the message says.
    evaluate_classes(p[:, None], np.arange(2000) % 2, [9, 1], from_logits=False)


def test_yes_alone_is_no_count():
    logits, labels = np.array([[1.0], [-1.0]]), np.array([1, 0])
    for counts in ([67], 67):
        with pytest.raises(ValueError, match=r"of one yes-or-no label, \[no, yes\]"):
            evaluate_classes(logits, labels, counts)
        with pytest.raises(ValueError, match=r"Count the examples of no too"):
            LogitCorrection(counts)
    with pytest.raises(ValueError, match=r"`\S*count_classes` counts the training"):
        LogitCorrection(None)
    evaluate_classes(logits, labels, [600, 67])


def test_words_of_labels():
    answers = np.array([[1, 0], [0, 1], [1, 1], [0, 0]])
    logits = np.array([[1.0, -1.0], [1.0, 1.0], [1.0, 1.0], [-1.0, -1.0]])
    report = evaluate_classes(logits, answers, [[10, 500], [500, 10]])
    text = report.describe()
    assert "4 examples of 2 labels" in text
    assert "0.875, the mean of (recall + specificity) / 2 (many 0.750, few 1" in text
    report = evaluate_classes(np.eye(2) * 3, [0, 1], [500, 10])
    assert (
        "2 examples of 2 classes: balanced accuracy 1.000 (many 1" in report.describe()
    )


def test_words_of_labels_that_are_partly_unknown():
    """Examples are rows, whatever their labels say."""
    text = repr(evaluate(TAG_LOGITS, TAGS, TAG_COUNTS))
    assert text.startswith("<ClassReport: 300 examples of 4 labels: balanced")
    partly = TAGS.copy()
    partly[:100, 0] = np.nan
    partly[:10] = np.nan  # rows that tell nothing
    report = evaluate(TAG_LOGITS, partly, TAG_COUNTS, ignore_value=np.nan)
    # 290 rows of 4, but for 90 answers.
    assert "290 examples of 4 labels (1,070 of 1,160 answers known): bal" in repr(
        report
    )
    one = evaluate(TAG_LOGITS[:, :1], partly[:, :1], [500, 500], ignore_value=np.nan)
    assert "200 examples of 2 classes" in repr(one)


def model_of(activation, columns):
    layer = keras.layers.Dense(columns, activation=activation)
    model = keras.Sequential([keras.Input((K,)), layer])
    layer.set_weights([np.eye(K)[:, :columns], np.zeros(columns)])
    return model


@pytest.mark.parametrize(
    ("activation", "columns", "counts"),
    [("softmax", K, COUNTS), ("sigmoid", 1, [9, 1]), ("sigmoid", 4, TAG_COUNTS)],
)
def test_without_training_counts(activation, columns, counts, tmp_path):
    labels = {K: LABELS, 1: LABELS % 2, 4: (LOGITS[:, :4] > 0.5).astype("int64")}
    data = (LOGITS.astype("float32"), labels[columns])
    model = model_of(activation, columns)
    known = evaluate_classes(model, data, counts, resamples=5)
    report = evaluate_classes(model, data, resamples=5)
    groups = ["training_examples", "shot_group"]
    expected = known.classes.drop(columns=groups)
    pandas.testing.assert_frame_equal(report.classes, expected)
    totals = known.totals.drop(index=["many", "medium", "few"], errors="ignore")
    assert list(report.totals.index) == list(totals.index)
    np.testing.assert_array_equal(report.totals, totals)
    assert len(report.figures()) == 2
    assert "(many" not in report.describe()
    assert "<table" in report._repr_html_()
    page = report.to_html(tmp_path / "page.html").read_text("utf-8")
    assert "shot group" not in page
    assert "training examples" not in page
    assert (
        "few"
        not in json.loads(report.to_json(tmp_path / "r.json").read_text())["totals"]
    )


def test_groups_need_training_counts():
    for argument in ({"groups": "terciles"}, {"num_examples": 9}):
        (name,) = argument
        with pytest.raises(ValueError, match=f"must be given with `{name}`"):
            evaluate_classes(LOGITS, LABELS, **argument)


@pytest.mark.parametrize("answer", [0, 1])
def test_average_precision_is_not_known_without_a_rest(answer):
    """It would be 1 of any model."""
    logits = np.array([[2.0, -1], [-3, 1], [0, 2]])
    labels = np.array([[1, answer], [0, answer], [1, answer]])
    rows = evaluate(logits, labels.astype("float32"), [[5, 5], [5, 5]]).classes
    known = metrics.average_precision_score(labels[:, 0], logits[:, 0])
    np.testing.assert_allclose(rows["average_precision"], [known, np.nan])
