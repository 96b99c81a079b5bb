import numpy as np
import pytest
from metric_oracles import to_float

from keras_ccar.metrics import ShotAccuracy


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
