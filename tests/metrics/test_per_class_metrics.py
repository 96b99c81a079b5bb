import metric_oracles as oracle
import numpy as np
import pytest
from hypothesis import assume, given, settings
from metric_oracles import classified, to_float
from sklearn.metrics import balanced_accuracy_score

from keras_ccar.frequencies import shot_groups
from keras_ccar.metrics import BalancedAccuracy, PerClassRecall, ShotAccuracy

COUNTS = [500, 120, 60, 5]


@settings(max_examples=40, deadline=None)
@given(classified())
def test_recall_and_its_means_against_the_definition(case):
    expected = oracle.recall(*case)
    recall = to_float(PerClassRecall(4)(*case))
    np.testing.assert_allclose(recall, expected, rtol=1e-5)
    balanced = to_float(BalancedAccuracy(4)(*case))
    np.testing.assert_allclose(balanced, oracle.mean_of_known(expected), rtol=1e-5)
    shots = to_float(ShotAccuracy(COUNTS)(*case))
    for group, classes in shot_groups(COUNTS).items():
        of_group = oracle.mean_of_known(expected[classes])
        np.testing.assert_allclose(shots[group], of_group, rtol=1e-5)
    assert shots["balanced"] == balanced or np.isnan(balanced)


@settings(max_examples=20, deadline=None)
@given(classified())
def test_balanced_accuracy_is_scikit_learns(case):
    labels, y_pred, _ = case
    # The classes present are renumbered: scikit-learn warns of others predicted.
    present, renumbered = np.unique(labels, return_inverse=True)
    assume(len(present) > 1)
    y_pred = y_pred[:, present]
    expected = balanced_accuracy_score(renumbered, y_pred.argmax(-1))
    result = to_float(BalancedAccuracy(len(present))(renumbered, y_pred))
    np.testing.assert_allclose(result, expected, rtol=1e-5)


def test_soft_labels_count_as_their_most_probable_class():
    soft = np.array([[0.6, 0.4], [0.1, 0.9]])
    y_pred = np.array([[0.8, 0.2], [0.7, 0.3]])
    assert to_float(PerClassRecall(2)(soft, y_pred)).tolist() == [1.0, 0.0]


def test_shot_groups_are_those_of_the_training_counts():
    # 101 is many-shot, 100 and 20 are medium-shot, 19 is few-shot.
    metric = ShotAccuracy([101, 100, 20, 19])
    y_pred = np.eye(4)[[0, 1, 0, 0]]
    result = to_float(metric(np.arange(4), y_pred))
    assert result == {"many": 1, "medium": 0.5, "few": 0, "balanced": 0.5}


def test_group_without_a_class_has_no_key():
    assert list(ShotAccuracy([500, 5]).result()) == ["many", "few", "balanced"]
    assert list(ShotAccuracy([50, 50]).result()) == ["medium", "balanced"]
    assert list(ShotAccuracy([500, 5], few=1).result()) == [
        "many",
        "medium",
        "balanced",
    ]


def test_named_shot_accuracies_do_not_overwrite_each_other():
    metric = ShotAccuracy([500, 5], name="head")
    assert list(metric.result()) == ["head_many", "head_few", "head_balanced"]


@pytest.mark.parametrize("metric", [BalancedAccuracy, PerClassRecall])
@pytest.mark.parametrize("num_classes", [1, 0, 2.5, "3"])
def test_impossible_number_of_classes(metric, num_classes):
    with pytest.raises(ValueError, match=r"`num_classes` .* >= 2"):
        metric(num_classes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"class_counts": [5, -1]}, "class_counts"),
        ({"class_counts": [[5, 1]]}, "class_counts"),
        ({"class_counts": [5, 1], "many": 10, "few": 20}, "few"),
    ],
)
def test_impossible_counts(arguments, message):
    with pytest.raises(ValueError, match=f"`{message}`"):
        ShotAccuracy(**arguments)
