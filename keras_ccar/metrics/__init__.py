"""Metrics in which rare classes count as much as frequent ones, and calibration."""

from keras_ccar.metrics.average_precision import AveragePrecision
from keras_ccar.metrics.balanced_accuracy import BalancedAccuracy
from keras_ccar.metrics.expected_calibration_error import ExpectedCalibrationError
from keras_ccar.metrics.geometric_mean import GeometricMean
from keras_ccar.metrics.macro_f1 import MacroF1
from keras_ccar.metrics.per_class_recall import PerClassRecall
from keras_ccar.metrics.shot_accuracy import ShotAccuracy

__all__ = [
    "AveragePrecision",
    "BalancedAccuracy",
    "ExpectedCalibrationError",
    "GeometricMean",
    "MacroF1",
    "PerClassRecall",
    "ShotAccuracy",
]
