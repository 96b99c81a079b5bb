"""Losses for long-tailed classification."""

from keras_ccar.losses.asymmetric_loss import AsymmetricLoss
from keras_ccar.losses.balanced_softmax_loss import BalancedSoftmaxLoss
from keras_ccar.losses.binary_ccar_loss import BinaryCCARLoss
from keras_ccar.losses.binary_class_balanced_loss import BinaryClassBalancedLoss
from keras_ccar.losses.binary_focal_loss import BinaryFocalLoss
from keras_ccar.losses.binary_inverse_frequency_loss import BinaryInverseFrequencyLoss
from keras_ccar.losses.binary_logit_adjusted_loss import BinaryLogitAdjustedLoss
from keras_ccar.losses.binary_long_tailed_crossentropy import (
    BinaryLongTailedCrossentropy,
)
from keras_ccar.losses.ccar_loss import CCARLoss
from keras_ccar.losses.class_balanced_loss import ClassBalancedLoss
from keras_ccar.losses.distribution_balanced_loss import DistributionBalancedLoss
from keras_ccar.losses.focal_loss import FocalLoss
from keras_ccar.losses.inverse_frequency_loss import InverseFrequencyLoss
from keras_ccar.losses.ldam_loss import LDAMLoss
from keras_ccar.losses.logit_adjusted_loss import LogitAdjustedLoss
from keras_ccar.losses.long_tailed_crossentropy import LongTailedCrossentropy
from keras_ccar.losses.weighted_sum import WeightedSum

__all__ = [
    "AsymmetricLoss",
    "BalancedSoftmaxLoss",
    "BinaryCCARLoss",
    "BinaryClassBalancedLoss",
    "BinaryFocalLoss",
    "BinaryInverseFrequencyLoss",
    "BinaryLogitAdjustedLoss",
    "BinaryLongTailedCrossentropy",
    "CCARLoss",
    "ClassBalancedLoss",
    "DistributionBalancedLoss",
    "FocalLoss",
    "InverseFrequencyLoss",
    "LDAMLoss",
    "LogitAdjustedLoss",
    "LongTailedCrossentropy",
    "WeightedSum",
]
