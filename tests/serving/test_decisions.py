"""Yes-or-no labels in an exported model: decisions, names and corrections."""

import keras
import numpy as np
import pytest
from served_models import X, close, head, needs_export, predicted, served, sigmoid

import keras_ccar
from keras_ccar import LogitCorrection
from keras_ccar.serving import export
from keras_ccar.serving.decisions import check_thresholds

NO_YES = [[480, 20], [250, 250], [490, 10]]
SHIFT = np.log([480 / 20, 1, 490 / 10])


def check(answer, probabilities, thresholds):
    close(answer["probabilities"], probabilities)
    close(answer["thresholds"], [thresholds] * len(X))
    expected = answer["probabilities"] >= np.array(thresholds, "float32")
    assert answer["decisions"].dtype == bool
    np.testing.assert_array_equal(answer["decisions"], expected)
    assert expected.any()
    assert not expected.all()


@needs_export
@pytest.mark.parametrize("thresholds", [0.5, [0.5, 0.2, 0.7]])
@pytest.mark.parametrize("activation", ["sigmoid", "hard_sigmoid"])
def test_labels(thresholds, activation, tmp_path):
    model = head(3, activation=activation)
    names = ["sky", "sea", "sun"]
    folder = export(model, tmp_path, names, thresholds=thresholds)
    answer = served(folder, x=X)
    check(answer, predicted(model), np.broadcast_to(thresholds, 3))
    assert answer["class_names"][0].tolist() == [b"sky", b"sea", b"sun"]
    assert set(served(folder, "probabilities", x=X)) == {"probabilities"}


@needs_export
def test_one_label_with_one_name(tmp_path):
    model = head(1)
    answer = served(export(model, tmp_path, ["fraud"], thresholds=[0.4]), x=X)
    check(answer, sigmoid(predicted(model)), [0.4])
    assert answer["class_names"].tolist() == [[b"fraud"]] * len(X)


@needs_export
def test_one_label_with_two_names(tmp_path):
    model = head(1)
    folder = export(model, tmp_path, ["genuine", "fraud"], thresholds=0.25)
    answer = served(folder, x=X)
    fraud = sigmoid(predicted(model))
    close(answer["probabilities"], np.concatenate([1 - fraud, fraud], axis=-1))
    close(answer["thresholds"], [[0.75, 0.25]] * len(X))
    is_fraud = answer["probabilities"][:, 1:] >= 0.25
    expected = np.concatenate([~is_fraud, is_fraud], axis=-1)
    np.testing.assert_array_equal(answer["decisions"], expected)


@needs_export
def test_labels_of_each_place(tmp_path):
    model = head(
        12, keras.layers.Reshape((2, 2, 3)), keras.layers.Activation("sigmoid")
    )
    answer = served(export(model, tmp_path, thresholds=[0.3, 0.5, 0.6]), x=X)
    check(answer, predicted(model), [0.3, 0.5, 0.6])


@needs_export
@pytest.mark.parametrize("activation", [None, "sigmoid"])
@pytest.mark.parametrize("given", ["counts", "positives"])
def test_corrected_labels(activation, given, tmp_path):
    """Of logits without a loss, the counts of the correction tell what they are."""
    correction = LogitCorrection(NO_YES)
    if given == "positives":
        correction = LogitCorrection([20, 250, 10], num_examples=500)
    model = head(3, activation=activation)
    folder = export(model, tmp_path, correction=correction, thresholds=0.9)
    z = predicted(model)
    z = np.log(z / (1 - z)) if activation else z
    check(served(folder, x=X), sigmoid(z + SHIFT), [0.9] * 3)


@needs_export
@pytest.mark.parametrize("names", [["fraud"], ["genuine", "fraud"]])
def test_recalibrated_label(names, tmp_path):
    model = head(1, activation="sigmoid")
    correction = LogitCorrection([480, 20], trained_prior="balanced")
    answer = served(export(model, tmp_path, names, correction), x=X)
    p = predicted(model)
    fraud = sigmoid(np.log(p / (1 - p)) - SHIFT[0])
    expected = fraud if len(names) == 1 else np.concatenate([1 - fraud, fraud], -1)
    close(answer["probabilities"], expected)


@needs_export
def test_a_correction_within_the_model(tmp_path):
    """It tells that its outputs are labels, also without a loss."""
    model = head(3, LogitCorrection(NO_YES))
    answer = served(export(model, tmp_path), x=X)
    close(answer["probabilities"], sigmoid(predicted(model)))
    assert set(answer) == {"probabilities", "class_names"}


@needs_export
def test_an_adjusted_model_that_is_recalibrated(tmp_path):
    """Warnings are errors."""
    counts = [500, 100, 20]
    model = head(3)
    model.compile("sgd", keras_ccar.BalancedSoftmaxLoss(counts, from_logits=True))
    correction = LogitCorrection(counts, trained_prior="balanced")
    answer = served(export(model, tmp_path, correction=correction), x=X)
    weighted = np.exp(predicted(model)) * counts
    close(answer["probabilities"], weighted / weighted.sum(axis=-1, keepdims=True))


REJECTED = {
    "classes": (
        lambda: head(3, activation="softmax"),
        {"thresholds": 0.5},
        "`thresholds` must be None unless .*labels.*end the model in a sigmoid",
    ),
    "too few": (
        lambda: head(3, activation="sigmoid"),
        {"thresholds": [0.5, 0.4]},
        "`thresholds` must be .*Received: 2 for 3 labels",
    ),
    "too many": (
        lambda: head(1),
        {"thresholds": [0.5, 0.4]},
        "Received: 2 for 1 label",
    ),
    "names of one label": (
        lambda: head(1),
        {"class_names": ["a", "b", "c"]},
        "1 classes. Received: 3. Name yes, or no and yes",
    ),
    "counts of classes": (
        lambda: head(3, activation="sigmoid"),
        {"correction": LogitCorrection([5, 3, 2])},
        r"`correction` must have counts of yes-or-no labels.*\(K, 2\)",
    ),
    "counts of two classes": (
        lambda: head(2, activation="sigmoid"),
        {"correction": LogitCorrection([5, 3])},
        r"`correction` must have counts of yes-or-no labels.*\(K, 2\)",
    ),
    "counts of labels": (
        lambda: head(3, activation="softmax"),
        {"correction": LogitCorrection(NO_YES)},
        r"`correction` must have counts of classes that exclude.*\(K,\)",
    ),
    "one label of several": (
        lambda: head(1),
        {"correction": LogitCorrection(NO_YES)},
        r"1 labels. Received: 3. For one .*`LogitCorrection\(\[no, yes\]\)`",
    ),
    "other labels": (
        lambda: head(2, activation="sigmoid"),
        {"correction": LogitCorrection(NO_YES)},
        "2 labels. Received: 3",
    ),
}


@needs_export
@pytest.mark.parametrize("case", REJECTED)
def test_rejects(case, tmp_path):
    build, options, message = REJECTED[case]
    with pytest.raises(ValueError, match=message):
        export(build(), tmp_path, **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "thresholds", [-0.1, 1.1, float("nan"), [0.5, 2], [], [[0.5]], "0.5", True, [None]]
)
def test_wrong_thresholds(thresholds):
    message = r"`thresholds` must be a number in \[0, 1\], or one for each label"
    with pytest.raises(ValueError, match=message):
        check_thresholds(thresholds)
