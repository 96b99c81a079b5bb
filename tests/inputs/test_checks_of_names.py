"""Labels that are names: how they become numbers, with the rarer of two as yes."""

import re

import numpy
import numpy as np
import pandas as pd
import pytest

from keras_ccar import posthoc
from keras_ccar.datasets import count_classes
from keras_ccar.inputs.checks import advise_numbers, integer_labels

RARE = ["ok"] * 8 + ["fraud"] * 2


def followed(text, labels):
    """What the advice makes of labels."""
    code = re.findall(r"`((?:\(?numpy).*?)`", text)[0]
    return eval(code, {"numpy": numpy, "labels": labels})


@pytest.mark.parametrize(
    "kind", [list, np.array, pd.Series, lambda v: np.array(v, "S")]
)
def test_the_rarer_of_two_is_yes(kind):
    labels = kind(RARE)
    assert followed(advise_numbers(labels), labels).tolist() == [0] * 8 + [1] * 2
    swapped = kind(["fraud"] * 8 + ["ok"] * 2)
    assert followed(advise_numbers(swapped), swapped).tolist() == [0] * 8 + [1] * 2


def test_other_names():
    labels = ["b", "a", "c"]
    assert followed(advise_numbers(labels), labels).tolist() == [1, 0, 2]
    assert "== NAME).astype(int)" in advise_numbers(labels, one_column=True)
    assert "== NAME).astype(int)" in advise_numbers(["ok"], one_column=True)
    assert "from 0 on" in advise_numbers([[1], "a"])


def test_every_place_gives_this_advice():
    labels, outputs = np.array(RARE), np.full((10, 1), 0.5, "float32")
    for call in (
        lambda: posthoc.tune_thresholds(outputs, labels, from_logits=False),
        lambda: integer_labels(labels, 10),
        lambda: count_classes(np.repeat(np.array([0, 10**9]), [8, 2])),
    ):
        with pytest.raises(ValueError, match=r"numpy\.asarray\(labels\) == ") as error:
            call()
        given = labels if "fraud" in str(error.value) else [0] * 8 + [10**9] * 2
        assert followed(str(error.value), given).tolist() == [0] * 8 + [1] * 2
