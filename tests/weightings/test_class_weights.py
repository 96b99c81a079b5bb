import numpy as np
from keras import ops

from keras_ccar.frequencies import class_prior
from keras_ccar.weightings import EffectiveNumber, InverseFrequency

COUNTS = np.array([500.0, 100, 20, 5])


def test_effective_numbers_by_hand():
    # β = 0.9: 1 / (1 - 0.9^n) = 1, 1.0000266, 1.1384033, 2.4419428, sum 5.5803726.
    prior = class_prior(COUNTS)
    weights = EffectiveNumber(beta=0.9)(None, prior.frequency, prior)
    np.testing.assert_allclose(
        ops.convert_to_numpy(weights),
        [0.71679801, 0.71681705, 0.81600519, 1.75037975],
        rtol=1e-6,
    )


def test_inverse_frequencies_by_hand():
    prior = class_prior(COUNTS)
    weights = InverseFrequency()(None, prior.frequency, prior)
    np.testing.assert_allclose(
        ops.convert_to_numpy(weights), [0.3125, 1.5625, 7.8125, 31.25]
    )
