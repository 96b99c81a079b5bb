import numpy as np
import pytest
from keras import ops

import keras_ccar
from keras_ccar.weightings import EffectiveNumber, InverseFrequency

COUNTS = np.array([500.0, 100, 20, 5])


@pytest.mark.parametrize(
    "weighting", [EffectiveNumber(0.9999), EffectiveNumber(0.5), InverseFrequency()]
)
def test_normalised_class_weights_have_mean_1_over_training_data(weighting):
    loss = keras_ccar.LongTailedCrossentropy(
        COUNTS, weighting=weighting, normalize=True, from_logits=True
    )
    labels = np.repeat(np.arange(4), COUNTS.astype(int))
    logits = np.zeros((len(labels), 4), "float32")
    np.testing.assert_allclose(
        ops.convert_to_numpy(loss(labels, logits)), np.log(4), rtol=1e-5
    )


def test_normalising_tiny_weights():
    """The focal weights of a confident batch are nearly 0."""
    loss = keras_ccar.FocalLoss(gamma=5.0, normalize=True, from_logits=True)
    value = ops.convert_to_numpy(loss([[0.0, 1.0]], np.float32([[-1e4, 1e4]])))
    assert np.isfinite(value)
