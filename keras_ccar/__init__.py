"""Losses, statistics, metrics and data for long-tailed classification in Keras 3."""

import importlib

from keras_ccar import adjustments, layers, weightings
from keras_ccar.callbacks import CCARCallback, DeferredReweighting
from keras_ccar.layers import LogitCorrection
from keras_ccar.losses import (
    BalancedSoftmaxLoss,
    BinaryCCARLoss,
    CCARLoss,
    ClassBalancedLoss,
    FocalLoss,
    InverseFrequencyLoss,
    LDAMLoss,
    LogitAdjustedLoss,
    LongTailedCrossentropy,
)
from keras_ccar.metrics import (
    BalancedAccuracy,
    ExpectedCalibrationError,
    PerClassRecall,
    ShotAccuracy,
)

__version__ = "0.1.0"

__all__ = [
    "BalancedAccuracy",
    "BalancedSoftmaxLoss",
    "BinaryCCARLoss",
    "CCARCallback",
    "CCARLoss",
    "ClassBalancedLoss",
    "DeferredReweighting",
    "ExpectedCalibrationError",
    "FocalLoss",
    "InverseFrequencyLoss",
    "LDAMLoss",
    "LogitAdjustedLoss",
    "LogitCorrection",
    "LongTailedCrossentropy",
    "PerClassRecall",
    "ShotAccuracy",
    "adjustments",
    "datasets",
    "layers",
    "weightings",
]

# Imported on first use: they need libraries that training does not.
_ON_DEMAND = ("datasets",)


def __getattr__(name):
    if name in _ON_DEMAND:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
