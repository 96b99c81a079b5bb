"""Layers for long-tailed classifiers."""

from keras_ccar.layers.cosine_head import CosineHead
from keras_ccar.layers.logit_correction import LogitCorrection

__all__ = ["CosineHead", "LogitCorrection"]
