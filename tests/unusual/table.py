"""The table: its rows, its columns, its cells, and what has no place in it."""

import functools
import inspect

import keras
from unusual import (
    count_rows,
    distribution_rows,
    label_rows,
    name_rows,
    prediction_rows,
)
from unusual.data_subjects import data_subjects
from unusual.export_subject import ExportSubject
from unusual.fit_subject import FitSubject
from unusual.subjects import tensor_subjects

import keras_ccar

ROWS = [
    *count_rows.ROWS,
    *label_rows.ROWS,
    *distribution_rows.ROWS,
    *prediction_rows.ROWS,
    *name_rows.ROWS,
]
# The families of objects, each a column, with what the page calls them.
COLUMNS = {
    "losses": "softmax losses",
    "binary": "`BinaryCCARLoss`",
    "metrics": "metrics of classes",
    "calibration": "`ExpectedCalibrationError`, `AveragePrecision`",
    "correction": "`LogitCorrection`",
    "head": "`CosineHead`",
    "callbacks": "callbacks in `fit`",
    "counting": "`count_classes`",
    "sampling": "samplers",
    "reports": "tables, figures",
    "subsets": "subsets",
    "export": "`export`",
}
# Public names that take nothing of what the table is about.
ELSEWHERE = {
    **dict.fromkeys(
        (
            "BinaryLongTailedCrossentropy",
            "BinaryLogitAdjustedLoss",
            "BinaryInverseFrequencyLoss",
            "BinaryClassBalancedLoss",
            "BinaryFocalLoss",
            "AsymmetricLoss",
            "DistributionBalancedLoss",
        ),
        "reads its input as `BinaryCCARLoss` does",
    ),
    "AsymmetricFocal": "a part of a binary loss",
    **dict.fromkeys(
        ("TemperatureScaling", "Thresholds", "CostSensitiveDecision", "PredictionSet"),
        "takes numbers; its inputs are tried in tests/layers",
    ),
    **dict.fromkeys(
        (
            "calibrate",
            "estimate_prior",
            "evaluate_classes",
            "prediction_sets",
            "retrain_classifier",
            "tune_logit_correction",
            "tune_thresholds",
        ),
        "takes a model with its data, which are tried in tests/posthoc",
    ),
    "chain": "takes a model and layers",
    "compare": "takes a model and data, tried in tests/benchmark/own_data",
    **dict.fromkeys(
        ("precision_at_least", "recall_at_least", "alarm_rate_at_most"),
        "takes a number",
    ),
    "one_output": "takes a model and the name of an output",
    "LabelAwareSmoothing": "a part of a softmax loss",
    "Weighting": "a base class",
    "Adjustment": "a base class",
    "PriorBias": "takes counts alone, which it reads as `LogitCorrection` does",
    "LongTailedData": "holds what others have checked",
    "NAMES": "a tuple of names",
    "load": "takes a name",
    "from_directory": "takes a folder",
    "from_tfds": "takes a builder",
    "long_tailed_counts": "takes numbers",
    "subset_digest": "takes what others have checked",
    "training_batches": "takes a `LongTailedData`",
    "evaluation_batches": "takes a `LongTailedData`",
}
# What knows no backend is checked on TensorFlow alone.
ON_TENSORFLOW = (
    "show_class_counts",
    "plot_class_counts",
    "long_tailed_indices",
    "from_arrays",
    "export",
)
ROOMS = (
    keras_ccar,
    keras_ccar.adjustments,
    keras_ccar.callbacks,
    keras_ccar.datasets,
    keras_ccar.initializers,
    keras_ccar.layers,
    keras_ccar.losses,
    keras_ccar.metrics,
    keras_ccar.posthoc,
    keras_ccar.serving,
    keras_ccar.weightings,
)


@functools.cache
def subjects():
    """All objects of the table, on this backend."""
    found = [*tensor_subjects(), FitSubject(), *data_subjects()]
    return found + [ExportSubject()] * (keras.backend.backend() == "tensorflow")


FAMILIES = tuple(dict.fromkeys(subject.family for subject in subjects()))


def subjects_of(family, row):
    """The objects of a family that take the input of a row."""
    return [s for s in subjects() if s.family == family and row.outcome(s) is not None]


def public_names():
    """The public classes and functions of the package."""
    return {
        name
        for room in ROOMS
        for name in getattr(room, "__all__", dir(room))
        if not name.startswith("_") and not inspect.ismodule(getattr(room, name))
    }
