"""Labels of data that a trained model is measured on."""

import warnings

import numpy as np
import pytest

from keras_ccar import posthoc


@pytest.mark.parametrize("yes", [70, 90])
def test_warns_where_yes_is_the_frequent_answer(yes):
    labels = np.repeat([0, 1], [100 - yes, yes])
    outputs = np.random.default_rng(0).random((100, 1))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        posthoc.tune_thresholds(outputs, labels, from_logits=False)
    told = [str(w.message) for w in caught if "Yes (1) is" in str(w.message)]
    assert len(told) == (yes > 80)
    if told:
        assert "is 90.0% of the labels of `validation`" in told[0]
        assert "by `1 - labels`" in told[0]
    several = np.stack([labels, labels], axis=1)
    with warnings.catch_warnings(action="error"):
        posthoc.tune_thresholds(
            np.repeat(outputs, 2, axis=1), several, from_logits=False
        )
