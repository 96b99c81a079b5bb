"""Layers for long-tailed classifiers."""

from keras_ccar.layers.cosine_head import CosineHead
from keras_ccar.layers.cost_sensitive_decision import CostSensitiveDecision
from keras_ccar.layers.logit_correction import LogitCorrection

# Registers what `keras_ccar.posthoc.chain` saves.
from keras_ccar.layers.named_model import NamedModel as NamedModel
from keras_ccar.layers.prediction_set import PredictionSet
from keras_ccar.layers.temperature_scaling import TemperatureScaling
from keras_ccar.layers.thresholds import Thresholds

__all__ = [
    "CosineHead",
    "CostSensitiveDecision",
    "LogitCorrection",
    "PredictionSet",
    "TemperatureScaling",
    "Thresholds",
]
