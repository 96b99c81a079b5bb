"""Losses, statistics, metrics and data for long-tailed classification in Keras 3."""

import importlib
from typing import TYPE_CHECKING, Any

try:
    importlib.import_module("keras")
except ModuleNotFoundError as error:
    missing = str(error.name).partition(".")[0]
    if missing not in ("tensorflow", "jax", "torch"):
        raise
    raise ModuleNotFoundError(
        f"Keras is set to the backend {missing!r}, which is not installed. Install it "
        f"with `pip install 'keras_ccar[{missing}]'`; or set the environment variable "
        "KERAS_BACKEND to 'tensorflow', 'jax' or 'torch', whichever is installed, "
        "before Keras is imported.",
        name=missing,
    ) from error

from keras_ccar import adjustments, initializers, layers, weightings
from keras_ccar.callbacks import BackupAndResume, CCARCallback, DeferredReweighting
from keras_ccar.layers import LogitCorrection
from keras_ccar.losses import (
    AsymmetricLoss,
    BalancedSoftmaxLoss,
    BinaryCCARLoss,
    BinaryClassBalancedLoss,
    BinaryFocalLoss,
    BinaryInverseFrequencyLoss,
    BinaryLogitAdjustedLoss,
    BinaryLongTailedCrossentropy,
    CCARLoss,
    ClassBalancedLoss,
    DistributionBalancedLoss,
    FocalLoss,
    InverseFrequencyLoss,
    LDAMLoss,
    LogitAdjustedLoss,
    LongTailedCrossentropy,
    WeightedSum,
)
from keras_ccar.metrics import (
    AveragePrecision,
    BalancedAccuracy,
    ExpectedCalibrationError,
    GeometricMean,
    MacroF1,
    PerClassRecall,
    ShotAccuracy,
)
from keras_ccar.requirements import require

if TYPE_CHECKING:  # What reads the code without running it finds it here.
    from keras_ccar.benchmark.own_data.compare import compare

__version__ = "0.1.0"

__all__ = [
    "AsymmetricLoss",
    "AveragePrecision",
    "BackupAndResume",
    "BalancedAccuracy",
    "BalancedSoftmaxLoss",
    "BinaryCCARLoss",
    "BinaryClassBalancedLoss",
    "BinaryFocalLoss",
    "BinaryInverseFrequencyLoss",
    "BinaryLogitAdjustedLoss",
    "BinaryLongTailedCrossentropy",
    "CCARCallback",
    "CCARLoss",
    "ClassBalancedLoss",
    "DeferredReweighting",
    "DistributionBalancedLoss",
    "ExpectedCalibrationError",
    "FocalLoss",
    "GeometricMean",
    "InverseFrequencyLoss",
    "LDAMLoss",
    "LogitAdjustedLoss",
    "LogitCorrection",
    "LongTailedCrossentropy",
    "MacroF1",
    "PerClassRecall",
    "ShotAccuracy",
    "WeightedSum",
    "adjustments",
    "benchmark",
    "compare",
    "datasets",
    "initializers",
    "layers",
    "posthoc",
    "serving",
    "weightings",
]

# Imported on first use, because they need libraries that training does not.
_ON_DEMAND = ("benchmark", "datasets", "posthoc", "serving")
# What `compare` needs beside those of `posthoc`, by the name of the module.
_FOR_COMPARE = {"rich": "Rich", "filelock": "filelock", "tabulate": "tabulate"}


def __getattr__(name: str) -> Any:
    if name in _ON_DEMAND:
        return importlib.import_module(f"{__name__}.{name}")
    if name == "compare":
        for module, package in _FOR_COMPARE.items():
            require(module, package, "benchmark", "`keras_ccar.compare`")
        return importlib.import_module(f"{__name__}.benchmark.own_data.compare").compare
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
