import metric_oracles as oracle
import numpy as np
import pytest
from hypothesis import assume, given, settings
from metric_oracles import classified, to_float
from sklearn.metrics import balanced_accuracy_score

from keras_ccar.frequencies import shot_groups
from keras_ccar.metrics import BalancedAccuracy, PerClassRecall, ShotAccuracy

COUNTS = [500, 120, 60, 5]


@pytest.mark.slow
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


@pytest.mark.parametrize("metric", [BalancedAccuracy, PerClassRecall])
@pytest.mark.parametrize("num_classes", [1, 0, 2.5, "3"])
def test_impossible_number_of_classes(metric, num_classes):
    with pytest.raises(ValueError, match=r"`num_classes` .* >= 2"):
        metric(num_classes)
